"""`wait_for_date`: rest until a date, or until an attribute's date ± an offset, at a time of day in the person's zone.

A date that has passed when the run arrives (or that is missing) leaves by `passed`. When the attribute changes, the wait is timed anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from wend.core.condition.base import Listens
from wend.core.duration import DAY, format_duration
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import BOOLEAN, DURATION, TIME_OF_DAY, VALUE, Field
from wend.core.journey.happened import AttributesChanged, Happened
from wend.core.journey.values import SOURCES, Reference, Value
from wend.core.zone import anniversary, at_local_time, parse_instant, to_local


class WaitForDate(Node):
    KIND = "wait_for_date"
    GROUP = "flow"
    SHORT = "date"
    WAITS = True
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
        source = {name: value for name, value in raw.items() if name in SOURCES}
        return (
            raw
            if "date" in raw or not source
            else {"date": source, **{n: v for n, v in raw.items() if n not in source}}
        )

    def check_settings(self) -> Iterator[tuple[str, str]]:
        date: Value = self.settings["date"]
        if not isinstance(date, Reference) and parse_instant(date.value, "UTC") is None:
            yield "date", f"expected a date such as 2026-12-24, found {date.value!r}"

    def enter(self, turn: Turn) -> Answer:
        found = turn.value(self.settings["date"])
        instant = parse_instant(found, turn.zone)
        if instant is None:
            return Go("passed", f"no date: {found!r}")
        target = self._target(instant, turn)
        if target < turn.now:
            return Go("passed", f"{found} had passed")
        return Park(target, f"waits for {found}")

    def wake(self, turn: Turn) -> Answer:
        return Go("next", "the date has come")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        date: Value = self.settings["date"]
        if isinstance(happened, AttributesChanged) and isinstance(date, Reference):
            root = date.path.split(".")[0]
            if any(path.split(".")[0] == root for path in happened.changes):
                return self.enter(turn)
        return None

    def listens(self) -> Listens:
        date: Value = self.settings["date"]
        if isinstance(date, Reference) and date.source == "attribute":
            return Listens(attributes=frozenset({date.path.split(".")[0]}))
        return Listens()

    def summary(self) -> str:
        date: Value = self.settings["date"]
        what = date.path if isinstance(date, Reference) else date.value
        before, after = self.settings["before"], self.settings["after"]
        offset = f"{format_duration(before)} before " if before else f"{format_duration(after)} after " if after else ""
        return f"Wait until {offset}{what}"

    def _target(self, instant: int, turn: Turn) -> int:
        if not self.settings["any_year"]:
            return self._shifted(instant, turn.zone)
        born = to_local(instant, turn.zone).date()
        year = to_local(turn.now, turn.zone).year
        days = (anniversary(born, year + ahead) for ahead in (-1, 0, 1, 2))
        targets = (self._shifted(at_local_time(day, "00:00", turn.zone), turn.zone) for day in days)
        return next(target for target in targets if target >= turn.now)

    def _shifted(self, instant: int, zone: str) -> int:
        """Before or after, then the time of day. Whole days are days of the calendar, whatever the clocks do in between."""
        offset = self.settings["after"] - self.settings["before"]
        days, rest = divmod(offset, DAY)
        local = to_local(instant, zone)
        if rest == 0:
            local += timedelta(days=days)
            instant = at_local_time(local.date(), local.time(), zone)
        else:
            instant += offset
        at = self.settings["at"]
        return instant if at is None else at_local_time(to_local(instant, zone).date(), at, zone)
