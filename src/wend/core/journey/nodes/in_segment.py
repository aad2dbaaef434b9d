"""`in_segment`: is the person in a segment (live or list) now?"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.condition.base import Condition
from wend.core.condition.member import Member, key_of
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field


class InSegment(Node):
    KIND = "in_segment"
    GROUP = "condition"
    SHORT = "segment"
    FIELDS = {"segment": Field(TEXT, "Id of the segment or list", required=True)}
    BRANCHES = ("yes", "no")

    def enter(self, turn: Turn) -> Answer:
        return Go("yes" if self._condition.check(turn.view()).value else "no")

    def conditions(self) -> Iterator[Condition]:
        yield self._condition

    def summary(self) -> str:
        return f"In segment {self.settings['segment']}?"

    @property
    def _condition(self) -> Member:
        segment = self.settings["segment"]
        return Member({"segment": segment}, segment, key_of(segment))
