"""The events that a counted leaf means: its names, its `where`, its fixed dates and its window, as rows with a truth `fits`.

`fits` is true or null (it cannot be told here whether the event counts); events that surely do not count are left out.
"""

from __future__ import annotations

from wend.core.aggregate import Leaf
from wend.core.condition.base import FOREVER
from wend.core.condition.measure import Window
from wend.history.sql.attribute import event_sql, property_sql
from wend.history.sql.dates import Exactly, fixed_range, text_of
from wend.history.sql.query import Query
from wend.history.sql.source import WIDE, events_sql


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
    if not tests:
        return f"(select e.person, e.at, e.seq, e.body, e.plain, true as fits from {events} e)"
    return (
        "(select * from (select e.person, e.at, e.seq, e.body, e.plain, "
        f"({' and '.join(tests)}) as fits from {events} e offset 0) f where fits is not false)"
    )


def _between_dates(query: Query, leaf: Leaf) -> list[str]:
    tests: list[str] = []
    for text, late in ((leaf.since, True), (leaf.until, False)):
        if text:
            low, high = fixed_range(text, 0)
            earlier = Exactly("e.at").at_most(query, low - 1, high - 1)
            tests.append(f"(not {earlier})" if late else earlier)
    return tests


def key_sql(query: Query, leaf: Leaf) -> str:
    """What tells two values of the leaf's property apart (over the row `f`): jsonb, null when there is none."""
    return f"nullif({property_sql(query, leaf.property, 'f.body')}, 'null'::jsonb)"


_WHITE = " \\t\\n\\r\\f\\v"
_AMOUNT = f"^[{_WHITE}]*[+-]?[0-9]{{1,16}}([.][0-9]{{1,9}})?[{_WHITE}]*$"


def amount_sql(value: str) -> str:
    """The number in a jsonb value (a column) as numeric, as core/amount.py takes it; null for anything else."""
    text = text_of(value)
    number = f"case when abs({value}::numeric) <= 1e15 then {value}::numeric end"
    told = f"case when {text} ~ E'{_AMOUNT}' and abs(btrim({text}, E'{_WHITE}')::numeric) <= 1e15 then btrim({text}, E'{_WHITE}')::numeric end"
    return f"(case jsonb_typeof({value}) when 'number' then {number} when 'string' then {told} end)"


def odd_amount_sql(value: str) -> str:
    """Whether the jsonb value (a column) may be a number between white space that only memory knows."""
    text = text_of(value)
    odd = f"{text} ~ '[0-9]' and {text} ~ E'[^\\\\x20-\\\\x7e\\t\\n\\r\\f\\v]'"
    return f"(case when jsonb_typeof({value}) = 'string' then {odd} else false end)"
