"""What stands around a person while a batch is applied: rows, what all persons of the batch share, what is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wend.core.inputs import Input
from wend.core.plan import Plan
from wend.core.profile import Run

# seq, at, kind, message hash, payload (JSON) or the input itself, whether it was parked before
Row = tuple[int, int, str, int | None, bytes | Input, bool]


@dataclass(slots=True)
class Around:
    """What all persons of a batch share."""

    plan: Plan
    plan_at: Callable[[int], Plan]
    horizon: int
    """Wakes up to here are due."""
    clock: int | None
    """Real time at the start of the batch; None: replay, there is no lag (engine.md 4)."""
    seen: dict[int, dict[int, int]] = field(default_factory=dict)
    """profile → message hash → when it was last applied; only hashes that occur in the batch."""
    waiting: dict[int, list[Row]] = field(default_factory=dict)
    """profile → rows parked for a merge or an outcome; only of people whose wait may end in this batch."""


@dataclass(slots=True)
class Parking:
    """A row to be set aside."""

    seq: int
    at: int
    kind: str
    hash: int | None
    payload: bytes | Input
    reason: str
    error: str | None = None
    tries: int = 0


Place = tuple[str, int, str, int, int | None]
"""Journey, version, node, since when, until when."""


def place_of(run: Run) -> Place:
    """Where the run rests now."""
    return run.journey, run.version, run.node, run.entered, run.until
