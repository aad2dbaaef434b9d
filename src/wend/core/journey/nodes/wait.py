"""`wait`: rest for a length of time, fixed or computed.

A computed length of less than a minute is rounded up to one, so that a loop is always bounded by time; what is no duration at all
does not wait.
"""

from __future__ import annotations

from typing import Any

from wend.core.duration import MINUTE, format_duration, parse_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import DURATION, Field, Type
from wend.core.journey.values import Reference, parse_value
from wend.core.problems import Problem, shown


def _parse(raw: Any, where: str, problems: list[Problem]) -> int | Reference | None:
    if not isinstance(raw, dict):
        return DURATION.parse(raw, where, problems)
    before = len(problems)
    value = parse_value(raw, where, problems)
    if isinstance(value, Reference):
        return value
    if len(problems) == before:
        problems.append(
            Problem(where, f"expected a duration such as 2h or a value such as {{attribute: x}}, found {shown(raw)}")
        )
    return None


class Wait(Node):
    KIND = "wait"
    GROUP = "flow"
    WAITS = True
    SHORT = "for"
    FIELDS = {
        "for": Field(
            Type(_parse, DURATION.schema), "A duration such as 2h, or an expression that gives one", required=True
        )
    }

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """An expression may stand directly under `wait`."""
        return raw if "for" in raw else {"for": raw}

    def resting(self) -> frozenset[str]:
        length = self.settings["for"]
        return frozenset({"next"}) if isinstance(length, int) and length >= MINUTE else frozenset()

    def enter(self, turn: Turn) -> Answer:
        length = self.settings["for"]
        if isinstance(length, Reference):
            found = turn.value(length)
            try:
                length = max(parse_duration(found), MINUTE)
            except ValueError:
                return Go("next", f"no wait: {shown(found)} is not a duration")
        return Park(turn.run.since + length, f"waits {format_duration(length)}")

    def wake(self, turn: Turn) -> Answer:
        return Go("next", "waited")

    def summary(self) -> str:
        length = self.settings["for"]
        return f"Wait {length.path if isinstance(length, Reference) else format_duration(length)}"
