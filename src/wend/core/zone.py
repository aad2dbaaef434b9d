"""Local dates and times, in the zone of the person (attribute `timezone`), and dates as people and programs write them.

Rules at the change of summer time: a local time that does not exist is the first instant after the gap; one that exists
twice is the earlier. Zones are IANA names; an unknown one is taken as UTC, never an error. Zone data is data: reading it
is not I/O of the core.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

_UTC = ZoneInfo("UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
# Two days inside the years 1 to 9999, so that no zone's offset can leave what `datetime` can hold.
_MIN = (datetime(1, 1, 3, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_MAX = (datetime(9999, 12, 29, tzinfo=UTC) - _EPOCH) // _MILLISECOND
# Numbers below are unix seconds (until the year 5138), those above milliseconds.
_SECONDS_BELOW = 100_000_000_000
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@lru_cache(maxsize=2048)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        # No such zone, a path out of the zone folder, or the folder of a continent ("Europe").
        return None


def is_zone(name: Any) -> bool:
    """Whether `name` is the IANA name of a zone we know."""
    return isinstance(name, str) and name != "" and _zone(name) is not None


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The IANA names of all zones we know."""
    return frozenset(available_timezones())


def zone_of(attributes: Mapping[str, Any], fallback: str = "UTC") -> str:
    """The name of the person's zone: attribute `timezone` if it is one, else `fallback`."""
    name = attributes.get("timezone")
    return name if isinstance(name, str) and is_zone(name) else fallback


def _info(zone: str) -> ZoneInfo:
    return _zone(zone) or _UTC


def to_local(ms: int, zone: str) -> datetime:
    """The instant `ms` on the clocks of `zone`. Instants outside the years 1 to 9999 are cut to them."""
    return (_EPOCH + timedelta(milliseconds=min(max(ms, _MIN), _MAX))).astimezone(_info(zone))


def parse_time(text: Any) -> time_of_day:
    """'09:00' → the time of day. Raises ValueError saying what is allowed."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a time of day; write hours and minutes in quotes, from '00:00' to '23:59'")
    return time_of_day(int(found[1]), int(found[2]))


def _instant(local: datetime) -> int:
    """A zoned local time → ms UTC, by the two rules above."""
    at = (local.astimezone(UTC) - _EPOCH) // _MILLISECOND
    zone = local.tzinfo
    back = (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)
    if back.replace(tzinfo=None, fold=0) == local.replace(
        tzinfo=None, microsecond=local.microsecond // 1000 * 1000, fold=0
    ):
        return at
    # In a gap. Read with the offset from before it, `local` lies after the gap; with the later one, before it.
    after = at
    before = (local.replace(fold=1).astimezone(UTC) - _EPOCH) // _MILLISECOND
    offset = back.utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if (_EPOCH + timedelta(milliseconds=middle)).astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def at_local_time(day: date, time: time_of_day | str, zone: str) -> int:
    """The instant (ms UTC) at which the clocks of `zone` show `time` on `day`. Raises ValueError for a bad `time`."""
    if isinstance(time, str):
        time = parse_time(time)
    low, high = date(1, 1, 3), date(9999, 12, 29)
    return _instant(datetime.combine(min(max(day, low), high), time, tzinfo=_info(zone)))


def start_of_day(day: date, zone: str) -> int:
    """The instant at which `day` begins in `zone` (not always 00:00: some zones change their clocks at midnight)."""
    return at_local_time(day, time_of_day(), zone)


def next_local_time(now: int, time: time_of_day | str, zone: str) -> int:
    """The next instant > `now` at which the clocks of `zone` show `time`. Raises ValueError for a bad `time`."""
    if isinstance(time, str):
        time = parse_time(time)
    day = to_local(now, zone).date()
    at = at_local_time(day, time, zone)
    while at <= now:
        day = day + _DAY
        at = at_local_time(day, time, zone)
    return at


def parse_instant(value: Any, zone: str = "UTC") -> int | None:
    """A date or date-time → ms UTC; None when `value` is none.

    Text is ISO 8601: a date alone is its local midnight, a time without offset is local in `zone`. A number is unix
    seconds below 10^11, else milliseconds.
    """
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            day = parse_date(value, zone)
            return None if day is None else start_of_day(day, zone)
        return _parse_text(value, zone)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        ms = value * 1000 if abs(value) < _SECONDS_BELOW else value
        # Also false for not-a-number and infinities.
        return round(ms) if _MIN <= ms <= _MAX else None
    return None


def _parse_text(text: str, zone: str) -> int | None:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(f"{found[1]}T{found[2].replace(',', '.')}{(found[3] or '').upper()}")
        if not 3 <= at.toordinal() <= 3_652_057:
            return None
    except ValueError:
        return None
    if at.tzinfo is None:
        return _instant(at.replace(tzinfo=_info(zone)))
    return (at - _EPOCH) // _MILLISECOND


def is_date_only(value: Any) -> bool:
    """Whether `value` is the text of a whole day ('2026-11-22'), not of an instant."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def parse_date(value: Any, zone: str) -> date | None:
    """The day a value means: of a date alone that date, of an instant its date in `zone`. None when it is neither."""
    if is_date_only(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    at = parse_instant(value, zone)
    return None if at is None else to_local(at, zone).date()


def anniversary(day: date, year: int) -> date:
    """The same day in another year; 29 February falls on the 28th in years that have none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def next_anniversary(day: date, today: date) -> date:
    """The first anniversary of `day` that is `today` or later."""
    found = anniversary(day, today.year)
    return found if found >= today else anniversary(day, today.year + 1)
