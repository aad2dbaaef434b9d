"""When a schedule falls due: RRULE (RFC 5545) by python-dateutil, on the clocks of a zone. The one place that knows that library.

Rules: occurrences are worked out in local time and then placed in the zone (a time that does not exist is the first after the gap,
one that exists twice is the earlier). What does not come within ten years never comes. UNTIL is read on the zone's clocks too,
and a day alone is meant whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import cast

from dateutil import rrule  # pyright: ignore[reportMissingTypeStubs, reportMissingModuleSource]

from wend.core.journey.triggers import Schedule
from wend.core.zone import at_local_time, parse_time, to_local

AHEAD = timedelta(days=3_653)
"""How far is looked; a rule that does not come by then is refused."""
_LAST = datetime.combine(date(9_998, 12, 31), datetime.max.time())
_ERA = timedelta(days=146_097)
"""400 years: whole weeks, too."""
_PERIODS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}


def next_due(schedule: Schedule, published: int, zone: str, after: int) -> int | None:
    """The first instant > `after` (ms UTC) at which the schedule falls due; None: it is over, or never comes.

    `published`: when the trigger was, the beginning of a schedule without a first day; `zone`: the workspace's, for one without its
    own. Raises ValueError for a rule that makes no sense, saying why.
    """
    zone = schedule.zone or zone
    for local in _occurrences(schedule, published, zone, after):
        at = at_local_time(local.date(), local.time(), zone)
        if at > after:
            return at
    return None


def latest_due(schedule: Schedule, published: int, zone: str, after: int, upto: int) -> int | None:
    """The last instant > `after` and <= `upto` at which it fell due; None: it did not. ValueError as for `next_due`."""
    found, at = None, next_due(schedule, published, zone, after)
    while at is not None and at <= upto:
        found, at = at, next_due(schedule, published, zone, at)
    return found


def _occurrences(schedule: Schedule, published: int, zone: str, after: int) -> Iterator[datetime]:
    first = date.fromisoformat(schedule.first) if schedule.first else to_local(published, zone).date()
    begin, now = datetime.combine(first, parse_time(schedule.at)), to_local(after, zone).replace(tzinfo=None)
    parts = dict(part.split("=", 1) for part in schedule.rrule.split(";"))
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    last = min(max(min(begin, _LAST - AHEAD), now) + AHEAD, _LAST if until is None else _until(until))
    if count is None:
        begin = _brought_near(begin, now, parts)
    # The calendar repeats itself every 400 years. The library seeks what never comes until the year 9999: bring that near.
    shift = _ERA * max((9_990 - last.year) // 400, 0)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    rule = cast("rrule.rrule", rrule.rrulestr(text, dtstart=begin + shift))
    for number, local in enumerate(rule):
        if local > last + shift or (count is not None and number >= int(count)):
            return
        yield local - shift


def _brought_near(begin: datetime, now: datetime, parts: dict[str, str]) -> datetime:
    """The beginning moved to shortly before `now` by whole intervals, which changes nothing but the search."""
    period = _PERIODS.get(parts["FREQ"])
    if period is None:
        return begin
    period *= int(parts.get("INTERVAL", "1"))
    return begin + period * max((now - begin) // period - 2, 0)


def _until(text: str) -> datetime:
    if len(text) == 8:
        return datetime.combine(date.fromisoformat(text), datetime.max.time())
    return datetime.fromisoformat(text.rstrip("Z"))
