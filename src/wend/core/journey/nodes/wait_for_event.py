"""`wait_for_event`: rest until the person does something, or until the timeout. Several events: the first one wins.

`{wait_for_event: {event: Order Completed, timeout: 2h}, happened: …, timed_out: …}`, or with a branch for each event
`{wait_for_event: {events: {bought: {event: …}, looked: {event: …}}, timeout: 2h}, bought: …, looked: …, timed_out: …}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from wend.core.condition.base import Condition, Listens
from wend.core.duration import MINUTE, format_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import DURATION, Field, condition, mapping_of
from wend.core.journey.happened import EventHappened, Happened
from wend.core.journey.pattern import EVENTS, PATTERN, EventPattern


class WaitForEvent(Node):
    KIND = "wait_for_event"
    GROUP = "flow"
    WAITS = True
    TAKES_EVENTS = True
    FIELDS = {
        "event": Field(EVENTS, "Name of the event, or a list of names"),
        "where": Field(condition("event", "journey"), "Condition on the event and the person"),
        "events": Field(
            mapping_of(PATTERN, "a branch name for each event", branches=True),
            "Several events, each with a branch of its own",
        ),
        "timeout": Field(DURATION, "How long to wait; for ever when left out"),
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if bool(self.settings["event"]) == bool(self.settings["events"]):
            yield "event", "give either event or events"
        if self.settings["events"] and self.settings["where"] is not None:
            yield "where", "put the condition into each of the events"
        if "timed_out" in (self.settings["events"] or ()):
            yield "events.timed_out", "'timed_out' is the branch of the timeout; choose another name"

    @cached_property
    def patterns(self) -> dict[str, EventPattern]:
        """branch → the event that leads there."""
        if self.settings["events"]:
            return self.settings["events"]
        return {"happened": EventPattern(self.settings["event"], self.settings["where"])}

    def branches(self) -> tuple[str, ...]:
        timed_out = () if self.settings["timeout"] is None else ("timed_out",)
        return (*(self.settings["events"] or ("happened",)), *timed_out)

    def resting(self) -> frozenset[str]:
        timeout = self.settings["timeout"]
        return frozenset(self.branches()) - (
            frozenset({"timed_out"}) if timeout is not None and timeout < MINUTE else frozenset()
        )

    def enter(self, turn: Turn) -> Answer:
        timeout = self.settings["timeout"]
        return Park(None if timeout is None else turn.run.since + timeout, f"waits for {self._names}")

    def wake(self, turn: Turn) -> Answer:
        return Go("timed_out", f"no {self._names} within {format_duration(self.settings['timeout'])}")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        if isinstance(happened, EventHappened):
            event = happened.event
            for branch, pattern in self.patterns.items():
                if pattern.hears(event.name) and pattern.fits(turn.view(event)):
                    return Go(branch, event.name)
        return None

    def listens(self) -> Listens:
        return Listens(events=frozenset(name for one in self.patterns.values() for name in one.names))

    def conditions(self) -> Iterator[Condition]:
        for pattern in self.patterns.values():
            yield from pattern.conditions()

    def summary(self) -> str:
        timeout = self.settings["timeout"]
        return f"Wait for {self._names}" + ("" if timeout is None else f", up to {format_duration(timeout)}")

    @cached_property
    def _names(self) -> str:
        return " or ".join(sorted(self.listens().events))
