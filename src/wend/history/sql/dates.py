"""Dates and date-times in jsonb values, as far as SQL can tell: the UTC day, within the width of all time zones.

Rules: what a value means in the person's zone lies at most a day before its UTC day and two days after its beginning. Where that
decides, SQL answers; where it does not (a few days around the bound) the answer is null, and memory reads the zone's clocks. Whole
days compared with whole days need no zone and are exact. Days are compared as the text they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from wend.core.condition.moments import span
from wend.core.duration import DAY, parse_duration
from wend.core.zone import is_date_only, parse_instant
from wend.history.sql.numbers import SIGNS
from wend.history.sql.query import Query, both

_OFFSET = 16 * 3_600_000
"""No zone is or was further from UTC."""
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?"
_PLAIN = f"^[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]{_CLOCK}( ?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?))?)?$"
"""Dates and instants of which nothing is doubtful but the length of the month."""
_DOUBTFUL = "'02-29', '02-30', '02-31', '04-31', '06-31', '09-31', '11-31'"
_SHAPED = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)? ?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
"""Whatever may be one: 29 February, 24:00 and the like are left to memory."""


def dated_sql(value: str, found: str) -> str:
    """`found` where the jsonb `value` is surely a date or date-time text; false where it is none, null where it may be one.

    Numbers may be unix seconds or ms; years at the edge of what `datetime` can hold are cut there.
    """
    text = text_of(value)
    return (
        f"(case jsonb_typeof({value}) when 'number' then null when 'string' then case"
        f" when {text} ~ '{_PLAIN}' and substr({text}, 6, 5) not in ({_DOUBTFUL})"
        f" and left({text}, 4) collate \"C\" between '0002' and '9998' then {found}"
        f" when {text} ~ '{_SHAPED}' then null else false end else false end)"
    )


def text_of(value: str) -> str:
    """The text of a jsonb scalar."""
    return f"({value} #>> '{{}}')"


class Instant(Protocol):
    """An instant that is known within bounds."""

    def at_most(self, query: Query, low: int, high: int) -> str:
        """Whether it is not later than a bound that lies in [low, high] (ms): null where that is not certain."""
        ...


@dataclass(frozen=True, slots=True)
class Exactly:
    """An instant that stands in a column (ms)."""

    at: str

    def at_most(self, query: Query, low: int, high: int) -> str:
        if low == high:
            return f"({self.at} <= {query.param(low, 'bigint')})"
        least, most = query.param(low, "bigint"), query.param(high, "bigint")
        return f"(case when {self.at} <= {least} then true when {self.at} > {most} then false end)"


@dataclass(frozen=True, slots=True)
class Within:
    """An instant not more than so many days before and after the beginning of the UTC day that a text begins with."""

    text: str
    before: int
    after: int

    def at_most(self, query: Query, low: int, high: int) -> str:
        surely = query.param(_day(low - self.after * DAY), "text")
        perhaps = query.param(_day(high + self.before * DAY), "text")
        day = f'left({self.text}, 10) collate "C"'
        return f"(case when {day} <= {surely} then true when {day} > {perhaps} then false end)"


def _day(ms: int) -> str:
    """The UTC day of an instant, as text that sorts."""
    days = min(max(ms // DAY, -719_000), 2_932_000)
    return (date(1970, 1, 1) + timedelta(days)).isoformat()


def moment_sql(query: Query, raw: dict[str, Any], begin: Instant, end: Instant) -> list[str]:
    """The tests `within`, `before`, `after` among `raw` of a moment [begin, end)."""
    tests: list[str] = []
    for operator in ("within", "before", "after"):
        if operator in raw:
            tests += _moment(query, operator, raw[operator], begin, end)
    return tests


def _moment(query: Query, operator: str, raw: Any, begin: Instant, end: Instant) -> list[str]:
    now = query.now
    if isinstance(raw, str):
        if operator == "before":
            return [end.at_most(query, *fixed_range(raw, 0))]
        low, high = fixed_range(raw, 1)
        return [_negated(begin.at_most(query, low - 1, high - 1))]
    ((way, length),) = raw.items()
    ms = parse_duration(length)

    def not_after(instant: Instant, bound: int) -> str:
        return instant.at_most(query, bound, bound)

    match operator, way:
        case "within", "next":
            return [not_after(begin, now + ms), _negated(not_after(end, now))]
        case "within", _:
            return [not_after(begin, now), _negated(not_after(end, now - ms))]
        case "before", "ago":
            return [not_after(end, now - ms)]
        case "before", _:
            return [not_after(end, now + ms)]
        case _, "ago":
            return [_negated(not_after(begin, now - ms))]
        case _:
            return [_negated(not_after(begin, now + ms))]


def _negated(text: str) -> str:
    return f"(not {text})"


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


def moments_of_value_sql(query: Query, raw: dict[str, Any], value: str) -> str:
    """`within`, `before`, `after` of a jsonb value."""
    instant = Within(text_of(value), 1, 2)
    return dated_sql(value, both(moment_sql(query, raw, instant, instant)))


def anniversary_sql(query: Query, raw: Any, value: str) -> str:
    """The anniversary falls on today (or so many days ahead) in the person's zone: never sure, but few are possible."""
    ahead = 0 if raw == "today" else parse_duration(raw["in"]) // DAY
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=query.now)).date()
    names = {f"{today + timedelta(ahead + off):%m-%d}" for off in range(-3, 4)}
    possible = query.param(sorted(names), "text[]")
    return dated_sql(value, f"(case when substr({text_of(value)}, 6, 5) = any({possible}) then null else false end)")


def date_order_sql(query: Query, operator: str, raw: str, value: str) -> str:
    """`gt`, `gte`, `lt`, `lte` of a text value against a date: by days when the bound is one, else by instants."""
    text = text_of(value)
    if is_date_only(raw):
        # A day against a day is exact; of an instant the day in the zone is meant.
        midnight = (date.fromisoformat(raw) - date(1970, 1, 1)).days * DAY
        exact = f'{text} collate "C" {SIGNS[operator]} {query.param(raw, "text")}'
        near = _ordered(query, operator, Within(text, 2, 3), (midnight, midnight))
        test = f"(case when length({text}) = 10 then {exact} else {near} end)"
    else:
        test = _ordered(query, operator, Within(text, 1, 2), fixed_range(raw, 0))
    # A number is no date here.
    return f"(case when jsonb_typeof({value}) = 'string' then {dated_sql(value, test)} else false end)"


def _ordered(query: Query, operator: str, instant: Instant, bound: tuple[int, int]) -> str:
    low, high = bound
    match operator:
        case "lte":
            return instant.at_most(query, low, high)
        case "lt":
            return instant.at_most(query, low - 1, high - 1)
        case "gt":
            return _negated(instant.at_most(query, low, high))
        case _:
            return _negated(instant.at_most(query, low - 1, high - 1))
