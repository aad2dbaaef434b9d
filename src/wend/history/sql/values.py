"""Comparisons with a jsonb value of any type: what `attribute`, `property` and `context` have in common (core: condition/values.py).

Null stands for: letter case beyond ASCII (`ignore_case` folds as Unicode does), regular expressions (Python's), dates near their
bound (dates.py), numbers beyond 2^53 that are no whole numbers of a float.
"""

from __future__ import annotations

from typing import Any, cast

from wend.core.condition.moments import span
from wend.core.condition.numbers import is_number
from wend.core.condition.values import ORDER, kind
from wend.history.sql.dates import anniversary_sql, date_order_sql, moments_of_value_sql
from wend.history.sql.numbers import SIGNS
from wend.history.sql.query import EXACT_INTEGERS, Query, both, storable, sure

_TYPES = {"t": "string", "n": "number", "b": "boolean", "l": "array", "o": "object"}
_MOMENTS = ("within", "before", "after")


def value_sql(query: Query, raw: dict[str, Any], value: str) -> str:
    """All comparisons among the settings `raw` hold for the jsonb `value` (SQL; null: missing)."""
    ignore_case = raw.get("ignore_case") is True
    tests = [_one(query, operator, bound, ignore_case) for operator, bound in raw.items() if operator in _TESTS]
    if any(operator in raw for operator in _MOMENTS):
        tests.append(moments_of_value_sql(query, raw, "v"))
    if "anniversary" in raw:
        tests.append(anniversary_sql(query, raw["anniversary"], "v"))
    # A sub-select of its own, so that a long path is written and read once.
    return f"(select {both(tests)} from (select {value} as v offset 0) one)"


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


def _one(query: Query, operator: str, bound: Any, ignore_case: bool) -> str:
    several = _several(bound)
    if not all(storable(one) for one in several):
        return _only("string", "null")
    if any(_is_huge(one) for one in several):
        return _only("number", "null")
    return _TESTS[operator](query, operator, bound, ignore_case)


def _is_huge(bound: Any) -> bool:
    return isinstance(bound, float) and abs(bound) > EXACT_INTEGERS


def _only(type: str, test: str) -> str:
    return f"(case when jsonb_typeof(v) = '{type}' then {test} else false end)"


_TEXT = "(v #>> '{}')"


def _folded(test: str, ignore_case: bool) -> str:
    """`test` over the name `t`, the text as it is or in lower case; null where lower case is not as simple as ASCII's."""
    if not ignore_case:
        return _only("string", f"(select {test} from (select {_TEXT} as t) one)")
    fold = f'(select lower({_TEXT} collate "C") as t) one'
    return _only(
        "string", f"(case when octet_length({_TEXT}) = char_length({_TEXT}) then (select {test} from {fold}) end)"
    )


def _equal(query: Query, operator: str, bound: Any, ignore_case: bool) -> str:
    several = _several(bound)
    texts = [one.casefold() for one in several if isinstance(one, str)] if ignore_case else []
    others = [one for one in several if not (ignore_case and isinstance(one, str))]
    found: list[str] = []
    if others:
        found.append(sure(" or ".join(f"v = {query.json(one)}" for one in others)))
    if texts:
        found.append(_folded(f't collate "C" = any({query.param(texts, "text[]")})', True))
    held = "(" + " or ".join(found) + ")"
    if operator in ("is", "in"):
        return held
    types = query.param(sorted({_TYPES[kind(one)] for one in several}), "text[]")
    return f"(case when jsonb_typeof(v) = any({types}) then not {held} else false end)"


def _order(query: Query, operator: str, bound: Any, ignore_case: bool) -> str:
    if operator == "between":
        low, high = bound
        if isinstance(low, str) and not (span(low, "UTC") and span(high, "UTC")):
            return both([_text_order(query, "gte", low, ignore_case), _text_order(query, "lte", high, ignore_case)])
        return both([_order(query, "gte", low, ignore_case), _order(query, "lte", high, ignore_case)])
    if is_number(bound):
        return sure(f"jsonb_typeof(v) = 'number' and v {SIGNS[operator]} {query.json(bound)}")
    if span(bound, "UTC") is not None:
        return date_order_sql(query, operator, bound, "v")
    return _text_order(query, operator, bound, ignore_case)


def _text_order(query: Query, operator: str, bound: str, ignore_case: bool) -> str:
    wanted = query.param(bound.casefold() if ignore_case else bound, "text")
    return _folded(f't collate "C" {SIGNS[operator]} {wanted}', ignore_case)


def _text(query: Query, operator: str, bound: Any, ignore_case: bool) -> str:
    if operator == "matches":
        return _only("string", "null")
    wanted = bound.casefold() if ignore_case and isinstance(bound, str) else bound
    if operator == "contains":
        item = query.json([wanted])
        # Text among the items of a list is folded by memory alone.
        listed = "null" if ignore_case and isinstance(bound, str) else f"v @> {item}"
        if not isinstance(wanted, str):
            return _only("array", listed)
        inside = _folded(f'strpos(t collate "C", {query.param(wanted, "text")}) > 0', ignore_case)
        return f"(case when jsonb_typeof(v) = 'array' then {listed} else {inside} end)"
    text = query.param(wanted, "text")
    if operator == "starts_with":
        return _folded(f"starts_with(t, {text})", ignore_case)
    return _folded(f'right(t, char_length({text})) collate "C" = {text}', ignore_case)


def _presence(query: Query, operator: str, bound: Any, ignore_case: bool) -> str:
    there = "(v is not null and jsonb_typeof(v) <> 'null')"
    return there if bound is (operator == "exists") else f"(not {there})"


_TESTS = {
    **dict.fromkeys(("is", "is_not", "in", "not_in"), _equal),
    **dict.fromkeys(ORDER, _order),
    **dict.fromkeys(("contains", "starts_with", "ends_with", "matches"), _text),
    **dict.fromkeys(("exists", "missing"), _presence),
}
