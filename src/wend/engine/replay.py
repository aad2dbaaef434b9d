"""The same core in memory with a virtual clock: simulate, golden tests, and the yardstick of the live engine.

A simulation equals the live engine in replay mode: what became of a message, or of what was asked outside, is known
at the instant at which it was sent or asked, and there is no lag. Relays (merges, emitted events) arrive at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from heapq import heappop, heappush
from typing import Any

from wend.core.condition.member import key_of
from wend.core.effects import Ask, Effect, Relay, Send, Step, Withdraw
from wend.core.inputs import Answer, Event, Feedback, Input, MergeAwait, MergeOut, MergeState, MessageState
from wend.core.plan import Plan, PlanChange
from wend.core.profile import Profile
from wend.core.segment import Segment, latest
from wend.engine.around import Around, Row
from wend.engine.expand import reached
from wend.engine.person import Person
from wend.engine.schedule import Calendar
from wend.store.log import message_hash

Outcome = Callable[[Send], Iterable[tuple[MessageState, int]]]
"""What becomes of a message: (state, instant) in order of time; the first at its `created_at` is its outcome."""

Reply = Callable[[Ask], Answer]
"""What is answered to what is asked, at the instant at which it is asked (alerts are not answered)."""

_MOST_ROUNDS = 10_000


def accepted(send: Send) -> Iterable[tuple[MessageState, int]]:
    """Every message is accepted at once, and nothing more is heard of it."""
    return (("accepted", send.created_at),)


def answer_of(ask: Ask, state: Any = "ok", value: Any = None, why: str = "") -> Answer:
    """The answer `state` (ok, failed, exhausted, uncertain) with `value`, given at the instant of the question."""
    return Answer(ask.id, state, ask.created_at, ask.run, ask.move, {} if value is None else value, why)


def replies(answers: Mapping[str, Mapping[str, Any]]) -> Reply:
    """Answers by node, {node: {state, value, why}}; what is not named is answered `ok` with an empty value."""
    return lambda ask: answer_of(ask, **answers.get(ask.node, {}))


def feedback_of(send: Send, state: MessageState, at: int) -> Feedback:
    """What is heard about a message."""
    return Feedback(
        send.id, state, at, send.run, send.move, send.journey, send.node, send.channel, send.template, send.to
    )


class Simulation:
    """People, their states and a clock. Errors of nodes and facts are raised, not parked."""

    def __init__(self, plan: Plan, *, outcome: Outcome = accepted, reply: Reply = answer_of, now: int = 0) -> None:
        """Begins at the instant `now` (ms UTC) with nobody known."""
        self.profiles: dict[int, Profile] = {}
        self.effects: list[tuple[int, Effect]] = []
        """(instant, effect), in the order in which they were asked for."""
        self.steps: list[tuple[int, Step]] = []
        """(profile id, step), likewise."""
        self.now = now
        self._plans = [plan]
        self._calendar = Calendar(plan, now)
        self._outcome = outcome
        self._reply = reply
        self._seen: dict[int, dict[int, int]] = {}
        self._waiting: dict[int, list[Row]] = {}
        self._wakes: list[tuple[int, int]] = []
        self._due: dict[int, int | None] = {}
        self._coming: list[tuple[int, int, int, Input]] = []
        self._heard: dict[int, list[tuple[int, int, Event]]] = {}
        """profile → all events that counted (seq, log time, event), for segments that are published later."""
        self._seq = 0

    @property
    def plan(self) -> Plan:
        """The plan in force now."""
        return self._plans[-1]

    def change(self, change: PlanChange) -> None:
        """Let the clock run to `change.at` and bring the next plan into force; people inside are lifted."""
        self.advance(change.at)
        self._plans.append(self.plan.apply(change))
        self._calendar.change(self.plan)
        inside = [
            id
            for id, profile in self.profiles.items()
            if self.plan.concerns_everybody(change.number)
            or any(r.journey == change.journey for r in profile.runs)
            or (change.kind == "segment_live" and (profile.segments or profile.turns))
        ]
        for id in inside:
            due = self._due.get(id)
            self._note_wake(id, change.at if due is None else min(due, change.at))
        self.advance(change.at)

    def segment(self, document: dict[str, Any]) -> int:
        """Publish a segment or list now; a condition is back-filled from what was fed so far, and in force at once.

        Returns its version. ValueError: it makes no plan.
        """
        id = str(document.get("id", ""))
        number, version = self.plan.number + 1, 1 + latest(self.plan.changes, id)
        self.change(PlanChange(number, self.now, "segment", id, version, document))
        warming = self.plan.warming.get(id)
        if warming is not None and warming.version == version:
            for person, profile in list(self.profiles.items()):
                if not profile.survivor and not profile.erased:
                    self._live_once(person, [], refill=warming)
            self.change(PlanChange(number + 1, self.now, "segment_live", id, version))
        return version

    def feed(self, profile_id: int, input: Input, at: int | None = None) -> None:
        """Let the clock run to `at` (default: now) and apply an input; ValueError when that lies in the past."""
        at = self.now if at is None else at
        if at < self.now:
            raise ValueError(f"the input is of {at}, the simulation has reached {self.now}")
        self.advance(at)
        self._handle(profile_id, input)

    def broadcast(self, ids: Iterable[int], input: Input) -> None:
        """Apply one input now to all of these, in order of their ids; who is unknown, erased or merged away is left out."""
        for id in sorted(ids):
            if id in self.profiles and reached(self.profiles[id]):
                self._handle(id, input)

    def merge(self, absorbed: int, *, into: int) -> None:
        """Let `absorbed` become the person `into`, now (what identify does in one transaction)."""
        self._handle(into, MergeAwait(absorbed, self.now))
        self._handle(absorbed, MergeOut(into, self.now))

    def advance(self, to: int) -> None:
        """Let the clock run to `to`: whatever falls due happens in order of time, timers first, then schedules."""
        while True:
            wake = self._wakes[0] if self._wakes else None
            coming = self._coming[0] if self._coming else None
            due = self._calendar.soonest
            if due is not None and due <= to and all(one is None or due < one[0] for one in (wake, coming)):
                self.now = max(self.now, due)
                for one in self._calendar.strike():
                    key = key_of(one.segment)
                    members = [
                        id for id, profile in self.profiles.items() if not one.segment or key in profile.segments
                    ]
                    self.broadcast(members, one.start(self.now))
            elif wake is not None and wake[0] <= to and (coming is None or wake[0] <= coming[0]):
                heappop(self._wakes)
                if self._due.get(wake[1]) == wake[0]:
                    self.now = max(self.now, wake[0])
                    self._live(wake[1], [])
            elif coming is not None and coming[0] <= to:
                heappop(self._coming)
                self.now = max(self.now, coming[0])
                self._handle(coming[2], coming[3])
            else:
                break
        self.now = max(self.now, to)

    def _handle(self, profile_id: int, input: Input) -> None:
        self._live(profile_id, [self._row(input)])

    def _row(self, input: Input) -> Row:
        self._seq += 1
        id = getattr(input, "message_id", "")
        return self._seq, self.now, input.KIND, message_hash(id) if id else None, input, False

    def _live(self, profile_id: int, rows: list[Row]) -> None:
        todo: deque[tuple[int, list[Row]]] = deque([(profile_id, rows)])
        for _ in range(_MOST_ROUNDS):
            if not todo:
                return
            id, rows = todo.popleft()
            effects = self._live_once(id, rows)
            # A run may be over at the very instant of its message (restarted by what it changed itself): nothing leaves then.
            withdrawn = {effect.id for effect in effects if isinstance(effect, Withdraw)}
            for effect in effects:
                if isinstance(effect, Send):
                    if effect.id in withdrawn:
                        continue
                    # What is known at once is heard before anything else happens to that person.
                    for state, at in self._outcome(effect):
                        feedback = feedback_of(effect, state, at)
                        if at <= effect.created_at:
                            todo.append((id, [self._row(feedback)]))
                        else:
                            self._seq += 1
                            heappush(self._coming, (max(at, self.now), self._seq, id, feedback))
                elif isinstance(effect, Ask):
                    if effect.id not in withdrawn and effect.kind != "alert":
                        todo.append((id, [self._row(self._reply(effect))]))
                elif isinstance(effect, Relay):
                    todo.append((effect.profile, [self._row(effect.input)]))
        raise OverflowError(f"what began with person {profile_id} at {self.now} never comes to rest")

    def _live_once(self, id: int, rows: list[Row], refill: Segment | None = None) -> list[Effect]:
        plan = self.plan
        profile = self.profiles.get(id)
        if profile is None:
            profile = Profile(id, plan=plan.number)
        waiting = self._waiting.get(id, [])
        person = Person(
            profile,
            partial(Profile, id),
            due=self._due.get(id),
            parked="outcome" if waiting else None,
        )
        around = Around(plan, self._plan_at, self.now, None, self._seen, {id: waiting})
        if refill is None:
            due = person.live_strictly(rows, around)
            self._note_past(id, rows, {row[0] for row in person.left_out})
        else:
            unheard = {row[0] for row in waiting}
            past = [one for one in self._heard.get(id, ()) if one[0] not in unheard]
            due = person.refill(refill, [one[1:] for one in past], 0, around)
        self.profiles[id] = person.profile
        if person.seen or person.seen_elsewhere:
            self._seen.setdefault(id, {}).update({**person.seen_elsewhere, **person.seen})
        if person.released is not None:
            waiting = []
        if person.parkings:
            waiting = [*waiting, *((p.seq, p.at, p.kind, p.hash, p.payload, True) for p in person.parkings)]
        self._waiting[id] = waiting
        self._note_wake(id, due)
        now = person.profile.last
        self.effects += [
            (effect.created_at if isinstance(effect, Send | Ask) else now, effect) for effect in person.effects
        ]
        self.steps += [(id, step) for step in person.steps]
        return person.effects

    def _note_past(self, id: int, rows: list[Row], left_out: set[int]) -> None:
        for seq, at, kind, _, input, _ in rows:
            if isinstance(input, Event) and seq not in left_out:
                self._heard.setdefault(id, []).append((seq, at, input))
            elif isinstance(input, MergeState):
                both = [*self._heard.get(id, ()), *self._heard.pop(input.absorbed, ())]
                self._heard[id] = sorted(both, key=lambda one: one[0])
            elif kind == "erase":
                self._heard.pop(id, None)

    def _note_wake(self, id: int, due: int | None) -> None:
        if due is not None and self._due.get(id) != due:
            heappush(self._wakes, (due, id))
        self._due[id] = due

    def _plan_at(self, instant: int) -> Plan:
        times = [plan.at for plan in self._plans[1:]]
        return self._plans[bisect_right(times, instant)]
