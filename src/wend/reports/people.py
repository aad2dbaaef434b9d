"""One person: who an identifier means, and all that is known about somebody."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wend.core.consent import CHANNELS
from wend.core.profile import Profile
from wend.reports.rows import rows
from wend.store.codec import decode_state
from wend.store.log import partition_of, partitions
from wend.store.postgres import Connection, fetch_one


@dataclass(frozen=True, slots=True)
class Person:
    """A profile with its identifiers and what was merged into it. `profile` None: only identifiers are known so far."""

    id: int
    partition: int
    profile: Profile | None
    identifiers: list[dict[str, Any]]
    absorbed: list[int]
    wakes_at: int | None


async def find(conn: Connection, text: str) -> list[int]:
    """Ids of the people that `text` may mean: a profile id, or a value of any identifier (user id first). Follows merges."""
    found: list[int] = []
    wanted = text.strip()
    for row in await rows(
        conn,
        "select profile_id from identifier where value = any(%s)"
        " order by array_position(array['user_id', 'anonymous_id', 'email'], namespace), namespace limit 50",
        (list({wanted, wanted.lower()}),),
    ):
        found.append(row["profile_id"])
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) < 1 << 63:
        found.append(int(wanted))
    survivors = [await survivor(conn, one) for one in found]
    return [one for one in dict.fromkeys(survivors) if await _known(conn, one)]


async def survivor(conn: Connection, profile_id: int) -> int:
    """Who `profile_id` is now, after merges."""
    row = await fetch_one(
        conn,
        "with recursive chain (id, depth) as (select %s::bigint, 0 union all"
        " select alias.survivor, chain.depth + 1 from alias join chain on alias.absorbed = chain.id where chain.depth < 100)"
        " select id from chain order by depth desc limit 1",
        (profile_id,),
    )
    return int(row[0]) if row else profile_id


async def absorbed(conn: Connection, profile_id: int) -> list[int]:
    """Everybody who was merged into `profile_id`, also by way of others."""
    found = await rows(
        conn,
        "with recursive chain (id) as (select absorbed from alias where survivor = %s union"
        " select alias.absorbed from alias join chain on alias.survivor = chain.id) select id from chain order by id limit 1000",
        (profile_id,),
    )
    return [row["id"] for row in found]


async def _known(conn: Connection, profile_id: int) -> bool:
    count = await partitions(conn)
    row = await fetch_one(
        conn,
        "select 1 from profile where partition = %s and id = %s"
        " union all select 1 from identifier where profile_id = %s limit 1",
        (partition_of(profile_id, count), profile_id, profile_id),
    )
    return row is not None


async def load(conn: Connection, profile_id: int) -> Person:
    """All that is stored of a person (of nobody, it is empty)."""
    partition = partition_of(profile_id, await partitions(conn))
    row = await fetch_one(
        conn,
        "select state, attributes, wakes_at from profile where partition = %s and id = %s",
        (partition, profile_id),
    )
    profile = None if row is None else decode_state(profile_id, bytes(row[0]), bytes(row[1]))
    identifiers = await rows(
        conn,
        "select namespace, value, at from identifier where profile_id = any(%s) order by namespace, at, value limit 200",
        ([profile_id, *await absorbed(conn, profile_id)],),
    )
    return Person(
        profile_id, partition, profile, identifiers, await absorbed(conn, profile_id), None if row is None else row[2]
    )


def title(person: Person) -> str:
    """What to call somebody: name, e-mail, user id, or the id."""
    attributes = person.profile.attributes if person.profile else {}
    name = attributes.get("name") or " ".join(
        str(attributes[one]) for one in ("first_name", "firstName", "last_name", "lastName") if attributes.get(one)
    )
    by_namespace = {one["namespace"]: one["value"] for one in person.identifiers}
    told = name or attributes.get("email") or by_namespace.get("user_id") or by_namespace.get("email")
    return str(told or f"Person {person.id}")


def consents(profile: Profile) -> dict[str, Any]:
    """Consent per channel and topic, and suppressions, as they stand."""
    return {
        "channels": {name: {"state": one[0], "at": one[1]} for name, one in profile.consent.items()},
        "topics": {name: {"state": one[0], "at": one[1]} for name, one in profile.topics.items()},
        "suppressed": dict(profile.suppressed),
        "channels_never_asked": [name for name in CHANNELS if name not in profile.consent],
    }


def run_dict(run: Any) -> dict[str, Any]:
    """A run as plain data."""
    return asdict(run)


async def recent(conn: Connection, *, limit: int = 20) -> list[int]:
    """A few people to begin with: those whose identifiers became known last. For pages, never a count."""
    found = await rows(
        conn,
        "select profile_id from (select profile_id, at from identifier limit 500) latest group by profile_id"
        " order by max(at) desc limit %s",
        (limit,),
    )
    return [row["profile_id"] for row in found]
