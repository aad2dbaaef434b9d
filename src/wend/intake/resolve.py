"""Identifiers in the database: asked for in bulk, locked where people become one, inserted by whoever is first.

Rules:
1. Everything happens in the caller's transaction, before any head is locked, and identifiers are always touched in the
   order of their keys: first those that exist, then new ones. So two intake processes never wait in a circle.
2. The unique key decides who creates a person. The loser gets `Again`: it rolls back, reads again and plans anew.
3. Merging and giving a user id rest on locked rows, never on the cache. The cache serves all other items; an entry is
   believed for at most 2 × `Cache.SECONDS`. If another process absorbed the person meanwhile, the row goes to the absorbed
   one, whose tombstone forwards it (engine.md 13): late by a relay, never lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from wend.intake.identifiers import USER, Key
from wend.intake.identify import Locked, NeedLock, Plan, Planner, keys_of
from wend.intake.items import Message
from wend.store.codec import encode_json
from wend.store.postgres import Connection, fetch_all, sql


class Again(Exception):
    """The transaction has to be rolled back and tried again: another process was faster, or more must be locked."""


@dataclass(slots=True)
class Needs:
    """What the attempts at one group have found that must be locked."""

    people: set[int] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)


class Cache:
    """Identifier → person, bounded in size and age: two generations, the older one is dropped as a whole."""

    SECONDS = 30.0
    SIZE = 100_000

    def __init__(self, seconds_now: Callable[[], float] = time.monotonic) -> None:
        self.young: dict[Key, int] = {}
        self.old: dict[Key, int] = {}
        self._now = seconds_now
        self._turned = seconds_now()

    def turn(self) -> None:
        """Age. Called once per group."""
        now = self._now()
        if now - self._turned >= self.SECONDS or len(self.young) >= self.SIZE:
            self.old = self.young if now - self._turned < 2 * self.SECONDS else {}
            self.young = {}
            self._turned = now

    def forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self.young.pop(key, None)
            self.old.pop(key, None)


class Resolver:
    """Resolves groups of messages. One per process and workspace; not for concurrent use."""

    def __init__(self) -> None:
        self._cache = Cache()

    async def resolve(
        self, conn: Connection, messages: Sequence[Message], now: int, needs: Needs, *, timed: bool = False
    ) -> Plan:
        """The plan for `messages`, its identifiers and merges written. The caller appends `plan.rows` and commits.

        `needs` is kept between the attempts at one group. `now`: ms UTC. Raises Again.
        """
        self._cache.turn()
        keys = keys_of(messages)
        locked = Locked()
        if needs.people:
            known, locked = await self._lock(conn, keys, needs)
        else:
            known = await self._find(conn, keys)
        try:
            plan = Planner(known, locked, now, timed=timed).run(messages)
        except NeedLock as need:
            first = not needs.people
            needs.people |= need.people
            needs.keys |= need.keys
            if not first:
                raise Again from need  # these rows may come before locked ones: only a new transaction may take them
            known, locked = await self._lock(conn, keys, needs)
            try:
                plan = Planner(known, locked, now, timed=timed).run(messages)
            except NeedLock as more:
                needs.people |= more.people
                needs.keys |= more.keys
                raise Again from more
        plan.locked = locked.keys
        await self._write(conn, plan, now)
        return plan

    def remember(self, plan: Plan) -> None:
        """The transaction with `plan` is committed."""
        self._cache.forget(plan.locked)
        self._cache.young.update(plan.links)
        self._cache.young.update(plan.lookups)

    async def _find(self, conn: Connection, keys: set[Key]) -> dict[Key, int]:
        young, old = self._cache.young, self._cache.old
        known: dict[Key, int] = {}
        missing: list[Key] = []
        for key in keys:
            person = young.get(key) or old.get(key)
            if person is None:
                missing.append(key)
            else:
                known[key] = person
        if missing:
            found = await self._read(conn, missing)
            young.update(found)
            known.update(found)
        return known

    async def _read(self, conn: Connection, keys: Sequence[Key]) -> dict[Key, int]:
        rows = await fetch_all(conn, sql("identifiers_find"), ([key[0] for key in keys], [key[1] for key in keys]))
        return {(row[0], row[1]): row[2] for row in rows}

    async def _lock(self, conn: Connection, keys: set[Key], needs: Needs) -> tuple[dict[Key, int], Locked]:
        """Lock what is needed, then read everything again: what the lock waited for counts."""
        wanted = {
            "people": list(needs.people),
            "namespaces": [key[0] for key in needs.keys],
            "values": [key[1] for key in needs.keys],
        }
        await conn.execute(sql("identifiers_lock"), wanted)
        locked = Locked(set(needs.people))
        for namespace, value, person, at in await fetch_all(conn, sql("identifiers_of"), wanted):
            locked.keys.append((namespace, value))
            if namespace == USER:
                locked.with_user.add(person)
            locked.since[person] = min(at, locked.since.get(person, at))
        return await self._read(conn, list(keys)), locked

    async def _write(self, conn: Connection, plan: Plan, now: int) -> None:
        if plan.links or plan.lookups:
            made = {**plan.lookups, **plan.links}
            args = (now, [key[0] for key in made], [key[1] for key in made], list(made.values()))
            ours = {(row[0], row[1]) for row in await fetch_all(conn, sql("identifiers_insert"), args)}
            lost = [key for key in plan.links if key not in ours]
            if lost:
                self._cache.forget(lost)
                raise Again
        if plan.merges:
            pairs = (list(plan.merges), list(plan.merges.values()))
            await conn.execute(sql("identifiers_repoint"), pairs)
            await conn.execute(sql("alias_repoint"), pairs)
            await conn.execute(sql("alias_insert"), (now, *pairs))
        if plan.conflicts:
            cases = sorted(plan.conflicts, key=lambda case: (case.key, case.person, case.owner))
            why = encode_json({"why": "two user ids are never merged automatically"}).decode()
            await conn.execute(
                sql("conflict_insert"),
                (
                    now,
                    [case.key[0] for case in cases],
                    [case.key[1] for case in cases],
                    [case.person for case in cases],
                    [case.owner for case in cases],
                    [why] * len(cases),
                ),
            )
