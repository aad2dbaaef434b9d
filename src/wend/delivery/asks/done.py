"""What came of something that the database alone can do (a coupon, an audience change, noting an alert)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wend.delivery.outbox import Row, Settled, Status

_STATUS: dict[str, Status] = {"ok": "accepted", "failed": "refused", "exhausted": "refused"}


@dataclass(frozen=True, slots=True)
class Done:
    """`again`: not now, try once more after so many ms. `listens` False: nobody waits for an answer."""

    state: Literal["ok", "failed", "exhausted", "again"]
    why: str = ""
    value: Any = None
    again: int = 0
    listens: bool = True

    def settled(self, row: Row, now: int) -> Settled:
        """What becomes of the row."""
        if self.state == "again":
            return Settled(row, "queued", self.why, not_before=min(now + self.again, row.expires_at))
        answer = (self.state, self.value) if self.listens else None
        return Settled(row, _STATUS[self.state], self.why, answer=answer)
