"""What SQL could not tell about somebody, decided in memory: the state, and where events are asked about, what the log holds of them.

Rules: a part of the condition that SQL has told is not asked again. Counted conditions are judged over windows made anew from history,
so that also a draft, of which no state remembers anything, is answered; so are `recent` facts that nobody had asked for before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wend.core.aggregate import Leaf, combine, remember
from wend.core.condition.base import Condition, View
from wend.core.condition.groups import All, Any_, Not
from wend.core.facts import apply_event
from wend.core.inputs import Event
from wend.core.profile import Profile
from wend.history.sql.query import Query
from wend.history.sql.source import payloads_sql
from wend.store.codec import decode_input, decode_state
from wend.store.postgres import Connection

Told = tuple[bool | None, ...]
"""The verdict of each leaf, in the order of `Fragment.leaves`; None: not told."""

_SHOPPING = ("Product Viewed", "Product List Viewed", "Products Searched", "Order Completed")


@dataclass(slots=True)
class Decider:
    """Decides about people, a few thousand at a time. `leaves` are the parts of `condition` that are no groups."""

    condition: Condition
    leaves: Sequence[Condition]
    now: int
    zone: str
    settings: dict[str, Any] = field(default_factory=dict)

    async def members(self, conn: Connection, told: dict[int, Told]) -> list[int]:
        """Those of the people in `told` for whom the condition is true."""
        profiles = await self._load(conn, list(told))
        asked = [leaf for place, leaf in enumerate(self.leaves) if any(row[place] is None for row in told.values())]
        await self._remember(conn, profiles, asked)
        found: list[int] = []
        for person, row in told.items():
            profile = profiles.get(person)
            if profile is not None and not profile.erased and not profile.survivor:
                known = {id(leaf): value for leaf, value in zip(self.leaves, row, strict=True) if value is not None}
                if _holds(self.condition, known, View(profile, self.now, self.zone, settings=self.settings)):
                    found.append(person)
        return found

    async def _load(self, conn: Connection, ids: list[int]) -> dict[int, Profile]:
        query = "select id, state, attributes from profile where id = any(%b::bigint[])"
        rows = await (await conn.execute(query, (ids,), binary=True)).fetchall()
        return {row[0]: decode_state(*row) for row in rows}

    async def _remember(self, conn: Connection, profiles: dict[int, Profile], asked: Sequence[Condition]) -> None:
        """Make windows and recent facts anew where they are asked for."""
        leaves = list(combine(leaf for one in asked for leaf in one.leaves()).values())
        facts = {fact for one in asked for fact in one.listens().facts if fact.startswith("recent.")}
        lacking = [
            id for id, profile in profiles.items() if any(fact[7:] not in profile.facts.recent for fact in facts)
        ]
        if leaves:
            for profile in profiles.values():
                profile.windows = {}
            names = {name for leaf in leaves for name in leaf.events}
            for id, event in await self._events(conn, list(profiles), names):
                self._count(profiles[id], event, leaves)
        if lacking:
            blanks = {id: Profile(id) for id in lacking}
            for id, event in await self._events(conn, lacking, _SHOPPING):
                apply_event(blanks[id], event, frozenset(facts))
            for id, blank in blanks.items():
                profiles[id].facts.recent = {**blank.facts.recent, **profiles[id].facts.recent}

    def _count(self, profile: Profile, event: Event, leaves: Iterable[Leaf]) -> None:
        view = View(profile, self.now, self.zone, None, event.properties, event.context, self.settings)
        for leaf in leaves:
            if event.name in leaf.events or "*" in leaf.events:
                remember(profile.windows, leaf, event.at, view)

    async def _events(self, conn: Connection, ids: list[int], names: Iterable[str]) -> list[tuple[int, Event]]:
        """The events of these people and of those they absorbed, in the order in which they were received."""
        rows = await (
            await conn.execute(
                "select absorbed, survivor from alias where survivor = any(%b::bigint[])", (ids,), binary=True
            )
        ).fetchall()
        person: dict[int, int] = dict(rows) | {id: id for id in ids}  # pyright: ignore[reportArgumentType]
        query = Query(self.now, self.zone)
        text = payloads_sql(query, names, list(person))
        found: list[tuple[int, Event]] = []
        for id, at, payload in await (
            await conn.execute(text.encode(), query.params, prepare=False, binary=True)
        ).fetchall():
            event = decode_input("event", payload.encode())
            assert isinstance(event, Event)
            if not event.about:
                found.append((person[id], replace(event, at=min(event.at, at))))
        return found


def _holds(condition: Condition, known: dict[int, bool], view: View) -> bool:
    """The condition's truth; `known`: parts (by identity) that are told already."""
    match condition:
        case All(parts=parts):
            return all(_holds(part, known, view) for part in parts)
        case Any_(parts=parts):
            return any(_holds(part, known, view) for part in parts)
        case Not(part=part):
            return not _holds(part, known, view)
        case _:
            told = known.get(id(condition))
            return condition.check(view).value if told is None else told
