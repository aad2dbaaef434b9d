"""From a condition to one SQL query over all people: `to_sql`.

The query gives rows (id, verdict, leaf verdicts…) of living people whose verdict is not false; null is left to the state. What a form
has no translation for is null, so every form is right from its first day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from wend.core.condition.attribute import Attribute
from wend.core.condition.base import Condition
from wend.core.condition.built_in import Inactive, NumberFact, TimeFact
from wend.core.condition.company import Company
from wend.core.condition.compare import Compare
from wend.core.condition.contact import Subscription
from wend.core.condition.event import Count, CountPer, Measured, When
from wend.core.condition.groups import All, Any_, Not
from wend.core.condition.member import Member
from wend.core.condition.message import Message
from wend.core.condition.person import Sample
from wend.core.condition.sequence import Sequence
from wend.core.pack import pack
from wend.core.profile import Profile
from wend.history.sql.attribute import attribute_sql
from wend.history.sql.event import compare_sql, count_sql, measured_sql, per_sql, when_sql
from wend.history.sql.facts import inactive_sql, number_fact_sql, time_fact_sql
from wend.history.sql.known import company_sql, member_sql, message_sql, sample_sql, subscription_sql
from wend.history.sql.query import UNKNOWN, Query
from wend.history.sql.sequence import sequence_sql

FORMS: dict[type[Any], Callable[[Query, Any], str]] = {
    Attribute: attribute_sql,
    Count: count_sql,
    Measured: measured_sql,
    CountPer: per_sql,
    When: when_sql,
    Compare: compare_sql,
    Sequence: sequence_sql,
    NumberFact: number_fact_sql,
    TimeFact: time_fact_sql,
    Inactive: inactive_sql,
    Member: member_sql,
    Sample: sample_sql,
    Subscription: subscription_sql,
    Message: message_sql,
    Company: company_sql,
}
"""Form → its translation."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A condition in SQL. Queries take `params`; those named in `samples` must be filled with ids first."""

    head: str
    """`with …`, what is worked out once."""
    body: str
    """`from … where …`: living people, as `p`."""
    verdict: str
    params: dict[str, Any]
    samples: dict[str, Sample]
    leaves: list[tuple[Condition, str]]
    """The parts that are no groups, each with its own verdict."""

    @property
    def people(self) -> str:
        """Rows (id, verdict, verdict of each leaf …), by id, of all for whom the condition is not surely false."""
        return f"{self._select} and ({self.verdict}) is not false order by p.id"

    @property
    def undecided(self) -> str:
        """The same of those whom the state must decide, in an order that has nothing to do with them; takes the parameter `limit`."""
        return f"{self._select} and ({self.verdict}) is null order by hashint8extended(p.id, 77) limit %(limit)s"

    @property
    def counts(self) -> str:
        """One row: surely in, perhaps in, all people."""
        return (
            f"{self.head} select count(*) filter (where verdict), count(*) filter (where verdict is null), count(*)"
            f" from (select {self.verdict} as verdict {self.body} offset 0) q"
        )

    @property
    def _select(self) -> str:
        columns = ", ".join(["p.id", f"{self.verdict} as verdict", *(text for _, text in self.leaves)])
        return f"{self.head} select {columns} {self.body}"


def to_sql(
    condition: Condition, now: int, zone: str = "UTC", *, ids: list[int] | None = None, partition: int | None = None
) -> Fragment:
    """The condition as it stands at `now` (ms UTC), of everybody, of `ids`, or of one partition. `zone`: the workspace's."""
    query = Query(now, zone)
    leaves = [(leaf, _leaf(query, leaf)) for leaf in leaves_of(condition)]
    texts = {id(leaf): text for leaf, text in leaves}
    verdict = _verdict(condition, texts)
    joins = "".join(f" left join {name} on {name}.person = p.id" for name in query.joins)
    tail = f"substr(p.state, greatest(length(p.state) - {len(ERASED) - 1}, 1)) = {query.param(ERASED, 'bytea')}"
    alive = [
        "not exists (select from alias x where x.absorbed = p.id)",
        f"not (p.attributes = '{{}}'::jsonb and {tail})",
    ]
    if ids is not None:
        alive.append(f"p.id = any({query.param(ids, 'bigint[]')})")
    if partition is not None:
        alive.append(f"p.partition = {query.param(partition, 'int')}")
    head = "with " + ", ".join(f"{name} as ({text})" for name, text in query.shared.items()) if query.shared else ""
    body = f"from profile p{joins} where " + " and ".join(alive)
    return Fragment(head, body, verdict, query.params, query.samples, leaves)


def leaves_of(condition: Condition) -> Iterator[Condition]:
    """The parts that are no groups."""
    match condition:
        case All(parts=parts) | Any_(parts=parts):
            for part in parts:
                yield from leaves_of(part)
        case Not(part=part):
            yield from leaves_of(part)
        case _:
            yield condition


def _leaf(query: Query, condition: Condition) -> str:
    translate = FORMS.get(type(condition))
    return UNKNOWN if translate is None else translate(query, condition)


def _verdict(condition: Condition, texts: dict[int, str]) -> str:
    match condition:
        case All(parts=parts):
            return "(" + " and ".join(_verdict(part, texts) for part in parts) + ")"
        case Any_(parts=parts):
            return "(" + " or ".join(_verdict(part, texts) for part in parts) + ")"
        case Not(part=part):
            return f"(not {_verdict(part, texts)})"
        case _:
            return texts[id(condition)]


def _erased_tail() -> bytes:
    # Plan, last and next_run differ; what follows is the same of everybody who was erased.
    packed = pack(Profile(0, erased=True))
    return b"".join(msgspec.msgpack.encode(value) for value in packed[3:])


ERASED = _erased_tail()
"""How the state of an erased person ends: nothing but that."""
