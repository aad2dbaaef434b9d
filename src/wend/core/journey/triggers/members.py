"""`{segment_entered: vip}` and `{segment_exited: vip}`: the person came into a segment or list, or left it.

`include_members: true` also starts, once, whoever is in the segment when the trigger is first published; the engine walks them
(engine/broadcast.py) and names this trigger by its mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from wend.core.condition.base import Condition, View
from wend.core.journey.happened import Happened, SegmentChanged
from wend.core.journey.triggers.base import Sparked, Trigger, mark_of, name_in, only
from wend.core.journey.triggers.schedule import member_of, scheduled_spark
from wend.core.problems import Problem, shown


@dataclass(frozen=True, slots=True)
class OnSegment(Trigger):
    """See above."""

    KIND: ClassVar[str] = "segment"
    segment: str
    entered: bool
    mark: str
    include_members: bool
    member: Condition

    def topics(self, journey: str) -> tuple[str, ...]:
        start = (f"start:{journey}",) if self.include_members else ()
        return (f"segment:{self.segment}", *start)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, SegmentChanged):
            if happened.segment != self.segment or happened.entered is not self.entered:
                return None
            label = f"{'entered' if self.entered else 'left'} segment {self.segment}"
            return Sparked(happened.at, {"segment": self.segment}, label)
        if not self.include_members:
            return None
        return scheduled_spark(happened, journey, self.mark, f"in segment {self.segment} when it was published")

    def fits(self, view: View) -> bool:
        # Of somebody who came in and went out at one instant both are heard, and the latter holds.
        return self.member.check(view).value is self.entered

    def conditions(self) -> Iterator[Condition]:
        yield self.member


def parse_segment(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    before = len(problems)
    entered = kind == "segment_entered"
    only(raw, (kind, "include_members") if entered else (kind,), where, problems)
    segment = name_in(raw[kind], "the id of a segment", f"{where}.{kind}", problems)
    include = raw.get("include_members", False)
    if not isinstance(include, bool):
        problems.append(Problem(f"{where}.include_members", f"expected true or false, found {shown(include)}"))
    if segment is None or len(problems) > before:
        return None
    return OnSegment(segment, entered, mark_of(raw), entered and include, member_of(segment))
