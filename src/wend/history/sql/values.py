"""Comparisons with a jsonb value of any type: what `attribute`, `property` and `context` have in common (core: condition/values.py).

Null stands for: letter case beyond ASCII (`ignore_case` folds as Unicode does), regular expressions (Python's), dates near their
bound (dates.py), numbers beyond 2^53 that are no whole numbers of a float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from wend.core.condition.moments import span
from wend.core.condition.numbers import is_number
from wend.core.condition.values import ORDER, kind
from wend.history.sql.dates import anniversary_sql, date_order_sql, moments_of_value_sql, text_of
from wend.history.sql.numbers import SIGNS
from wend.history.sql.query import EXACT_INTEGERS, Query, both, storable, sure

_TYPES = {"t": "string", "n": "number", "b": "boolean", "l": "array", "o": "object"}
_MOMENTS = ("within", "before", "after")


def value_sql(query: Query, raw: dict[str, Any], value: str) -> str:
    """All comparisons among the settings `raw` hold for the jsonb `value` (SQL; null: missing)."""
    # A long path becomes a column of a sub-select, so that it is written and read once.
    v = value if len(value) < _SHORT else "v"
    ignore_case = raw.get("ignore_case") is True
    tests = [_one(query, v, operator, bound, ignore_case) for operator, bound in raw.items() if operator in _TESTS]
    if any(operator in raw for operator in _MOMENTS):
        tests.append(moments_of_value_sql(query, raw, v))
    if "anniversary" in raw:
        tests.append(anniversary_sql(query, raw["anniversary"], v))
    test = both(tests)
    return test if v == value else f"(select {test} from (select {value} as v offset 0) one)"


_SHORT = 60


def is_exact(raw: dict[str, Any]) -> bool:
    """Whether the comparisons among `raw` never leave it to memory."""
    if raw.get("ignore_case") is True or not raw.keys().isdisjoint((*_MOMENTS, "anniversary", "matches")):
        return False
    for operator, bound in raw.items():
        if operator in _TESTS:
            several = _several(bound)
            if any(_is_huge(one) or not storable(one) for one in several):
                return False
            if operator in ORDER and any(isinstance(one, str) and span(one, "UTC") is not None for one in several):
                return False
    return True


def _several(bound: Any) -> list[Any]:
    return cast("list[Any]", bound) if isinstance(bound, list) else [bound]


def _one(query: Query, v: str, operator: str, bound: Any, ignore_case: bool) -> str:
    if any(_is_huge(one) or not storable(one) for one in _several(bound)):
        return f"(case when {v} is null or jsonb_typeof({v}) = 'null' then false end)"
    return _TESTS[operator](query, v, operator, bound, ignore_case)


def _is_huge(bound: Any) -> bool:
    return isinstance(bound, float) and abs(bound) > EXACT_INTEGERS


def _only(v: str, type: str, test: str) -> str:
    return f"(case when jsonb_typeof({v}) = '{type}' then {test} else false end)"


def _folded(v: str, test: Callable[[str], str], ignore_case: bool) -> str:
    """`test` of the text as it is, or in lower case; null where lower case is not as simple as ASCII's."""
    text = text_of(v)
    if not ignore_case:
        return _only(v, "string", test(text))
    lower = test(f'lower({text} collate "C")')
    return _only(v, "string", f"(case when octet_length({text}) = char_length({text}) then {lower} end)")


def _equal(query: Query, v: str, operator: str, bound: Any, ignore_case: bool) -> str:
    several = _several(bound)
    texts = [one.casefold() for one in several if isinstance(one, str)] if ignore_case else []
    others = [one for one in several if not (ignore_case and isinstance(one, str))]
    found: list[str] = []
    if others:
        found.append(sure(" or ".join(f"{v} = {query.json(one)}" for one in others)))
    if texts:
        wanted = query.param(texts, "text[]")
        found.append(_folded(v, lambda text: f'{text} collate "C" = any({wanted})', True))
    held = "(" + " or ".join(found) + ")"
    if operator in ("is", "in"):
        return held
    types = query.param(sorted({_TYPES[kind(one)] for one in several}), "text[]")
    return f"(case when jsonb_typeof({v}) = any({types}) then not {held} else false end)"


def _order(query: Query, v: str, operator: str, bound: Any, ignore_case: bool) -> str:
    if operator == "between":
        low, high = bound
        dated = isinstance(low, str) and span(low, "UTC") is not None and span(high, "UTC") is not None
        order = _text_order if isinstance(low, str) and not dated else _order
        return both([order(query, v, "gte", low, ignore_case), order(query, v, "lte", high, ignore_case)])
    if is_number(bound):
        return sure(f"(jsonb_typeof({v}) = 'number' and {v} {SIGNS[operator]} {query.json(bound)})")
    if span(bound, "UTC") is not None:
        return date_order_sql(query, operator, bound, v)
    return _text_order(query, v, operator, bound, ignore_case)


def _text_order(query: Query, v: str, operator: str, bound: str, ignore_case: bool) -> str:
    wanted = query.param(bound.casefold() if ignore_case else bound, "text")
    return _folded(v, lambda text: f'{text} collate "C" {SIGNS[operator]} {wanted}', ignore_case)


def _text(query: Query, v: str, operator: str, bound: Any, ignore_case: bool) -> str:
    if operator == "matches":
        return _only(v, "string", "null")
    wanted = bound.casefold() if ignore_case and isinstance(bound, str) else bound
    if operator == "contains":
        # Text among the items of a list is folded by memory alone.
        listed = "null" if ignore_case and isinstance(bound, str) else f"{v} @> {query.json([wanted])}"
        if not isinstance(wanted, str):
            return _only(v, "array", listed)
        part = query.param(wanted, "text")
        inside = _folded(v, lambda text: f'strpos({text} collate "C", {part}) > 0', ignore_case)
        return f"(case when jsonb_typeof({v}) = 'array' then {listed} else {inside} end)"
    part = query.param(wanted, "text")
    if operator == "starts_with":
        return _folded(v, lambda text: f"starts_with({text}, {part})", ignore_case)
    return _folded(v, lambda text: f'right({text}, char_length({part})) collate "C" = {part}', ignore_case)


def _presence(query: Query, v: str, operator: str, bound: Any, ignore_case: bool) -> str:
    there = f"({v} is not null and jsonb_typeof({v}) <> 'null')"
    return there if bound is (operator == "exists") else f"(not {there})"


_TESTS = {
    **dict.fromkeys(("is", "is_not", "in", "not_in"), _equal),
    **dict.fromkeys(ORDER, _order),
    **dict.fromkeys(("contains", "starts_with", "ends_with", "matches"), _text),
    **dict.fromkeys(("exists", "missing"), _presence),
}
