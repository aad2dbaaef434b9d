"""Where events come from: the log, today. The only place that knows, so that an archive can take its place.

`events_sql` gives rows (person, at, seq, body, plain, hops, imported) of everybody's events as the engine applied them: the
absorbed count for their survivor; what the engine left out (repeats, what a tombstone passed on, what an operator skipped: table
`left_out`) and what is parked is not there, nor is what was told to many at once (kind 'chunk': business
events, which are nobody's deeds); times are cut to when the event was received. Inputs for many people at once (kind
'chunk') are spread out.
Rule for speed: an event's payload begins with its name (store/codec.py), so rows are sieved by a comparison of text, without
reading JSON; days are pruned, as nothing is received before it happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from wend.core.inputs import Event
from wend.history.sql.query import Query, storable
from wend.store.codec import encode_input

WIDE = -(1 << 62)
"""Earlier than everything."""


_NOTHING = "''"
_TEXT = "l.payload::text"
_PLAIN = f"(strpos({_TEXT}, '\\u0000') = 0)"


def name_prefix(name: str) -> str:
    """How the payload of every event of this name begins, up to where its time stands."""
    text = encode_input(Event(name, 0)).decode()
    return text[: text.rindex('"at":')]


def events_sql(query: Query, names: Iterable[str], after: int = WIDE) -> str:
    """The events of these names ('*': all) that happened later than `after` (ms) and were received by `query.now`.

    Business events (`about`) are no deeds of the person and not among them. `body` is jsonb; null where the payload cannot be
    read as such (`\\u0000`): then `plain` is false.
    """
    late = f" where least(r.told, r.at) > {query.param(after, 'bigint')}" if after > WIDE else ""
    return (
        "(select coalesce(a.survivor, r.id) as person, least(r.told, r.at) as at, r.seq, r.body, r.plain, r.hops, r.imported"
        f" from {_received(query, names, after)} r left join alias a on a.absorbed = r.id{late})"
    )


def payloads_sql(query: Query, names: Iterable[str], ids: list[int]) -> str:
    """Rows (id, at received, payload text) of events of these names of just these people (the absorbed under their own ids), in order."""
    everything = _received(query, names, WIDE, query.param(ids, "bigint[]"))
    return f"select r.id, r.at, r.text from {everything} r order by r.at, r.seq"


def _received(query: Query, names: Iterable[str], after: int, owners: str = "") -> str:
    """Rows (id, seq, at received, text, told, plain, body, hops, imported). `owners`: only the rows of these people."""
    wanted = sorted(name for name in names if storable(name))
    heard = [f"starts_with({_TEXT}, {query.param(name_prefix(name), 'text')})" for name in wanted]
    named = "" if "*" in wanted else f" and ({' or '.join(heard) or 'false'})"
    since = f" and l.at > {query.param(after, 'bigint')}" if after > WIDE else ""
    owned = f" and l.profile_id = any({owners})" if owners else ""
    return (
        # Sieved first and by itself: joined at once, the planner reads the days in the order of their key. Columns that nobody
        # reads are not worked out.
        f"(select r.* from (select l.partition, l.seq, l.at, l.profile_id as id, {_TEXT} as text, {_PLAIN} as plain,"
        # The name comes first and is quoted, so the first "at" is the event's own. (A regular expression takes ten times as long.)
        f""" rtrim(split_part(substr({_TEXT}, strpos({_TEXT}, '","at":') + 7, 21), ',', 1), '}}')::bigint as told,"""
        f" case when {_PLAIN} then {_TEXT}::jsonb end as body,"
        f" {_flag('hops', '::int', '0')} as hops, {_flag('imported', '::boolean', 'false')} as imported"
        f" from log l where l.kind = 'event'{since} and l.at <= {query.param(query.now, 'bigint')}{owned}{named}"
        f" and {_flag('about', '', _NOTHING)} = '' offset 0) r"
        " where not exists (select from left_out o where o.partition = r.partition and o.profile_id = r.id and o.seq = r.seq)"
        " and not exists (select from parked k where k.partition = r.partition and k.profile_id = r.id and k.seq = r.seq))"
    )


def _flag(name: str, cast: str, missing: str) -> str:
    """A field that is rarely written: JSON is only read where the word stands."""
    return (
        f"case when strpos({_TEXT}, '\"{name}\":') = 0 then {missing}"
        f" when {_PLAIN} then coalesce(({_TEXT}::jsonb ->> '{name}'){cast}, {missing}) else {missing} end"
    )
