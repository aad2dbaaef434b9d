"""Facts beside the log: segment membership, samples, and how far consent, messages and companies can be narrowed down.

Consent, topics and messages are kept in the state (a complaint is a no, of messages the latest 20 count): tables only tell who
surely has none.
"""

from __future__ import annotations

from wend.core.condition.company import Company
from wend.core.condition.contact import Subscription
from wend.core.condition.member import Member
from wend.core.condition.message import Message
from wend.core.condition.person import Sample
from wend.core.consent import YES
from wend.history.sql.query import UNKNOWN, Query, storable


def member_sql(query: Query, condition: Member) -> str:
    """In a segment or on a list, by the read model."""
    if not storable(condition.segment):
        return "false"
    segment = query.param(condition.segment, "text")
    return f"(p.id in (select m.profile_id from membership m where m.segment = {segment}))"


def sample_sql(query: Query, condition: Sample) -> str:
    """PostgreSQL has no BLAKE2b: the ids are drawn beforehand (`Query.samples`)."""
    return f"(p.id in (select unnest({query.sample(condition)})))"


def subscription_sql(query: Query, condition: Subscription) -> str:
    """A yes was recorded once, or there is none now."""
    if not condition.states <= YES or not storable(condition.name):
        return UNKNOWN
    column = "topic" if condition.of_topic else "channel"
    name, states = query.param(condition.name, "text"), query.param(sorted(YES), "text[]")
    said = (
        f"select coalesce(a.survivor, c.profile_id) from consent_log c left join alias a on a.absorbed = c.profile_id"
        f" where c.{column} = {name} and c.state = any({states})"
    )
    return f"(case when p.id in ({said}) then null else false end)"


def message_sql(query: Query, condition: Message) -> str:
    """Some message of that kind was asked for, or there is none to fit."""
    asked = {
        "journey": condition.journey,
        "node": condition.node,
        "channel": condition.channel,
        "template": condition.template,
    }
    if not all(map(storable, asked.values())):
        return "false"
    fits = " and ".join(f"o.{name} = {query.param(value, 'text')}" for name, value in asked.items() if value)
    sent = f"select coalesce(a.survivor, o.profile_id) from outbox o left join alias a on a.absorbed = o.profile_id where {fits}"
    return f"(case when p.id in ({sent}) then null else false end)"


def company_sql(query: Query, condition: Company) -> str:
    """Whoever belongs to a company may fulfil it."""
    return "(case when jsonb_typeof(p.attributes -> 'groups') = 'object' then null else false end)"
