"""`has_done`: has the person done something, this often, in this window (`since: entry`: since the run's trigger)?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.core.condition.base import Condition
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import Field, condition
from wend.core.problems import shown


class HasDone(Node):
    KIND = "has_done"
    GROUP = "condition"
    SHORT = "event"
    FIELDS = {
        "condition": Field(
            condition("journey"), "The event form of a condition: event, where, count, within …", required=True
        )
    }
    BRANCHES = ("yes", "no")

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """The event form stands directly under `has_done`; without a count, once is enough."""
        return raw if "condition" in raw else {"condition": raw or None}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        raw = self.settings["condition"].dump()
        if "event" not in raw:
            yield (
                "condition",
                f"expected an event, such as {{event: Order Completed}}, found {shown(raw)}; use 'check' for other conditions",
            )

    def enter(self, turn: Turn) -> Answer:
        return Go("yes" if self.settings["condition"].check(turn.view()).value else "no")

    def conditions(self) -> Iterator[Condition]:
        yield self.settings["condition"]

    def summary(self) -> str:
        return f"Has done {' or '.join(sorted(self.settings['condition'].listens().events))}"
