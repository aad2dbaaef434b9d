"""`{date: {attribute: birthday, anniversary: true, offset: -7d, at: "09:00"}}`: an attribute's date has come, for each person.

Theory of operation. The trigger is a hidden segment of the plan: its condition is true for a day from the moment on (so that a
date that becomes known, or a person who is looked at, a little late is not lost), in the person's zone; entering it starts the run.
So a changed attribute or zone times it anew, and nobody keeps a timer but `Profile.turns`. The same key also holds the RRULE form
(schedule.py), which is the same instant for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

from wend.core.attributes import get
from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, Form, during
from wend.core.condition.member import key_of
from wend.core.duration import DAY, format_duration, parse_duration
from wend.core.journey.dates import anniversaries, shifted
from wend.core.journey.happened import Happened, SegmentChanged
from wend.core.journey.triggers.base import Sparked, Trigger, mark_of, name_in, only, options
from wend.core.journey.triggers.schedule import SCHEDULE, OnRule, parse_schedule
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import parse_instant, parse_time, zone_of

SETTINGS = ("attribute", "anniversary", "offset", "at")
MOST_OFFSET = 300 * DAY
"""Of an anniversary: beyond that it is another one's."""
_ONCE = 3 * DAY


@dataclass(frozen=True, slots=True, eq=False)
class DateDue(Form):
    """True for a day from the moment on. Somebody who travels has one birthday: after an anniversary it stays true for
    three days, so that another zone does not bring the same day again."""

    path: str
    anniversary: bool
    offset: int
    at: str | None
    key: int
    """Of the hidden segment it belongs to."""

    def check(self, view: View) -> Verdict:
        profile, now = view.profile, view.now
        zone = zone_of(profile.attributes, view.zone)
        instant = parse_instant(get(profile.attributes, self.path), zone)
        if instant is None:
            return FALSE
        if not self.anniversary:
            moment = shifted(instant, self.offset, self.at, zone)
            return during(now, moment, moment + DAY)
        since = profile.segments.get(self.key)
        if since is not None and since <= now < since + _ONCE:
            return Verdict(True, since + _ONCE)
        coming = next(one for one in anniversaries(instant, now, self.offset, self.at, zone) if one + DAY > now)
        return during(now, coming, coming + DAY)

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({self.path.split(".")[0], self.path, "timezone"}))


@dataclass(frozen=True, slots=True)
class OnDate(Trigger):
    """See above. `offset` in ms; `at` a time of day, None: the date's own (a date alone begins at midnight)."""

    KIND: ClassVar[str] = "date"
    path: str
    anniversary: bool
    offset: int
    at: str | None
    mark: str

    def topics(self, journey: str) -> tuple[str, ...]:
        return (f"segment:{self._segment(journey)}",)

    def hidden(self, journey: str) -> tuple[str, Condition]:
        """The hidden segment: its id, and its condition."""
        segment = self._segment(journey)
        raw = {"date": {"attribute": self.path}}
        return segment, DateDue(raw, self.path, self.anniversary, self.offset, self.at, key_of(segment))

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, SegmentChanged) or not happened.entered:
            return None
        if happened.segment != self._segment(journey):
            return None
        away = f"{format_duration(abs(self.offset))} {'before' if self.offset < 0 else 'after'} " if self.offset else ""
        return Sparked(happened.at, {"attribute": self.path}, f"{away}{self.path}")

    def _segment(self, journey: str) -> str:
        return f"{journey}:{self.mark}"


def parse_date(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    """Both forms of `date`."""
    only(raw, (kind,), where, problems)
    where, setting = f"{where}.{kind}", raw[kind]
    if isinstance(setting, dict) and "rrule" in cast("dict[str, Any]", setting):
        schedule = parse_schedule(setting, where, problems)
        return None if schedule is None else OnRule(schedule, mark_of(raw))
    before = len(problems)
    found = options(setting, SETTINGS, where, problems)
    if "attribute" not in found:
        strange = next((name for name in cast("dict[str, Any]", setting) if name in SCHEDULE), "") if found else ""
        hint = nearest("rrule", SCHEDULE) if strange and len(problems) == before else ""
        wish = "{attribute: birthday, anniversary: true} or {rrule: FREQ=WEEKLY;BYDAY=MO, at: '09:00'}"
        problems.append(Problem(where, f"expected {wish}, found {shown(setting)}{hint}"))
        return None
    path = name_in(found["attribute"], "the name or path of an attribute", f"{where}.attribute", problems)
    yearly = found.get("anniversary", False)
    if not isinstance(yearly, bool):
        problems.append(Problem(f"{where}.anniversary", f"expected true or false, found {shown(yearly)}"))
    offset = _offset(found.get("offset", "0s"), bool(yearly), f"{where}.offset", problems)
    if "at" in found:
        try:
            parse_time(found["at"])
        except ValueError as wrong:
            problems.append(Problem(f"{where}.at", str(wrong)))
    if path is None or len(problems) > before:
        return None
    return OnDate(path, bool(yearly), offset, found.get("at"), mark_of(raw))


def _offset(raw: Any, yearly: bool, where: str, problems: list[Problem]) -> int:
    """'-7d' or '2h' → ms; 0 after a complaint."""
    text = raw.strip() if isinstance(raw, str) else raw
    sign = -1 if isinstance(text, str) and text.startswith("-") else 1
    try:
        offset = sign * parse_duration(text.lstrip("+-") if isinstance(text, str) else text)
    except ValueError as wrong:
        problems.append(Problem(where, f"{wrong}; before the date with a minus: -7d"))
        return 0
    if yearly and abs(offset) > MOST_OFFSET:
        problems.append(Problem(where, f"of an anniversary at most {format_duration(MOST_OFFSET)}, found {shown(raw)}"))
    return offset
