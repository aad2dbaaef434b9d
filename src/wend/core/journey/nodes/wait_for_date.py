"""`wait_for_date`: rest until a date, or until an attribute's date ± an offset, at a time of day in the person's zone.

A date that has passed when the run arrives (or that is missing) leaves by `passed`. When the
attribute or the person's zone changes, the wait is timed anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.core.condition.base import Listens
from wend.core.duration import format_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.dates import anniversaries, shifted
from wend.core.journey.fields import BOOLEAN, DURATION, TIME_OF_DAY, VALUE, Field
from wend.core.journey.happened import AttributesChanged, Happened, Merged
from wend.core.journey.values import OPERATORS, SOURCES, Reference, Value
from wend.core.problems import shown
from wend.core.zone import parse_instant


class WaitForDate(Node):
    KIND = "wait_for_date"
    GROUP = "flow"
    WAITS = True
    SHORT = "date"
    FIELDS = {
        "date": Field(VALUE, "A date, or {attribute: next_due_date}", required=True),
        "before": Field(DURATION, "That much before the date", default=0),
        "after": Field(DURATION, "That much after the date", default=0),
        "at": Field(TIME_OF_DAY, "Time of day in the person's zone"),
        "any_year": Field(BOOLEAN, "The next anniversary of the date", default=False),
    }
    BRANCHES = ("next", "passed")
    FALLBACK = {"passed": "next"}

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """The source of the date may stand directly beside the other settings: `{attribute: next_due_date, before: 10d}`."""
        if "date" in raw or not any(name in SOURCES for name in raw):
            return raw
        value = {name: setting for name, setting in raw.items() if name in SOURCES or name in OPERATORS}
        return {"date": value, **{name: setting for name, setting in raw.items() if name not in value}}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        date: Value = self.settings["date"]
        if not isinstance(date, Reference) and parse_instant(date.value, "UTC") is None:
            yield "date", f"expected a date such as 2026-12-24, found {shown(date.value)}"

    def resting(self) -> frozenset[str]:
        return frozenset({"next"})

    def enter(self, turn: Turn) -> Answer:
        return self._rest(turn, turn.now)

    def moved(self, turn: Turn) -> Answer | None:
        return self._rest(turn, turn.run.entered)

    def _rest(self, turn: Turn, since: int) -> Answer:
        """Wait for the date that comes next, seen from `since`."""
        found = turn.value(self.settings["date"])
        instant = parse_instant(found, turn.zone)
        if instant is None:
            return Go("passed", f"no date: {shown(found)}")
        # Who comes back to it in a loop has had this date already, and waits for a later one.
        earliest = since + (turn.run.rounds.get(turn.run.node, 0) > 1)
        target = self._target(instant, turn.zone, earliest)
        if target < earliest:
            return Go("passed", f"{shown(found)} had passed")
        return Park(target, f"waits for {shown(found)}")

    def wake(self, turn: Turn) -> Answer:
        return Go("next", "the date has come")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        return self.enter(turn) if isinstance(happened, AttributesChanged | Merged) else None

    def listens(self) -> Listens:
        date: Value = self.settings["date"]
        own = {date.path.split(".")[0]} if isinstance(date, Reference) and date.source == "attribute" else set[str]()
        return Listens(attributes=frozenset({"timezone", *own}))

    def summary(self) -> str:
        date: Value = self.settings["date"]
        what = date.path if isinstance(date, Reference) else date.value
        before, after = self.settings["before"], self.settings["after"]
        offset = f"{format_duration(before)} before " if before else f"{format_duration(after)} after " if after else ""
        return f"Wait until {offset}{what}"

    def _target(self, instant: int, zone: str, earliest: int) -> int:
        """The instant that is waited for; of anniversaries the first that is not before `earliest`."""
        offset, at = self.settings["after"] - self.settings["before"], self.settings["at"]
        if not self.settings["any_year"]:
            return shifted(instant, offset, at, zone)
        return next(one for one in anniversaries(instant, earliest, offset, at, zone) if one >= earliest)
