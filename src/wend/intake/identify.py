"""Who is meant by an item: identifiers → person, for a whole group of items at once, as if one came after the other.

Rules (intake.md, "Identity"; engine.md 13):
1. None of the identifiers known → a new person with a random id. One → that person. Several → the anonymous one is merged
   into the one with a user id; of two anonymous ones the older survives. Two user ids never become one person: the
   identifier is refused, the case is written to `identity_conflict`, and the item goes to the person of its user id.
2. This file only plans, from what it is told about the database. `resolve.py` asks, locks and writes.
3. Intake never absorbs whoever has a user id, so they may be linked without a lock. An operator may (api/acts/identity.py): what
   is linked to them meanwhile leads to the survivor, as reading identifiers follows `alias` and the tombstone forwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from wend.core.inputs import Identify, MergeAwait, MergeOut
from wend.intake.identifiers import ANONYMOUS, USER, Key
from wend.intake.items import Message
from wend.store.codec import encode_input
from wend.store.log import NewInput


class NeedLock(Exception):
    """The plan depends on people whose identifiers are not locked yet, and on who has these identifiers."""

    def __init__(self, people: set[int], keys: set[Key]) -> None:
        super().__init__(people, keys)
        self.people = people
        self.keys = keys


@dataclass(slots=True)
class Locked:
    """What is true of locked people: nobody else can change it before our commit."""

    people: set[int] = field(default_factory=set)
    with_user: set[int] = field(default_factory=set)
    since: dict[int, int] = field(default_factory=dict)
    """person → when the first of their identifiers was seen, ms UTC."""
    keys: list[Key] = field(default_factory=list)
    """All identifiers that are locked."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """`key` was sent with `person`, but belongs to `owner`, who has another user id."""

    key: Key
    person: int
    owner: int


@dataclass(slots=True)
class Plan:
    """What has to be written for a group of messages, in order."""

    rows: list[tuple[int, NewInput]] = field(default_factory=list)
    """(when it happened, row)."""
    people: list[int] = field(default_factory=list)
    """The person of each message."""
    links: dict[Key, int] = field(default_factory=dict)
    """Identifiers to insert; that another process is faster with one of them makes the plan void …"""
    lookups: dict[Key, int] = field(default_factory=dict)
    """… except these."""
    merges: dict[int, int] = field(default_factory=dict)
    """absorbed → survivor at the end of the group."""
    conflicts: set[Conflict] = field(default_factory=set)
    locked: list[Key] = field(default_factory=list)
    """Identifiers that were locked for it: what a cache says of them may be old now."""


def keys_of(messages: Iterable[Message]) -> set[Key]:
    """All identifiers on which the plan for `messages` may depend."""
    keys: set[Key] = set()
    for message in messages:
        if message.user_id is not None:
            keys.add((USER, message.user_id))
        if message.anonymous_id is not None:
            keys.add((ANONYMOUS, message.anonymous_id))
        if message.lookups:
            keys.update(message.lookups)
        if message.by_lookup is not None:
            keys.add(message.by_lookup)
        if message.previous_id is not None:
            keys.add((ANONYMOUS, message.previous_id))
            keys.add((USER, message.previous_id))
    return keys


class Planner:
    """Plans one group. `known`: identifier → person as read; `locked`: what may be relied on; `now`: ms UTC.

    `timed`: the group is history being replayed, where people merge when the message says, not now.
    """

    def __init__(self, known: dict[Key, int], locked: Locked, now: int, *, timed: bool = False) -> None:
        self._known = dict(known)
        self._locked = locked
        self._now = now
        self._timed = timed
        self._new: set[int] = set()
        self._with_user = set(locked.with_user)
        self._with_user.update(person for key, person in known.items() if key[0] == USER)
        self._by_person: dict[int, list[Key]] | None = None
        self._need_people: set[int] = set()
        self._need_keys: set[Key] = set()
        self.plan = Plan()

    def run(self, messages: Iterable[Message]) -> Plan:
        """The plan. Raises NeedLock, with everything that is missing, where it rests on something not locked."""
        plan = self.plan
        add = plan.rows.append
        for message in messages:
            person = self._person(message)
            plan.people.append(person)
            for entry in message.entries:
                add((message.at, NewInput(person, entry.kind, entry.payload, entry.message_hash)))
        if self._need_people:
            raise NeedLock(self._need_people, self._need_keys)
        return plan

    def _person(self, message: Message) -> int:
        user, anonymous = message.user_id, message.anonymous_id
        if message.by_lookup is not None and user is None and anonymous is None:
            return self._by_lookup(message.by_lookup)
        if message.previous_id is not None:
            return self._alias(message, message.previous_id)
        if user is None:
            assert anonymous is not None, "the reader refuses items without identifiers"
            person = self._anonymous(anonymous)
        else:
            person = self._both(user, anonymous, message)
        for key in message.lookups:
            if key not in self._known:
                self._knows(key, person)
                self.plan.lookups[key] = person
        return person

    def _anonymous(self, value: str) -> int:
        person = self._known.get((ANONYMOUS, value))
        return self._create((ANONYMOUS, value)) if person is None else person

    def _both(self, user: str, anonymous: str | None, message: Message) -> int:
        """The person of a user id that may come with an anonymous id."""
        user_key, key = (USER, user), (ANONYMOUS, anonymous or "")
        person = self._known.get(user_key)
        other = self._known.get(key) if anonymous is not None else None
        if person is not None:
            if anonymous is None or other == person:
                return person
            if other is None:
                self._link(key, person)
            elif self._has_user(other, key, user_key):
                self.plan.conflicts.add(Conflict(key, person, other))
            else:
                self._merge(other, person, message)
            return person
        if other is not None and not self._has_user(other, key, user_key):
            person = other  # the anonymous person turns out to be somebody
            self._link(user_key, person)
        else:
            person = self._create(user_key)
            if other is not None:
                self.plan.conflicts.add(Conflict(key, person, other))
            elif anonymous is not None:
                self._link(key, person)
        self._with_user.add(person)
        if not message.introduces:
            self._introduce(person, user, anonymous, message)
        return person

    def _alias(self, message: Message, previous: str) -> int:
        user, anonymous = message.user_id, message.anonymous_id
        owner = self._known.get((USER, previous))
        if user is not None:
            # An earlier user id that means somebody else is refused; anything else joins as an anonymous id would.
            if owner is None or owner == self._known.get((USER, user)):
                person = self._both(user, previous if owner is None else None, message)
            else:
                person = self._both(user, None, message)
                self.plan.conflicts.add(Conflict((USER, previous), person, owner))
            if anonymous is not None and anonymous != previous:
                self._both(user, anonymous, message)
            return person
        assert anonymous is not None, "the reader refuses items without identifiers"
        if owner is not None:
            return self._both(previous, anonymous, message)
        return self._two_anonymous(anonymous, previous, message)

    def _two_anonymous(self, value: str, previous: str, message: Message) -> int:
        key, previous_key = (ANONYMOUS, value), (ANONYMOUS, previous)
        person, other = self._known.get(key), self._known.get(previous_key)
        if other is None:
            person = self._create(key) if person is None else person
            if key != previous_key:
                self._need(person, key)
                self._link(previous_key, person)
        elif person is None:
            person = other
            self._need(person, previous_key)
            self._link(key, person)
        elif person != other:
            first, second = self._has_user(person, key, previous_key), self._has_user(other, key, previous_key)
            if first and second:
                self.plan.conflicts.add(Conflict(previous_key, person, other))
            else:
                older = self._since(person) <= self._since(other)
                survivor = person if first or (older and not second) else other
                self._merge(other if survivor == person else person, survivor, message)
                person = survivor
        return person

    def _by_lookup(self, key: Key) -> int:
        person = self._known.get(key)
        return self._create(key) if person is None else person

    def _create(self, key: Key) -> int:
        person = 0
        while person == 0:
            person = secrets.randbits(63)
        self._new.add(person)
        self._link(key, person)
        return person

    def _link(self, key: Key, person: int) -> None:
        self._knows(key, person)
        self.plan.links[key] = person

    def _knows(self, key: Key, person: int) -> None:
        self._known[key] = person
        if self._by_person is not None:
            self._by_person.setdefault(person, []).append(key)

    def _keys_of(self, person: int) -> list[Key]:
        """All identifiers of a person within this group, taken out of the index."""
        if self._by_person is None:
            self._by_person = {}
            for key, owner in self._known.items():
                self._by_person.setdefault(owner, []).append(key)
        return self._by_person.pop(person, [])

    def _introduce(self, person: int, user: str, anonymous: str | None, message: Message) -> None:
        """The person got a user id by an item that does not say so itself: the core has to hear it."""
        made = Identify({}, message.at, user_id=user, anonymous_id=anonymous, imported=message.imported)
        self.plan.rows.append((message.at, NewInput(person, "identify", encode_input(made))))

    def _merge(self, absorbed: int, survivor: int, message: Message) -> None:
        self._need(absorbed)
        plan = self.plan
        for key in self._keys_of(absorbed):
            self._knows(key, survivor)
            for made in (plan.links, plan.lookups):
                if key in made:
                    made[key] = survivor
        for earlier, into in plan.merges.items():
            if into == absorbed:
                plan.merges[earlier] = survivor
        plan.merges[absorbed] = survivor
        at = message.at if self._timed else self._now
        plan.rows.append((message.at, NewInput(absorbed, "merge_out", encode_input(MergeOut(survivor, at)))))
        plan.rows.append((message.at, NewInput(survivor, "merge_await", encode_input(MergeAwait(absorbed, at)))))

    def _has_user(self, person: int, *keys: Key) -> bool:
        if person in self._with_user:
            return True
        self._need(person, *keys)
        return False

    def _since(self, person: int) -> int:
        return self._locked.since.get(person, self._now)

    def _need(self, person: int, *keys: Key) -> None:
        if person not in self._new and person not in self._locked.people:
            self._need_people.add(person)
            self._need_keys.update(keys)
