"""Dates seen from now: `within: {next: 7d}`, `before: {ago: 30d}`, `after: 2026-01-01` and so on.

A moment is the span [begin, end) ms UTC: one millisecond for an instant, the local day for a date alone. Truth over time is
then a step, so the instant at which it changes is known exactly. "within" touches the span, "before" and "after" leave it out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from wend.core.condition.base import FOREVER, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Reader, during
from wend.core.duration import parse_duration
from wend.core.problems import shown
from wend.core.zone import is_date_only, parse_date, parse_instant, start_of_day, zone_of

BEGINNING = -(1 << 62)
OPERATORS = ("within", "before", "after")

MomentTest = Callable[[int, int, View], Verdict]
"""(begin, end, view) → verdict."""

_WAYS = {"within": ("next", "last"), "before": ("ago", "in"), "after": ("ago", "in")}


def span(value: Any, zone: str) -> tuple[int, int] | None:
    """[begin, end) of a date or date-time; None when the value is none."""
    if is_date_only(value):
        day = parse_date(value, zone)
        return None if day is None else (start_of_day(day, zone), start_of_day_after(day, zone))
    at = parse_instant(value, zone)
    return None if at is None else (at, at + 1)


def start_of_day_after(day: Any, zone: str) -> int:
    """When the day after `day` begins in `zone`."""
    return start_of_day(day.fromordinal(min(day.toordinal() + 1, 3_652_059)), zone)


def read_moment_test(
    reader: Reader, operators: tuple[str, ...] = OPERATORS, *, relative: bool = True
) -> list[MomentTest]:
    """The date comparisons among the settings of `reader`. `relative` False: only fixed dates may be given."""
    tests: list[MomentTest] = []
    for operator in operators:
        if operator in reader.raw:
            test = _read_one(reader, operator, reader.raw[operator], relative)
            if test is not None:
                tests.append(test)
    return tests


def _read_one(reader: Reader, operator: str, raw: Any, relative: bool) -> MomentTest | None:
    ways = _WAYS[operator]
    if isinstance(raw, str) and operator != "within" and span(raw, "UTC") is not None:
        return _fixed(operator, raw)
    wish = " or ".join(f"{{{way}: 7d}}" for way in ways) + ("" if operator == "within" else " or a date")
    found = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    way = next(iter(found), "")
    if len(found) != 1 or way not in ways:
        reader.fault(operator, f"expected {wish}, found {shown(raw)}")
        return None
    if not relative:
        reader.fault(operator, "the events counted are judged when they happen: give a fixed date")
        return None
    try:
        ms = parse_duration(found[way])
    except ValueError as wrong:
        reader.fault(f"{operator}.{way}", str(wrong))
        return None
    return _relative(operator, way, ms)


def _fixed(operator: str, raw: str) -> MomentTest:
    def test(begin: int, end: int, view: View) -> Verdict:
        bound = span(raw, zone_of(view.profile.attributes, view.zone))
        assert bound is not None, "checked when parsed"
        value = end <= bound[0] if operator == "before" else begin >= bound[1]
        return TRUE if value else FALSE

    return test


def _relative(operator: str, way: str, ms: int) -> MomentTest:
    match operator, way:
        case "within", "next":
            return lambda begin, end, view: during(view.now, begin - ms, end)
        case "within", _:
            return lambda begin, end, view: during(view.now, begin, end + ms)
        case "before", "ago":
            return lambda begin, end, view: during(view.now, end + ms, FOREVER)
        case "before", _:
            return lambda begin, end, view: during(view.now, end - ms, FOREVER)
        case _, "ago":
            return lambda begin, end, view: during(view.now, BEGINNING, begin + ms)
        case _:
            return lambda begin, end, view: during(view.now, BEGINNING, begin - ms)
