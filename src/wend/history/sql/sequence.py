"""`then` and `then_not`: what followed (core: condition/sequence.py).

From the back: the rows (person, at, ready) of each event from which the rest goes through, `ready` being the instant from which on it
holds. Not bounded by the 32 latest of each event, as a state is.
"""

from __future__ import annotations

from wend.core.condition.base import FOREVER
from wend.core.condition.measure import Window
from wend.core.condition.sequence import Next, Sequence
from wend.history.sql.leaf import leaf_sql
from wend.history.sql.query import Query


def sequence_sql(query: Query, condition: Sequence) -> str:
    """Some first event in the window was followed by what is asked."""
    window = condition.window
    if window.entry:
        return "false"
    whole = Window(window.far)
    leaves = [condition.first, *(step.leaf for step in condition.steps)]
    rows = [
        query.share(f"fits {leaf.id} {whole}", _rows(query, condition, index), join=False)
        for index, leaf in enumerate(leaves)
    ]
    found = f"(select person, at, at as ready from {rows[-1]} where fits)"
    for index in range(len(condition.steps) - 1, -1, -1):
        found = _before(query, rows[index], condition.steps[index], found)
    now, near = query.param(query.now, "bigint"), query.param(window.near, "bigint")
    unsure = " union all ".join(
        f"select person, null::boolean from {row} where fits is null" for row in dict.fromkeys(rows)
    )
    source = query.share(
        f"sequence {condition.dump()}",
        lambda: (
            "select person, bool_or(held) as held, bool_or(held is null) as unsure from ("
            f"select person, true as held from {found} f where ready <= {now} and at + {near} <= {now} union all {unsure}) u group by person"
        ),
    )
    return f"(case when coalesce({source}.unsure, false) then null else coalesce({source}.held, false) end)"


def _rows(query: Query, condition: Sequence, index: int):
    leaf = condition.first if index == 0 else condition.steps[index - 1].leaf
    return lambda: f"select person, at, fits from {leaf_sql(query, leaf, Window(condition.window.far))} f"


def _before(query: Query, rows: str, step: Next, found: str) -> str:
    within = f" and b.at < a.at + {query.param(step.within, 'bigint')}" if step.within < FOREVER else ""
    follows = f"b.person = a.person and b.at > a.at{within}"
    if step.absent:
        ready = f"a.at + {query.param(step.within, 'bigint')}" if step.within < FOREVER else "a.at"
        return f"(select a.person, a.at, {ready} as ready from {rows} a where a.fits and not exists (select from {found} b where {follows}))"
    return (
        f"(select a.person, a.at, min(b.ready) as ready from {rows} a join {found} b on {follows}"
        " where a.fits group by a.person, a.at)"
    )
