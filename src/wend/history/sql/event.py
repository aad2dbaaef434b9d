"""`event` with a count, a measure, `per`, `first`/`last`, and `compare` (core: condition/event.py, measure.py, compare.py).

Each leaf becomes one row a person: how often for sure (`n`), whether some event could not be told (`unsure`), and what is measured.
Sums are exact where all values are whole multiples of 1/1024; else a margin stands for the rounding of floats, and null within it.
"""

from __future__ import annotations

import json
from typing import Any

from wend.core.condition.compare import Compare
from wend.core.condition.event import Count, CountPer, Measured, When
from wend.core.condition.measure import KINDS, Measure
from wend.core.condition.numbers import ORDERED
from wend.history.sql.dates import Exactly, moment_sql
from wend.history.sql.leaf import amount_sql, key_sql, leaf_sql, odd_amount_sql
from wend.history.sql.numbers import float_sql, number_sql, relation_sql
from wend.history.sql.query import Query, both

_ONCE = {"gte": 1}


def _count_test(raw: dict[str, Any]) -> dict[str, Any]:
    return raw.get("count", _ONCE)


def _told(source: str, test: str) -> str:
    """`test`, unless some event could not be told."""
    return f"(case when coalesce({source}.unsure, false) then null else {test} end)"


def count_sql(query: Query, condition: Count) -> str:
    """How often, in a window that ends now."""
    if condition.window.entry:
        return "false"
    leaf, window = condition.leaf, condition.window
    source = query.share(
        f"count {leaf.id} {window}",
        lambda: (
            "select person, count(*) filter (where fits) as n, bool_or(fits is null) as unsure"
            f" from {leaf_sql(query, leaf, window)} f group by person"
        ),
    )
    return _told(source, number_sql(query, _count_test(condition.raw), f"coalesce({source}.n, 0)"))


def measured_sql(query: Query, condition: Measured) -> str:
    """A measure, compared with numbers."""
    raw = condition.raw
    measured = any(kind in raw for kind in KINDS)
    test = {name: raw[name] for name in ORDERED if name in raw} if measured else _count_test(raw)
    source, value, margin = measure_sql(query, condition.measure)
    return _told(source, float_sql(query, test or _ONCE, value, margin))


def compare_sql(query: Query, condition: Compare) -> str:
    """Two sides and how they relate."""
    sides: list[tuple[str, str]] = []
    sources: list[str] = []
    for side in (condition.left, condition.right):
        if isinstance(side, Measure):
            source, value, margin = measure_sql(query, side)
            sides.append((value, margin))
            sources.append(source)
        else:
            sides.append((query.param(float(side), "float8"), "0"))
    (left, left_margin), (right, right_margin) = sides
    test = relation_sql(condition.relation, left, f"({left_margin} + {right_margin})", right)
    for source in dict.fromkeys(sources):
        test = _told(source, test)
    return test


def measure_sql(query: Query, measure: Measure) -> tuple[str, str, str]:
    """(row source, the measure as float8 or null, how far it may be off as float8)."""
    leaf, window = measure.leaf, measure.window
    kind = measure.kind
    key = f"{kind} {leaf.id} {window}"
    if kind == "count":
        source = query.share(
            key,
            lambda: (
                "select person, count(*) filter (where fits) as n, bool_or(fits is null) as unsure"
                f" from {leaf_sql(query, leaf, window)} f group by person"
            ),
        )
        value, margin = f"coalesce({source}.n, 0)::float8", "0"
    elif kind == "distinct":
        source = query.share(
            key,
            lambda: (
                # Inside lists and objects 1 and 1.0 are two keys to memory and one to jsonb.
                "select person, count(distinct key) filter (where fits) as n,"
                " bool_or(plain is false or (key is not null and (fits is null or jsonb_typeof(key) in ('array', 'object'))))"
                f" as unsure from (select f.*, {key_sql(query, leaf)} as key from {leaf_sql(query, leaf, window)} f offset 0) g"
                " group by person"
            ),
        )
        value, margin = f"coalesce({source}.n, 0)::float8", "0"
    else:
        source = query.share(key, lambda: _numbers(query, measure))
        value, margin = _reduced(source, kind)
    if measure.times == 1:
        return source, f"({value})", margin
    times = query.param(float(measure.times), "float8")
    return source, f"({value} * {times})", margin if margin == "0" else f"({margin} * abs({times}))"


def _numbers(query: Query, measure: Measure) -> str:
    found = key_sql(query, measure.leaf)
    return (
        "select person, count(x) filter (where fits) as n, sum(x) filter (where fits) as total,"
        " sum(abs(x)) filter (where fits) as size, min(x) filter (where fits) as least, max(x) filter (where fits) as most,"
        " coalesce(bool_and(mod(x * 1024, 1) = 0) and sum(abs(x)) < 1e12, true) as exact,"
        " bool_or(plain is false or odd or (x is not null and fits is null)) as unsure"
        f" from (select g.*, {amount_sql('key')} as x, {odd_amount_sql('key')} as odd"
        f" from (select f.*, {found} as key from {leaf_sql(query, measure.leaf, measure.window)} f offset 0) g offset 0) h group by person"
    )


def _reduced(source: str, kind: str) -> tuple[str, str]:
    margin = f"(case when coalesce({source}.exact, true) then 0 else 1e-9 * (1 + {source}.size::float8) end)"
    match kind:
        case "sum":
            return f"coalesce({source}.total, 0)::float8", margin
        case "avg":
            return f"({source}.total::float8 / nullif({source}.n, 0))", margin
        case "min":
            return f"{source}.least::float8", "0"
        case _:
            return f"{source}.most::float8", "0"


def per_sql(query: Query, condition: CountPer) -> str:
    """Whether any one value of a property was counted so often."""
    leaf, window = condition.leaf, condition.measure.window
    test = _count_test(condition.raw)
    source = query.share(
        f"per {json.dumps(test, sort_keys=True)} {leaf.id} {window}",
        lambda: (
            f"select person, bool_or({number_sql(query, test, 'n')}) as held, bool_or(unsure) as unsure from ("
            " select person, key, count(*) filter (where fits) as n,"
            " bool_or(plain is false or (key is not null and (fits is null or jsonb_typeof(key) in ('array', 'object')))) as unsure"
            f" from (select f.*, {key_sql(query, leaf)} as key from {leaf_sql(query, leaf, window)} f offset 0) g"
            " group by person, key) h where key is not null or unsure group by person"
        ),
    )
    return _told(source, f"coalesce({source}.held, false)")


def when_sql(query: Query, condition: When) -> str:
    """The time of the first or the latest such event."""
    which = "first" if "first" in condition.raw else "last"
    leaf = condition.leaf
    from wend.core.condition.measure import Window

    source = query.share(
        f"{which} {leaf.id}",
        lambda: (
            f"select person, {'min' if which == 'first' else 'max'}(at) filter (where fits) as at, bool_or(fits is null) as unsure"
            f" from {leaf_sql(query, leaf, Window())} f group by person"
        ),
    )
    test = moments_sql(query, condition.raw[which], f"{source}.at")
    return _told(source, test)


def moments_sql(query: Query, raw: dict[str, Any], at: str) -> str:
    """Tests of the time of an instant (SQL, ms); false while there is none."""
    tests = both(moment_sql(query, raw, Exactly(at), Exactly(f"({at} + 1)")))
    return f"(case when {at} is null then false else {tests} end)"
