"""Comparisons with numbers: `{gte: 3}` asked of an SQL number, exact or known up to a margin."""

from __future__ import annotations

from typing import Any

from wend.history.sql.query import Query, both

SIGNS = {"is": "=", "is_not": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def number_sql(query: Query, raw: dict[str, Any], value: str) -> str:
    """The comparisons in `raw` hold for the number `value` (SQL, never null, exact)."""
    tests: list[str] = []
    for operator, bound in raw.items():
        if operator == "between":
            low, high = (query.param(repr(one), "numeric") for one in bound)
            tests.append(f"{value} between {low} and {high}")
        elif operator in SIGNS:
            tests.append(f"{value} {SIGNS[operator]} {query.param(repr(bound), 'numeric')}")
    return both(tests)


def float_sql(query: Query, raw: dict[str, Any], value: str, margin: str) -> str:
    """The comparisons in `raw` hold for the float8 `value`; null nearer to a bound than `margin` (0: exact); false without value."""
    tests: list[str] = []
    for operator, bound in raw.items():
        if operator == "between":
            low, high = bound
            tests.append(relation_sql("gte", value, margin, query.param(float(low), "float8")))
            tests.append(relation_sql("lte", value, margin, query.param(float(high), "float8")))
        elif operator in SIGNS:
            tests.append(relation_sql(operator, value, margin, query.param(float(bound), "float8")))
    return both(tests)


def relation_sql(operator: str, left: str, margin: str, right: str) -> str:
    """Of two float8; `margin`: how far their difference may be off. Null when that decides, false when one of them is missing."""
    return (
        f"(case when {left} is null or {right} is null then false"
        f" when {margin} = 0 or abs({left} - {right}) > {margin} then {left} {SIGNS[operator]} {right} end)"
    )
