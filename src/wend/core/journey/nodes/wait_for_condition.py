"""`wait_for_condition`: rest until a condition becomes true, also by mere passing of time, or until the timeout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from wend.core.condition.base import FOREVER, Condition, Listens
from wend.core.duration import MINUTE, format_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import DURATION, Field, condition
from wend.core.journey.happened import Happened


class WaitForCondition(Node):
    KIND = "wait_for_condition"
    GROUP = "flow"
    WAITS = True
    FIELDS = {
        "condition": Field(condition("journey"), "What must become true", required=True),
        "timeout": Field(DURATION, "How long to wait; for ever when left out"),
    }

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """The condition may stand directly beside `timeout`."""
        if "condition" in raw:
            return raw
        inner = {name: value for name, value in raw.items() if name != "timeout"}
        return {"condition": inner or None, **({"timeout": raw["timeout"]} if "timeout" in raw else {})}

    def branches(self) -> tuple[str, ...]:
        return ("happened",) if self.settings["timeout"] is None else ("happened", "timed_out")

    def resting(self) -> frozenset[str]:
        timeout = self.settings["timeout"]
        return frozenset({"timed_out"}) if timeout is not None and timeout >= MINUTE else frozenset()

    def enter(self, turn: Turn) -> Answer:
        verdict = self._condition.check(turn.view())
        if verdict.value:
            return Go("happened", "the condition is true")
        deadline = self._deadline(turn)
        if deadline is not None and turn.now >= deadline:
            return Go("timed_out", f"not within {format_duration(self.settings['timeout'])}")
        instants = [at for at in (deadline, verdict.may_change_at) if at is not None and at < FOREVER]
        return Park(min(instants, default=None), "waits for the condition")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        return self.enter(turn)

    def listens(self) -> Listens:
        return self._condition.listens()

    def conditions(self) -> Iterator[Condition]:
        yield self._condition

    def summary(self) -> str:
        timeout = self.settings["timeout"]
        return "Wait for a condition" + ("" if timeout is None else f", up to {format_duration(timeout)}")

    @property
    def _condition(self) -> Condition:
        return cast(Condition, self.settings["condition"])

    def _deadline(self, turn: Turn) -> int | None:
        timeout = self.settings["timeout"]
        return None if timeout is None else turn.run.since + timeout
