"""What a batch has to write, gathered column by column: psycopg sends columns ten times faster than rows.

`Sheet.add` encodes everything of a person before it takes anything over, so a person whose state cannot be written down
spoils nothing. Positions (`outbox_seq`, `ordinal`) only order; what makes an effect one effect is its id.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from wend.core.effects import Ask, Relay, Send, Withdraw
from wend.core.inputs import Consent
from wend.core.profile import Profile
from wend.engine.around import place_of
from wend.engine.person import Person
from wend.store.codec import decode_json, encode_attributes, encode_input, encode_json, encode_state
from wend.store.days import DAY
from wend.store.log import partition_of


class Sheet:
    """The columns of one batch of one partition. `position` is the last one used."""

    def __init__(self, partition: int, partitions: int, position: int) -> None:
        self.partition = partition
        self.partitions = partitions
        self.position = position
        self.updates: tuple[list[int], list[bytes], list[int | None]] = ([], [], [])
        """People whose attributes stay: id, state, wakes_at."""
        self.writes: tuple[list[int], list[str], list[bytes], list[int | None]] = ([], [], [], [])
        """New people, and those with changed attributes: id, attributes, state, wakes_at."""
        self.outbox: list[tuple[Any, ...]] = []
        self.relays: list[tuple[Any, ...]] = []
        self.steps: list[tuple[Any, ...]] = []
        self.consents: list[tuple[Any, ...]] = []
        self.places: list[tuple[Any, ...]] = []
        self.left: list[tuple[int, str]] = []
        self.parkings: list[tuple[Any, ...]] = []
        self.released: list[tuple[int, int]] = []
        self.seen: list[tuple[int, int, int]] = []
        self.left_out: list[tuple[int, int, int]] = []
        """Person, seq and log time of rows that history does not count."""
        self.withdrawn: list[str] = []
        self.tally: defaultdict[tuple[str, int, str, str, int], int] = defaultdict(int)
        self.erased: list[tuple[int, int]] = []
        self.entered: list[tuple[str, int, int]] = []
        """Segment, person, since when."""
        self.exited: list[tuple[str, int]] = []
        self.forgotten: dict[int, Profile] = {}
        """The erased people as they were before the batch."""
        self.largest = 0
        """Bytes of the largest state."""

    def add(self, person: Person, wakes_at: int | None, seen_before: dict[int, dict[int, int]], now: int) -> None:
        """Take over what `person` came to. Raises what the encoders raise, with the sheet unchanged."""
        profile = person.profile
        id = profile.id
        state = encode_state(profile)
        attributes = (
            encode_attributes(profile.attributes).decode()
            if profile.attributes_changed or person.loaded is None
            else None
        )
        details = [None if step.detail is None else encode_json(step.detail).decode() for step in person.steps]
        if person.effects:
            self._effects(person, seen_before)
        if attributes is not None:
            ids, texts, states, wakes = self.writes
            ids.append(id)
            texts.append(attributes)
            states.append(state)
            wakes.append(wakes_at)
        elif state != person.loaded or wakes_at != person.due:
            updated, packed, times = self.updates
            updated.append(id)
            packed.append(state)
            times.append(wakes_at)
        if len(state) > self.largest:
            self.largest = len(state)
        if person.steps:
            self._steps(person, details)
        if person.moved or person.gone:
            self._places(person, now)
        for consent in person.consents:
            self.consents.append(self._consent(id, consent))
        if person.seen:
            self.seen += [(id, hash, at) for hash, at in person.seen.items()]
        if person.seen_elsewhere:
            self.seen += [(id, hash, at) for hash, at in person.seen_elsewhere.items()]
        if person.left_out:
            self.left_out += [(id, row[0], row[1]) for row in person.left_out]
        for segment, since in person.memberships.items():
            if since is None:
                self.exited.append((segment, id))
            else:
                self.entered.append((segment, id, since))
        if person.parkings or person.released:
            self._parkings(person)
        if person.erased_at is not None:
            self.erased.append((id, person.erased_at))
            self.forgotten[id] = person.reload()

    def _effects(self, person: Person, seen_before: dict[int, dict[int, int]]) -> None:
        outbox: list[tuple[Any, ...]] = []
        relays: list[tuple[Any, ...]] = []
        position = self.position
        for effect in person.effects:
            if isinstance(effect, Send):
                position += 1
                outbox.append(
                    (
                        effect.id,
                        position,
                        effect.profile,
                        effect.channel,
                        effect.journey,
                        effect.version,
                        effect.node,
                        effect.run,
                        effect.move,
                        effect.template,
                        effect.topic,
                        effect.transactional,
                        _text(effect.to),
                        effect.created_at,
                        effect.not_before,
                        effect.expires_at,
                        encode_json(effect.data).decode(),
                    )
                )
            elif isinstance(effect, Ask):
                position += 1
                outbox.append(_asked(effect, position))
            elif isinstance(effect, Relay):
                position += 1
                kind = effect.input.KIND
                payload = encode_input(effect.input)
                if kind == "merge_state":
                    payload = _with_seen(payload, person, seen_before)
                target = effect.profile
                relays.append((position, partition_of(target, self.partitions), target, kind, payload.decode()))
        self.withdrawn += [effect.id for effect in person.effects if isinstance(effect, Withdraw)]
        self.outbox += outbox
        self.relays += relays
        self.position = position

    def _steps(self, person: Person, details: list[str | None]) -> None:
        id = person.profile.id
        position = self.position
        tally = self.tally
        put = self.steps.append
        for step, detail in zip(person.steps, details, strict=True):
            position += 1
            kind, journey, version, node = step.kind, step.journey, step.version, step.node
            put(
                (
                    id,
                    step.at,
                    position,
                    kind,
                    journey,
                    version,
                    step.run,
                    step.move,
                    node,
                    step.branch,
                    _text(step.why),
                    step.until,
                    detail,
                )
            )
            if kind in ("moved", "dropped"):
                kind = f"moved:{step.branch}"
            elif kind == "answered":
                kind = f"answered:{step.branch}"
            elif kind == "outcome":
                # What a privacy proxy opened is counted apart: nobody has read it.
                kind = f"{step.branch}:machine" if step.detail and "machine" in step.detail else step.branch
            elif kind == "goal" and step.detail:
                # Of which splits and variants it came: their weights are learned from it.
                for place, arm in step.detail.get("arms", {}).items():
                    tally[journey, version, place, f"goal:{arm}", step.at // DAY] += 1
            tally[journey, version, node, kind, step.at // DAY] += 1
        self.position = position

    def _places(self, person: Person, now: int) -> None:
        id = person.profile.id
        day = now // DAY
        tally = self.tally
        before = person.before
        for name in person.gone:
            self.left.append((id, name))
            was = before.get(name)
            if was is not None:
                tally[*was[:3], "waiting-out", day] += 1
        for name, run in person.moved.items():
            if name in person.gone:
                continue
            was, now_at = before.get(name), place_of(run)
            if was == now_at:
                continue  # it listened, and rests on as it did
            journey, version, node, entered, until = now_at
            self.places.append((id, name, journey, version, node, run.started, entered, until))
            if was is not None and was[:3] == now_at[:3]:
                continue
            if was is not None:
                tally[*was[:3], "waiting-out", day] += 1
            tally[journey, version, node, "waiting-in", day] += 1

    def _consent(self, id: int, consent: Consent) -> tuple[Any, ...]:
        self.position += 1
        return (
            id,
            consent.at,
            self.position,
            _text(consent.channel),
            _text(consent.topic),
            consent.state,
            _text(consent.source),
            _text(consent.text),
            _text(consent.ip),
        )

    def _parkings(self, person: Person) -> None:
        id = person.profile.id
        kept: set[int] = set()
        for one in person.parkings:
            kept.add(one.seq)
            payload = one.payload if isinstance(one.payload, bytes) else encode_input(one.payload)
            self.parkings.append(
                (id, one.seq, one.at, one.kind, one.hash, payload.decode(), one.reason, one.error, one.tries)
            )
        self.released += [(id, row[0]) for row in person.released or () if row[0] not in kept]


_ASKED = {"api": "service", "coupon": "pool", "audience": "audience", "alert": "to"}
"""Kind of an Ask → the part of its request that says whom it asks."""


def _asked(ask: Ask, position: int) -> tuple[Any, ...]:
    """An Ask as a row of the outbox: its kind in the place of the channel, whom it asks in that of the template."""
    data = encode_json({"request": ask.request, **ask.data}).decode()
    place = (ask.id, position, ask.profile, ask.kind, ask.journey, ask.version, ask.node, ask.run, ask.move)
    asked = str(ask.request.get(_ASKED[ask.kind], ""))
    return (*place, _text(asked), "", True, "", ask.created_at, 0, ask.expires_at, data)


def _with_seen(payload: bytes, person: Person, before: dict[int, dict[int, int]]) -> bytes:
    """The message ids that the absorbed person heard move with the state (engine.md 10)."""
    heard = {**before.get(person.profile.id, {}), **person.seen_elsewhere, **person.seen}
    moving = [one for one in heard.items() if one[0] not in person.passed_on]
    if not moving:
        return payload
    return encode_json({**decode_json(payload), "seen": moving})


def _text(value: str) -> str:
    """PostgreSQL's text knows no NUL."""
    return value.replace("\0", "") if "\0" in value else value
