"""Dates and date-times in jsonb values, as far as SQL can tell: the UTC day, within the width of all time zones.

Rules: what a value means in the person's zone lies at most a day before its UTC day and two days after its beginning. Where that
decides, SQL answers; where it does not (a few days around the bound) the answer is null, and memory reads the zone's clocks. Whole
days compared with whole days need no zone and are exact.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from wend.core.condition.moments import span
from wend.core.duration import DAY, parse_duration
from wend.core.zone import is_date_only, parse_instant
from wend.history.sql.numbers import SIGNS
from wend.history.sql.query import Query, both

_OFFSET = 16 * 3_600_000
"""No zone is or was further from UTC."""
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_INSTANT = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)? ?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?$"
)
_EDGES = (2, 9998)
"""Years outside of which `datetime` cuts: left to memory."""
_EPOCH = date(1970, 1, 1)


def is_date_sql(text: str) -> str:
    """Whether the text has the shape of a whole day."""
    return f"({text} ~ '{_DATE}')"


def is_instant_sql(text: str) -> str:
    """Whether the text has the shape of a date-time."""
    return f"({text} ~ '{_INSTANT}')"


def is_valid_sql(text: str) -> str:
    """Whether the first ten characters (of the shape of a date) are a day of the calendar, of a year that is not cut."""
    year, month, day = (f"substr({text}, {place}, {length})::int" for place, length in ((1, 4), (6, 2), (9, 2)))
    leap = f"(mod({year}, 4) = 0 and (mod({year}, 100) <> 0 or mod({year}, 400) = 0))"
    last = f"(case {month} when 2 then 28 + {leap}::int when 4 then 30 when 6 then 30 when 9 then 30 when 11 then 30 else 31 end)"
    return f"({month} between 1 and 12 and {day} between 1 and {last})"


def _inside_sql(text: str) -> str:
    low, high = _EDGES
    return f"(substr({text}, 1, 4)::int between {low} and {high})"


def utc_day_sql(text: str) -> str:
    """The UTC midnight (ms) of the first ten characters, a valid day."""
    return f"(extract(epoch from substr({text}, 1, 10)::date)::bigint * 1000)"


def dated_sql(value: str, found: str, unknown: str = "null") -> str:
    """`found` (SQL over the name `day`: UTC midnight, ms) where the jsonb `value` is a date or date-time text; false where it is none.

    Numbers (unix seconds or ms) and years at the edge: `unknown`.
    """
    return (
        f"(select case when v is null then false when jsonb_typeof(v) = 'number' then {unknown}"
        f" when jsonb_typeof(v) <> 'string' then false"
        f" when not ({is_date_sql('t')} or {is_instant_sql('t')}) then false"
        f" when not {is_valid_sql('t')} then false when not {_inside_sql('t')} then {unknown}"
        f" else (select {found} from (select {utc_day_sql('t')} as day) d) end"
        f" from (select v, v #>> '{{}}' as t from (select {value} as v) w offset 0) x)"
    )


Range = tuple[str, str]
"""The least and the most that an instant can be (SQL, ms)."""


def moment_sql(query: Query, raw: dict[str, Any], begin: Range, end: Range) -> list[str]:
    """The tests `within`, `before`, `after` among `raw` of a moment [begin, end)."""
    tests: list[str] = []
    for operator in ("within", "before", "after"):
        if operator in raw:
            tests += _moment(query, operator, raw[operator], begin, end)
    return tests


def _moment(query: Query, operator: str, raw: Any, begin: Range, end: Range) -> list[str]:
    now = query.now
    if isinstance(raw, str):
        if operator == "before":
            return [_at_most(query, end, fixed_range(raw, 0))]
        return [_negated(_less(query, begin, fixed_range(raw, 1)))]
    ((way, length),) = raw.items()
    ms = parse_duration(length)
    match operator, way:
        case "within", "next":
            return [_at_most(query, begin, (now + ms, now + ms)), _more(query, end, now)]
        case "within", _:
            return [_at_most(query, begin, (now, now)), _more(query, end, now - ms)]
        case "before", "ago":
            return [_at_most(query, end, (now - ms, now - ms))]
        case "before", _:
            return [_at_most(query, end, (now + ms, now + ms))]
        case _, "ago":
            return [_more(query, begin, now - ms)]
        case _:
            return [_more(query, begin, now + ms)]


def fixed_range(raw: str, side: int) -> tuple[int, int]:
    """Between which instants the beginning (0) or end (1) of a fixed date lies, whatever the zone."""
    found = span(raw, "UTC")
    assert found is not None, "checked when parsed"
    if has_offset(raw):
        return found[side], found[side]
    return found[side] - _OFFSET, found[side] + _OFFSET


def has_offset(raw: str) -> bool:
    """Whether a fixed date is an instant, the same in every zone."""
    return not is_date_only(raw) and parse_instant(raw, "UTC") == parse_instant(raw, "Pacific/Kiritimati")


def _at_most(query: Query, instant: Range, bound: tuple[int, int]) -> str:
    low, high = instant
    least, most = query.param(bound[0], "bigint"), query.param(bound[1], "bigint")
    return f"(case when {high} <= {least} then true when {low} > {most} then false end)"


def _less(query: Query, instant: Range, bound: tuple[int, int]) -> str:
    return _at_most(query, instant, (bound[0] - 1, bound[1] - 1))


def _more(query: Query, instant: Range, bound: int) -> str:
    return _negated(_at_most(query, instant, (bound, bound)))


def _negated(text: str) -> str:
    return f"(not {text})"


_IN_ANY_ZONE: Range = f"(day - {DAY})", f"(day + {2 * DAY})"
"""What a value of UTC day `day` (SQL name) begins and ends between."""
_LOCAL_DAY: Range = f"(day - {2 * DAY})", f"(day + {3 * DAY})"
"""Likewise of the local day of a date-time, as UTC midnight."""


def moments_of_value_sql(query: Query, raw: dict[str, Any], value: str) -> str:
    """`within`, `before`, `after` of a jsonb value."""
    return dated_sql(value, both(moment_sql(query, raw, _IN_ANY_ZONE, _IN_ANY_ZONE)))


def anniversary_sql(query: Query, raw: Any, value: str) -> str:
    """The anniversary falls on today (or so many days ahead) in the person's zone: never sure, but few are possible."""
    ahead = 0 if raw == "today" else parse_duration(raw["in"]) // DAY
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=query.now)).date()
    days = [today + timedelta(ahead + off) for off in range(-3, 4)]
    names = {f"{day:%m-%d}" for day in days}
    if "02-28" in names:
        names.add("02-29")
    possible = query.param(sorted(names), "text[]")
    return dated_sql(value, f"(case when substr(t, 6, 5) = any({possible}) then null else false end)")


def date_order_sql(query: Query, operator: str, raw: str, value: str) -> str:
    """`gt`, `gte`, `lt`, `lte` of a text value against a date: by days when the bound is one, else by instants."""
    if is_date_only(raw):
        # A day against a day is exact; of an instant the day in the zone is meant.
        midnight = int((date.fromisoformat(raw) - _EPOCH) / timedelta(milliseconds=1))
        exact = f't collate "C" {SIGNS[operator]} {query.param(raw, "text")}'
        near = _ordered(query, operator, _LOCAL_DAY, (midnight, midnight))
        test = f"(case when {is_date_sql('t')} then {exact} else {near} end)"
    else:
        test = _ordered(query, operator, _IN_ANY_ZONE, fixed_range(raw, 0))
    text_only = f"(select case when jsonb_typeof(v) = 'string' then v end from (select {value} as v) u)"
    return dated_sql(text_only, test)


def _ordered(query: Query, operator: str, instant: Range, bound: tuple[int, int]) -> str:
    match operator:
        case "lte":
            return _at_most(query, instant, bound)
        case "lt":
            return _less(query, instant, bound)
        case "gt":
            return _negated(_at_most(query, instant, bound))
        case _:
            return _negated(_less(query, instant, bound))
