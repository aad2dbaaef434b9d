"""`{segment: vip}`: whether the person is in a segment (live or list). Membership is kept by journey/membership.py.

While a segment's first version is still being back-filled nobody is in it; journeys that use it cannot be published then.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader


def key_of(segment: str) -> int:
    """What stands for a segment in a state: a hash of 32 bits, never 0. Publishing refuses two segments of one key."""
    return int.from_bytes(blake2b(segment.encode(), digest_size=4).digest(), "big") or 1


@dataclass(frozen=True, slots=True, eq=False)
class Member(Form):
    """In the segment now."""

    segment: str
    key: int

    def check(self, view: View) -> Verdict:
        return TRUE if self.key in view.profile.segments else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({f"segment:{self.segment}"}))


def parse_segment(reader: Reader) -> Condition | None:
    """`{segment: vip}`."""
    reader.only("segment")
    segment = reader.text("segment", "the id of a segment", limit=64)
    return Member(reader.raw, segment, key_of(segment)) if segment else None
