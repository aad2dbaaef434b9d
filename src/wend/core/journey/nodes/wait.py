"""`wait`: rest for a length of time, fixed or computed."""

from __future__ import annotations

from typing import Any

from wend.core.duration import format_duration, parse_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import DURATION, Field, Type
from wend.core.journey.values import Reference, parse_value
from wend.core.problems import Problem


def _parse(raw: Any, where: str, problems: list[Problem]) -> Any:
    return parse_value(raw, where, problems) if isinstance(raw, dict) else DURATION.parse(raw, where, problems)


class Wait(Node):
    KIND = "wait"
    GROUP = "flow"
    SHORT = "for"
    WAITS = True
    FIELDS = {
        "for": Field(
            Type(_parse, DURATION.schema), "A duration such as 2h, or an expression that gives one", required=True
        )
    }

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """An expression may stand directly under `wait`."""
        return raw if "for" in raw else {"for": raw}

    def enter(self, turn: Turn) -> Answer:
        length = self.settings["for"]
        if isinstance(length, int):
            return Park(turn.run.since + length, f"waits {format_duration(length)}")
        found = turn.value(length)
        try:
            computed = parse_duration(found)
        except ValueError:
            return Go("next", f"no wait: {found!r} is not a duration")
        return Park(turn.run.since + computed, f"waits {format_duration(computed)}")

    def wake(self, turn: Turn) -> Answer:
        return Go("next", "waited")

    def summary(self) -> str:
        length = self.settings["for"]
        return f"Wait {length.path if isinstance(length, Reference) else format_duration(length)}"
