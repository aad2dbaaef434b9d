"""Lengths of time as people write them ("2h", "1d 12h") and as the core keeps them (integer milliseconds).

A day is 24 hours, a month 30 days, a year 365 days: durations know no calendar. What must follow the calendar
("on the first", "at 09:00 local") is the business of zone.py.
"""

from __future__ import annotations

import re
from typing import Any

from wend.core.problems import shown

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
MONTH = 30 * DAY
YEAR = 365 * DAY
MAX = 100 * YEAR

ALLOWED = "write a number and a unit: 90s, 10m, 2h, 30d, 1w, 6mo (of 30 days), 1y (365 days), or several: '1d 12h'"

_UNITS = {
    "ms": 1,
    **dict.fromkeys(("s", "sec", "second", "seconds"), SECOND),
    **dict.fromkeys(("m", "min", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("w", "week", "weeks"), WEEK),
    **dict.fromkeys(("mo", "month", "months"), MONTH),
    **dict.fromkeys(("y", "year", "years"), YEAR),
}
_PART = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]+)\s*", re.ASCII)
_SHOWN = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND), ("ms", 1))


def parse_duration(raw: Any) -> int:
    """'90s', '10m', '2h', '1d 12h' … → ms, 0 included. Raises ValueError saying what is allowed.

    A bare number is refused: nobody can see whether 30 means seconds or days.
    """
    if not isinstance(raw, str):
        raise ValueError(f"{shown(raw)} is not a duration; {ALLOWED}")
    total, end = 0.0, 0
    while part := _PART.match(raw, end):
        unit = _UNITS.get(part[2])
        if unit is None:
            raise ValueError(f"'{part[2]}' is not a unit of time in {shown(raw)}; {ALLOWED}")
        total += float(part[1]) * unit
        end = part.end()
    if not end or end < len(raw):
        raise ValueError(f"{shown(raw)} is not a duration; {ALLOWED}")
    if total > MAX:
        raise ValueError(f"{shown(raw)} is too long; at most 100 years (100y) are allowed")
    return round(total)


def format_duration(ms: int) -> str:
    """ms → '2 h', '1 d 12 h', '0 s'; every unit that is not zero is shown, so nothing is rounded away."""
    if ms < 0:
        return "-" + format_duration(-ms)
    parts: list[str] = []
    rest = ms
    for name, unit in _SHOWN:
        number, rest = divmod(rest, unit)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts) or "0 s"
