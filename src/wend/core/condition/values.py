"""Comparisons with a value of any JSON type: what `attribute`, `property`, `context` and a cart's line have in common.

Rules: typed. A comparison with a missing value or with one of another type is false, also `is_not` and `not_in` (`not:`
around it is true). Text that is a date is compared as a date when the other side is one: a date alone by days, in the
person's zone. Several comparisons in one condition must all hold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

from wend.core.condition.base import Verdict, View
from wend.core.condition.form import COUNTED, FALSE, TRUE, Reader
from wend.core.condition.moments import read_moment_test, span
from wend.core.condition.numbers import compare, is_number
from wend.core.condition.pattern import VALUE_LIMIT, compile_pattern
from wend.core.duration import DAY, parse_duration
from wend.core.problems import shown
from wend.core.zone import (
    is_date_only,
    next_anniversary,
    parse_date,
    parse_instant,
    start_of_day,
    to_local,
    zone_of,
)

EQUAL = ("is", "is_not", "in", "not_in")
ORDER = ("gt", "gte", "lt", "lte", "between")
TEXT = ("contains", "starts_with", "ends_with", "matches")
PRESENCE = ("exists", "missing")
DATES = ("anniversary", "within", "before", "after")
OPERATORS = (*EQUAL, *ORDER, *TEXT, *PRESENCE, *DATES)
SETTINGS = (*OPERATORS, "ignore_case")
MAX_LIST = 1000
MAX_TEXT = 1000

Test = Callable[[Any, View], Verdict]


def read_value_test(reader: Reader) -> tuple[Test, bool] | None:
    """The comparisons among the settings of `reader`, as one test of a value, and whether dates (so the zone) matter.

    None after a complaint.
    """
    faults = len(reader.errors)
    ignore_case = reader.flag("ignore_case") if "ignore_case" in reader.raw else False
    tests: list[Test | None] = []
    zoned = False
    for operator in OPERATORS[: -len(DATES)]:
        if operator in reader.raw:
            test, dated = _read_one(reader, operator, reader.raw[operator], ignore_case)
            tests.append(test)
            zoned |= dated
    fixed_only = COUNTED in reader.inside
    for moment in read_moment_test(reader, relative=not fixed_only):
        tests.append(_at_moment(moment))
        zoned = True
    if "anniversary" in reader.raw:
        if fixed_only:
            reader.fault(
                "anniversary", "the events counted are judged when they happen: 'anniversary' cannot be used here"
            )
        tests.append(_read_anniversary(reader, reader.raw["anniversary"]))
        zoned = True
    if len(reader.errors) > faults:
        return None
    found = [test for test in tests if test is not None]
    if not found:
        reader.fault("", f"nothing is compared: give one of {', '.join(OPERATORS)}")
        return None
    return (found[0] if len(found) == 1 else _every(found)), zoned


def _every(tests: list[Test]) -> Test:
    def test(value: Any, view: View) -> Verdict:
        change = TRUE.may_change_at
        for one in tests:
            verdict = one(value, view)
            if not verdict.value:
                return verdict
            change = min(change, verdict.may_change_at)
        return Verdict(True, change)

    return test


def _plain(holds: Callable[[Any], bool]) -> Test:
    return lambda value, view: TRUE if holds(value) else FALSE


def _read_one(reader: Reader, operator: str, raw: Any, ignore_case: bool) -> tuple[Test | None, bool]:
    """(test or None after a complaint, whether the zone matters)."""
    if operator in EQUAL:
        return _read_equal(reader, operator, raw, ignore_case), False
    if operator in ORDER:
        return _read_order(reader, operator, raw, ignore_case)
    if operator in TEXT:
        return _read_text(reader, operator, raw, ignore_case), False
    wanted = reader.flag(operator) is (operator == "exists")
    return _plain(lambda value: (value is not None) is wanted), False


# --- equality ---


def kind(value: Any) -> str:
    """The JSON type, one letter: true is no 1, and 1 is 1.0."""
    if isinstance(value, bool):
        return "b"
    if isinstance(value, (int, float)):
        return "n"
    return "t" if isinstance(value, str) else "l" if isinstance(value, list) else "o" if isinstance(value, dict) else ""


def _scalar(reader: Reader, operator: str, raw: Any) -> bool:
    if isinstance(raw, (str, bool)) or is_number(raw):
        if not isinstance(raw, str) or len(raw) <= MAX_TEXT:
            return True
        reader.fault(operator, f"a text of {len(raw)} characters; {MAX_TEXT} are allowed")
        return False
    if raw is None:
        reader.fault(operator, "expected a value, found nothing; to ask for absence write 'missing: true'")
    else:
        reader.fault(operator, f"expected a text, a number, true or false, found {shown(raw)}")
    return False


def _folded(value: Any, ignore_case: bool) -> Any:
    return value.casefold() if ignore_case and isinstance(value, str) else value


def _read_equal(reader: Reader, operator: str, raw: Any, ignore_case: bool) -> Test | None:
    if operator in ("is", "is_not"):
        if not _scalar(reader, operator, raw):
            return None
        wanted, type_ = _folded(raw, ignore_case), kind(raw)
        if operator == "is":
            return _plain(lambda value: kind(value) == type_ and _folded(value, ignore_case) == wanted)
        return _plain(lambda value: kind(value) == type_ and _folded(value, ignore_case) != wanted)
    several = cast("list[Any]", raw) if isinstance(raw, list) else []
    if not 0 < len(several) <= MAX_LIST:
        reader.fault(operator, f"expected a list of 1 to {MAX_LIST} values, found {shown(raw)}")
        return None
    scalars = [_scalar(reader, operator, one) for one in several]
    if not all(scalars):
        return None
    among = frozenset((kind(one), _folded(one, ignore_case)) for one in several)
    if operator == "in":
        return _plain(lambda value: _hashable(value) and (kind(value), _folded(value, ignore_case)) in among)
    kinds = frozenset(map(kind, several))
    return _plain(lambda value: kind(value) in kinds and (kind(value), _folded(value, ignore_case)) not in among)


def _hashable(value: Any) -> bool:
    return not isinstance(value, (list, dict))


# --- order ---


def _read_order(reader: Reader, operator: str, raw: Any, ignore_case: bool) -> tuple[Test | None, bool]:
    bounds: list[Any] = [raw]
    if operator == "between":
        bounds = cast("list[Any]", raw) if isinstance(raw, list) else []
        if len(bounds) != 2:
            reader.fault(operator, f"expected [from, to], found {shown(raw)}")
            return None, False
    if all(is_number(one) for one in bounds):
        holds = compare(operator, raw)
        return _plain(lambda value: is_number(value) and holds(value)), False
    if not all(isinstance(one, str) and len(one) <= MAX_TEXT for one in bounds):
        reader.fault(operator, f"expected a number, a date or a text, found {shown(raw)}")
        return None, False
    if all(span(one, "UTC") is not None for one in bounds):
        if operator == "between":
            return _every([_date_order("gte", bounds[0]), _date_order("lte", bounds[1])]), True
        return _date_order(operator, bounds[0]), True
    folded = [_folded(one, ignore_case) for one in bounds]
    order = compare(operator, folded if operator == "between" else folded[0])
    return _plain(lambda value: isinstance(value, str) and order(_folded(value, ignore_case))), False


def _date_order(operator: str, bound: str) -> Test:
    by_days = is_date_only(bound)

    def test(value: Any, view: View) -> Verdict:
        if not isinstance(value, str):
            return FALSE
        zone = zone_of(view.profile.attributes, view.zone)
        read = parse_date if by_days else parse_instant
        found: Any = read(value, zone)
        holds: Any = compare(operator, read(bound, zone))
        return TRUE if found is not None and holds(found) else FALSE

    return test


# --- text ---


def _read_text(reader: Reader, operator: str, raw: Any, ignore_case: bool) -> Test | None:
    if operator == "contains":
        if not _scalar(reader, operator, raw):
            return None
        return _contains(_folded(raw, ignore_case), kind(raw), ignore_case)
    if not isinstance(raw, str) or not raw:
        reader.fault(operator, f"expected a text, found {shown(raw)}")
        return None
    if operator == "matches":
        try:
            search = compile_pattern(raw, ignore_case=ignore_case).search
        except ValueError as wrong:
            reader.fault(operator, str(wrong))
            return None
        return _plain(lambda value: isinstance(value, str) and search(value[:VALUE_LIMIT]) is not None)
    wanted: str = _folded(raw, ignore_case)
    if operator == "starts_with":
        return _plain(lambda value: isinstance(value, str) and _folded(value, ignore_case).startswith(wanted))
    return _plain(lambda value: isinstance(value, str) and _folded(value, ignore_case).endswith(wanted))


def _contains(wanted: Any, type_: str, ignore_case: bool) -> Test:
    def holds(value: Any) -> bool:
        if isinstance(value, str):
            return type_ == "t" and wanted in _folded(value, ignore_case)
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return any(kind(one) == type_ and _folded(one, ignore_case) == wanted for one in items)
        return False

    return _plain(holds)


# --- dates seen from now ---


def _at_moment(moment: Callable[[int, int, View], Verdict]) -> Test:
    def test(value: Any, view: View) -> Verdict:
        found = span(value, zone_of(view.profile.attributes, view.zone))
        return FALSE if found is None else moment(*found, view)

    return test


def _read_anniversary(reader: Reader, raw: Any) -> Test | None:
    """`today`, or `{in: 7d}`: the anniversary is that many days ahead, today. None after a complaint."""
    if raw == "today":
        return _anniversary(0)
    found = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    if set(found) != {"in"}:
        reader.fault("anniversary", f"expected 'today' or {{in: 7d}}, found {shown(raw)}")
        return None
    try:
        ms = parse_duration(found["in"])
    except ValueError as wrong:
        reader.fault("anniversary.in", str(wrong))
        return None
    if ms % DAY or ms > 300 * DAY:
        reader.fault("anniversary.in", f"expected whole days, at most 300d, found {shown(found['in'])}")
        return None
    return _anniversary(ms // DAY)


def _anniversary(ahead: int) -> Test:
    def test(value: Any, view: View) -> Verdict:
        zone = zone_of(view.profile.attributes, view.zone)
        day = parse_date(value, zone)
        if day is None:
            return FALSE
        today = to_local(view.now, zone).date()
        target: date = today + timedelta(ahead)
        coming = next_anniversary(day, target)
        if coming == target:
            return Verdict(True, start_of_day(today + timedelta(1), zone))
        return Verdict(False, start_of_day(coming - timedelta(ahead), zone))

    return test
