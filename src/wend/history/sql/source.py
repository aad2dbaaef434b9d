"""Where events come from: the log, today. The only place that knows, so that an archive can take its place.

`events_sql` gives rows (person, at, seq, body, plain, hops, imported) of everybody's events as the engine applied them: the
absorbed count for their survivor; what the engine left out (repeats, what a tombstone passed on, what an operator skipped: table
`left_out`) and what is parked is not there; times are cut to when the event was received. Inputs for many people at once (kind
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


def name_prefix(name: str) -> str:
    """How the payload of every event of this name begins, up to where its time stands."""
    text = encode_input(Event(name, 0)).decode()
    return text[: text.rindex('"at":')]


def events_sql(query: Query, names: Iterable[str], after: int = WIDE) -> str:
    """The events of these names ('*': all) that happened later than `after` (ms) and were received by `query.now`.

    Business events (`about`) are no deeds of the person and not among them. `body` is jsonb; null where the payload cannot be read as such (`\\u0000`, then `plain` is false).
    """
    since = query.param(after, "bigint")
    return (
        "(select coalesce(a.survivor, r.id) as person, least(r.told, r.at) as at, r.seq,"
        " case when r.plain then r.text::jsonb end as body, r.plain,"
        f" {_flag('hops', '::int', '0')} as hops, {_flag('imported', '::boolean', 'false')} as imported"
        f" from {_received(query, names, since)} r left join alias a on a.absorbed = r.id"
        f" where least(r.told, r.at) > {since} and {_flag('about', '', _NOTHING)} = '' offset 0)"
    )


def payloads_sql(query: Query, names: Iterable[str], ids: list[int]) -> str:
    """Rows (id, at received, payload text) of events of these names of just these people (the absorbed under their own ids), in order."""
    of = query.param(ids, "bigint[]")
    everything = _received(query, names, query.param(WIDE, "bigint"), query.param([0, *ids], "bigint[]"))
    return f"select r.id, r.at, r.text from {everything} r where r.id = any({of}) order by r.at, r.seq"


def _received(query: Query, names: Iterable[str], since: str, owners: str = "") -> str:
    """Rows (id, seq, at received, text, plain, told). `owners`: only rows of the log that belong to these (0: to many)."""
    wanted = sorted(name for name in names if storable(name))
    now = query.param(query.now, "bigint")
    if "*" in wanted:
        heard, spread = "true", "true"
    else:
        heard = " or ".join(
            f"starts_with(l.payload::text, {query.param(name_prefix(name), 'text')})" for name in wanted
        )
        heard = f"({heard or 'false'})"
        spread = f"l.payload -> 'payload' ->> 'name' = any({query.param(wanted, 'text[]')})"
    owned = f" and l.profile_id = any({owners})" if owners else ""
    return (
        "(select l.seq, l.at, s.id, s.text, position('\\u0000' in s.text) = 0 as plain,"
        # The name comes first and is quoted, so the first "at" is the event's own.
        """ substring(s.text from '"at":(-?[0-9]+)')::bigint as told"""
        " from log l cross join lateral ("
        "select l.profile_id as id, l.payload::text as text where l.kind = 'event' union all"
        " select i::bigint, (l.payload -> 'payload')::text from json_array_elements_text(l.payload -> 'ids') i where l.kind = 'chunk'"
        f") s where l.at > {since} and l.at <= {now}{owned} and case l.kind when 'event' then {heard}"
        f" when 'chunk' then l.payload ->> 'kind' = 'event' and {spread} else false end"
        " and not exists (select from left_out o where o.partition = l.partition and o.profile_id = s.id and o.seq = l.seq)"
        " and not exists (select from parked k where k.partition = l.partition and k.profile_id = s.id and k.seq = l.seq)"
        " offset 0)"
    )


def _flag(name: str, cast: str, missing: str) -> str:
    """A field that is rarely written: JSON is only read where the word stands."""
    return (
        f"case when position('\"{name}\":' in r.text) = 0 then {missing}"
        f" when r.plain then coalesce((r.text::jsonb ->> '{name}'){cast}, {missing}) else {missing} end"
    )
