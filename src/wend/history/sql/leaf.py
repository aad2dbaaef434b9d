"""The events that a counted leaf means: its names, its `where`, its fixed dates and its window, as rows with a truth `fits`.

`fits` is true or null (it cannot be told here whether the event counts); events that surely do not count are left out.
"""

from __future__ import annotations

from wend.core.aggregate import Leaf
from wend.core.condition.base import FOREVER
from wend.core.condition.measure import Window
from wend.history.sql.attribute import event_sql, property_sql
from wend.history.sql.dates import fixed_range
from wend.history.sql.query import Query
from wend.history.sql.source import WIDE, events_sql

AMOUNT = "^[ \\t\\n\\r\\f\\v]*[+-]?[0-9]{1,16}([.][0-9]{1,9})?[ \\t\\n\\r\\f\\v]*$"


def leaf_sql(query: Query, leaf: Leaf, window: Window) -> str:
    """Rows (person, at, seq, body, fits) of the window (now − far, now − near]. Without a run nothing is `since: entry`."""
    if window.entry:
        return "(select null::bigint as person, null::bigint as at, null::bigint as seq, null::jsonb as body, true as fits where false)"
    after = query.now - window.far if window.far < FOREVER else WIDE
    tests = [f"(e.at <= {query.param(query.now - window.near, 'bigint')})"] if window.near else []
    if leaf.where is not None:
        tests.append(f"case when e.plain then {event_sql(query, leaf.where, 'e.body')} end")
    tests += _between_dates(query, leaf)
    events = events_sql(query, leaf.events, after)
    fits = " and ".join(tests) or "true"
    return (
        "(select * from (select e.person, e.at, e.seq, e.body, e.plain, "
        f"({fits}) as fits from {events} e offset 0) f where fits is not false)"
    )


def _between_dates(query: Query, leaf: Leaf) -> list[str]:
    tests: list[str] = []
    for text, late in ((leaf.since, True), (leaf.until, False)):
        if text:
            low, high = (query.param(one, "bigint") for one in fixed_range(text, 0))
            inside = f"when e.at >= {high} then {late} when e.at < {low} then {not late}"
            tests.append(f"(case {inside} end)")
    return tests


def key_sql(query: Query, leaf: Leaf) -> str:
    """What tells two values of the leaf's property apart (over the row `f`): jsonb, null when there is none."""
    return f"nullif({property_sql(query, leaf.property, 'f.body')}, 'null'::jsonb)"


def amount_sql(value: str) -> str:
    """The number in a jsonb value as numeric, as core/amount.py takes it; null for anything else."""
    text = "(x #>> '{}')"
    number = (
        f"case when jsonb_typeof(x) = 'number' then {text}::numeric"
        f" when jsonb_typeof(x) = 'string' and {text} ~ E'{AMOUNT}' then trim(E' \\t\\n\\r\\f\\v' from {text})::numeric end"
    )
    return f"(select case when abs(n) <= 1e15 then n end from (select {number} as n from (select {value} as x) y) z)"


def odd_amount_sql(value: str) -> str:
    """Whether the value may be a number between white space that only memory knows."""
    text = "(x #>> '{}')"
    return (
        f"(select coalesce(jsonb_typeof(x) = 'string' and {text} ~ '[0-9]' and {text} ~ E'[^\\\\x20-\\\\x7e\\\\t\\\\n\\\\r\\\\f\\\\v]', false)"
        f" from (select {value} as x) y)"
    )
