"""Triggers by the calendar, at one instant for everybody: `{date: {rrule: "FREQ=WEEKLY;BYDAY=MO", at: "09:00", zone: Europe/Berlin}}`
starts everybody who is known, `{in_segment: vip, schedule: {rrule: …}}` whoever is in the segment then.

The core knows only the text's shape. When it falls due is the engine's to work out (engine/schedule.py), which then starts the
journey by an input with trigger `schedule` that carries the mark of this trigger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from wend.core.condition.base import Condition, View
from wend.core.condition.member import Member, key_of
from wend.core.journey.happened import Happened, StartAsked
from wend.core.journey.triggers.base import Sparked, Trigger, mark_of, name_in, only, options
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import is_date_only, is_zone, parse_date, parse_time, zone_names

SCHEDULE = ("rrule", "at", "zone", "from")
FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_BY = ("BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR")
PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", *_BY, "WKST")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_LIST = re.compile(r"[+-]?[A-Z0-9]+(,[+-]?[A-Z0-9]+)*")
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")
_SHAPES = {"INTERVAL": _NUMBER, "COUNT": _NUMBER, "UNTIL": _UNTIL}
RULE_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is to happen: an RRULE (RFC 5545) without its beginning, read on the clocks of `zone`."""

    rrule: str
    at: str = "00:00"
    zone: str | None = None
    """None: the workspace's."""
    first: str | None = None
    """The first day that counts (also for INTERVAL and COUNT); None: the day on which the trigger was published."""


@dataclass(frozen=True, slots=True)
class Scheduled(Trigger):
    """Base of what the calendar starts. `mark` tells it from the others of its journey."""

    schedule: Schedule
    mark: str

    def topics(self, journey: str) -> tuple[str, ...]:
        return (f"start:{journey}",)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        return scheduled_spark(happened, journey, self.mark, f"schedule {self.schedule.rrule}")


@dataclass(frozen=True, slots=True)
class OnRule(Scheduled):
    """Everybody who is known (and fulfils `entry.where`)."""

    KIND: ClassVar[str] = "date"


@dataclass(frozen=True, slots=True)
class OnInSegment(Scheduled):
    """Whoever is in the segment at that time."""

    KIND: ClassVar[str] = "in_segment"
    segment: str
    member: Condition

    def fits(self, view: View) -> bool:
        return self.member.check(view).value

    def conditions(self) -> Iterator[Condition]:
        yield self.member


def scheduled_spark(happened: Happened, journey: str, mark: str, label: str) -> Sparked | None:
    """The spark of a start that the engine made for the trigger `mark`; {entry: scheduled} is when it was due."""
    if not isinstance(happened, StartAsked):
        return None
    start = happened.start
    if start.journey != journey or start.trigger != "schedule" or start.data.get("trigger") != mark:
        return None
    return Sparked(start.at, {name: value for name, value in start.data.items() if name != "trigger"}, label)


def member_of(segment: str) -> Condition:
    """The condition `{segment: …}`."""
    return Member({"segment": segment}, segment, key_of(segment))


def parse_in_segment(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    """`{in_segment: vip, schedule: {rrule: …}}`."""
    only(raw, (kind, "schedule"), where, problems)
    segment = name_in(raw[kind], "the id of a segment", f"{where}.{kind}", problems)
    if "schedule" not in raw:
        wish = (
            "schedule: {rrule: FREQ=WEEKLY;BYDAY=MO, at: '09:00'}; to start people as they enter, write segment_entered"
        )
        problems.append(Problem(f"{where}.schedule", f"is missing: when? {wish}"))
        return None
    schedule = parse_schedule(raw["schedule"], f"{where}.schedule", problems)
    if segment is None or schedule is None:
        return None
    return OnInSegment(schedule, mark_of(raw), segment, member_of(segment))


def parse_schedule(raw: Any, where: str, problems: list[Problem]) -> Schedule | None:
    """`{rrule: …, at: "09:00", zone: Europe/Berlin, from: 2026-11-02}`; None after a complaint."""
    before = len(problems)
    found = options(raw, SCHEDULE, where, problems)
    rule = found.get("rrule")
    if not isinstance(rule, str) or not 0 < len(rule) <= RULE_LIMIT:
        wish = f"a rule such as FREQ=WEEKLY;BYDAY=MO (at most {RULE_LIMIT} letters)"
        problems.append(Problem(f"{where}.rrule", f"expected {wish}, found {shown(rule)}"))
        return None
    parts = _parts(rule, f"{where}.rrule", problems)
    at, zone, first = found.get("at", "00:00"), found.get("zone"), found.get("from")
    try:
        parse_time(at)
    except ValueError as wrong:
        problems.append(Problem(f"{where}.at", str(wrong)))
    if zone is not None and not is_zone(zone):
        hint = nearest(zone, zone_names()) or "; write one such as Europe/Berlin"
        problems.append(Problem(f"{where}.zone", f"{shown(zone)} is no time zone{hint}"))
    if first is not None and (not is_date_only(first) or parse_date(first, "UTC") is None):
        problems.append(Problem(f"{where}.from", f"expected a day such as 2026-11-02, found {shown(first)}"))
    if "COUNT" in parts and first is None:
        problems.append(Problem(f"{where}.from", "COUNT counts from a day: say which, such as from: 2026-11-02"))
    return Schedule(rule, at, zone, first) if len(problems) == before else None


def _parts(rule: str, where: str, problems: list[Problem]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in PARTS:
            hint = "; the time of day is set by `at`" if name in ("BYMINUTE", "BYSECOND") else nearest(name, PARTS)
            problems.append(Problem(where, f"{shown(part)} is not part of a rule{hint} (parts: {', '.join(PARTS)})"))
        elif name in parts:
            problems.append(Problem(where, f"{name} stands there twice"))
        elif name == "FREQ" and value not in FREQUENCIES:
            hint = nearest(value, FREQUENCIES)
            problems.append(Problem(where, f"FREQ={value} is not known{hint} (there are {', '.join(FREQUENCIES)})"))
        elif not _SHAPES.get(name, _LIST).fullmatch(value):
            problems.append(Problem(where, f"{shown(part)} cannot be read"))
        parts[name] = value
    if "FREQ" not in parts:
        problems.append(Problem(where, f"FREQ is missing: how often? ({', '.join(FREQUENCIES)})"))
    if "COUNT" in parts and "UNTIL" in parts:
        problems.append(Problem(where, "COUNT and UNTIL cannot stand together: which one ends it?"))
    return parts
