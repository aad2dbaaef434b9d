"""The clock on a node's box: `timing: {delay: 2h}` · `{at: "09:00"}` · `{slot: {days: [mon], from: "09:00", to: "17:00"}}`.

Any node may have it; the node acts that much later, in the person's zone. Counted from real time where the run's own effect came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from wend.core.journey.fields import DURATION, TIME_OF_DAY, Field, Type, choice, list_of, parse_settings
from wend.core.problems import Problem, shown
from wend.core.zone import at_local_time, next_local_time, to_local

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Slot:
    """Weekdays and hours in the person's zone. `to` before `since` means over midnight; the day counts at its beginning."""

    since: str
    to: str
    days: frozenset[int] = frozenset(range(7))

    def next_open(self, now: int, zone: str) -> int:
        """The first instant ≥ now inside the slot (ms UTC)."""
        today = to_local(now, zone).date()
        for ahead in range(-1, 9):
            day = today + timedelta(days=ahead)
            if day.weekday() not in self.days:
                continue
            start = at_local_time(day, self.since, zone)
            end_day = day if self.to > self.since else day + timedelta(days=1)
            if now < at_local_time(end_day, self.to, zone):
                return max(now, start)
        raise AssertionError("a slot has at least one day")  # pragma: no cover - the parser refuses a slot without days


_SLOT_FIELDS = {
    "days": Field(list_of(choice(*DAYS)), "Weekdays; all when left out"),
    "from": Field(TIME_OF_DAY, "Beginning, in the person's zone", required=True),
    "to": Field(TIME_OF_DAY, "End, in the person's zone", required=True),
}


def parse_slot(raw: Any, where: str, problems: list[Problem]) -> Slot | None:
    """Parse a slot; None after adding to `problems`."""
    if not isinstance(raw, dict):
        problems.append(Problem(where, f'expected {{from: "09:00", to: "17:00"}}, found {shown(raw)}'))
        return None
    before = len(problems)
    values = parse_settings(cast("dict[str, Any]", raw), _SLOT_FIELDS, where, problems)
    if len(problems) > before:
        return None
    days = frozenset(DAYS.index(day) for day in values["days"] or DAYS)
    return Slot(values["from"], values["to"], days)


SLOT = Type(parse_slot, {"type": "object", "properties": {"from": TIME_OF_DAY.schema, "to": TIME_OF_DAY.schema}})


@dataclass(frozen=True, slots=True)
class Timing:
    """When a node acts, seen from the moment the run reaches it."""

    delay: int | None = None
    at: str | None = None
    slot: Slot | None = None

    def acts_at(self, now: int, zone: str) -> int:
        """The instant ≥ now at which the node acts (ms UTC)."""
        if self.delay is not None:
            now += self.delay
        if self.at is not None:
            now = next_local_time(now - 1, self.at, zone)
        return now if self.slot is None else self.slot.next_open(now, zone)


FIELDS = {
    "delay": Field(DURATION, "Act that much later"),
    "at": Field(TIME_OF_DAY, "Act at the next such time of day in the person's zone"),
    "slot": Field(SLOT, "Act in the next such slot"),
}


def parse_timing(raw: Any, where: str, problems: list[Problem]) -> Timing | None:
    """Parse a node's `timing`; None after adding to `problems`."""
    if not isinstance(raw, dict) or not raw:
        problems.append(Problem(where, f"expected one of {', '.join(FIELDS)}, found {shown(raw)}"))
        return None
    before = len(problems)
    values = parse_settings(cast("dict[str, Any]", raw), FIELDS, where, problems)
    return None if len(problems) > before else Timing(**values)
