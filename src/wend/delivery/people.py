"""The people that messages go to, read fresh when they leave: state and attributes, a merged person's survivor included."""

from __future__ import annotations

from collections.abc import Collection

from wend.core.profile import Profile
from wend.store.codec import decode_state
from wend.store.postgres import Connection, fetch_all, sql

_MERGES = 10


async def load_people(conn: Connection, ids: Collection[int], partitions: int) -> dict[int, Profile]:
    """Profile of each id that exists. An id that was absorbed gives the profile of its survivor."""
    found: dict[int, Profile] = {}
    wanted = set(ids)
    for _ in range(_MERGES):
        if not wanted:
            break
        keys = sorted(wanted)
        rows = await fetch_all(conn, sql("delivery_people"), ([id % partitions for id in keys], keys))
        for _, id, state, attributes in rows:
            found[id] = decode_state(id, bytes(state), attributes)
        wanted = {found[row[1]].survivor for row in rows} - found.keys() - {0}
    return {id: _last(found, id) for id in ids if id in found}


def _last(found: dict[int, Profile], id: int) -> Profile:
    profile = found[id]
    for _ in range(_MERGES):
        if not profile.survivor or profile.survivor not in found:
            break
        profile = found[profile.survivor]
    return profile
