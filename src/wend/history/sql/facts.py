"""Built-in facts worked out of history as core/facts.py keeps them: orders, revenue, sessions, first_seen, last_seen, last_order_at, inactive.

Not told here: the sessions of somebody who absorbed another (each had sessions of their own), and revenue of amounts with more than
six decimals or beyond 10^9, where the state rounds on the way. `score` and whatever else only a state knows is unknown.
"""

from __future__ import annotations

from wend.core.condition.built_in import Inactive, NumberFact, TimeFact
from wend.core.facts import SESSION_GAP
from wend.history.sql.event import moments_sql
from wend.history.sql.leaf import amount_sql, odd_amount_sql
from wend.history.sql.numbers import number_sql
from wend.history.sql.query import UNKNOWN, Query
from wend.history.sql.source import events_sql

_SIGNS = {"Order Completed": 1, "Order Refunded": -1, "Order Cancelled": -1}
_ACTIVE = "e.hops = 0 and not e.imported and e.at > 0"
"""A deed of the person, as it happened."""


def number_fact_sql(query: Query, condition: NumberFact) -> str:
    """`orders`, `revenue`, `sessions`."""
    test = condition.raw[condition.name]
    match condition.name:
        case "orders":
            source = query.share("orders", lambda: _orders(query))
            return number_sql(query, test, f"coalesce({source}.n, 0)")
        case "revenue":
            source = query.share("revenue", lambda: _revenue(query))
            held = number_sql(query, test, f"coalesce({source}.total, 0)")
            return f"(case when coalesce({source}.exact, true) then {held} end)"
        case "sessions":
            source = query.share("sessions", lambda: _sessions(query))
            held = number_sql(query, test, f"coalesce({source}.n, 0)")
            return f"(case when exists (select from alias where survivor = p.id) then null else {held} end)"
        case _:
            return UNKNOWN


def time_fact_sql(query: Query, condition: TimeFact) -> str:
    """`first_seen`, `last_seen`, `last_order_at`."""
    return moments_sql(query, condition.raw[condition.name], _time(query, condition.name))


def inactive_sql(query: Query, condition: Inactive) -> str:
    """Nothing for that long, and something before."""
    before = query.param(query.now - condition.length, "bigint")
    return f"coalesce({_time(query, 'last_seen')} <= {before}, false)"


def _time(query: Query, name: str) -> str:
    source = query.share(
        "orders" if name == "last_order_at" else "seen",
        lambda: _orders(query) if name == "last_order_at" else _seen(query),
    )
    return f"{source}.{name}"


def _orders(query: Query) -> str:
    events = events_sql(query, ["Order Completed"])
    return (
        f"select person, count(*) as n, max(at) filter (where at > 0) as last_order_at from {events} e group by person"
    )


def _seen(query: Query) -> str:
    return (
        "select person, nullif(min(at) filter (where e.hops = 0), 0) as first_seen,"
        f" max(at) filter (where {_ACTIVE}) as last_seen from {events_sql(query, ['*'])} e group by person"
    )


def _sessions(query: Query) -> str:
    gap = query.param(SESSION_GAP, "bigint")
    before = "max(at) over (partition by person order by seq rows between unbounded preceding and 1 preceding)"
    return (
        f"select person, count(*) as n from (select person, at, {before} as before"
        f" from {events_sql(query, ['*'])} e where {_ACTIVE}) o where before is null or at - before > {gap} group by person"
    )


def _revenue(query: Query) -> str:
    # The first of the three that is an amount.
    names = ("total", "revenue", "value")
    values = ", ".join(f"(e.body -> 'properties' -> '{name}') as {name}" for name in names)
    found = "coalesce(" + ", ".join(map(amount_sql, names)) + ")"
    odd = " or ".join(map(odd_amount_sql, names))
    sign = "case e.body ->> 'name' " + " ".join(f"when '{name}' then {sign}" for name, sign in _SIGNS.items()) + " end"
    return (
        "select person, sum(x * sign) as total, bool_and(plain and not odd and (x is null or x = round(x, 6)))"
        " and coalesce(sum(abs(x)), 0) < 1e9 as exact"
        f" from (select person, plain, ({odd}) as odd, {found} as x, sign"
        f" from (select e.person, e.plain, {values}, {sign} as sign from {events_sql(query, _SIGNS)} e offset 0) v offset 0) o"
        " group by person"
    )
