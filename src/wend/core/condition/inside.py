"""`{inside: shop-berlin}`: the person is inside the geofence, by the latest location event (with the fence's hysteresis)."""

from __future__ import annotations

from dataclasses import dataclass

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader


@dataclass(frozen=True, slots=True, eq=False)
class Inside(Form):
    """Inside the fence now; of a fence that does not exist nobody is inside."""

    fence: str

    def check(self, view: View) -> Verdict:
        return TRUE if self.fence in view.profile.fences else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({f"fence:{self.fence}"}))


def parse_inside(reader: Reader) -> Condition | None:
    """`{inside: id of a geofence}`."""
    reader.only("inside")
    fence = reader.text("inside", "the id of a geofence", limit=64)
    return Inside(reader.raw, fence) if fence else None
