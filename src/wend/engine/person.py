"""One person's part of a batch: inputs in order, then the wakes that fall due. No I/O; used live and in memory.

Persons are independent of each other, so taking them one by one, each in time order, equals one heap over all
(engine.md 3).
What the engine itself decides here, everything else being `react`'s:
- an input whose message id was seen within seven days is left out (10);
- a tombstone forwards what it gets to its survivor, and answers a merge that asks it once more (13);
- a person who awaits a merge stands still: inputs are parked, and taken in order, each at its own time, when the last
  awaited state has come (13);
- in a replay, a person whose message is on its way stands still likewise until its outcome comes (22);
- an input that raises is parked with all later ones of that person; the state is that of before (14).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable

from wend.core.effects import Ask, Effect, Relay, Send, Step
from wend.core.inputs import OUTCOMES, Answer, Consent, Event, Feedback, Input, MergeOut, MergeState
from wend.core.plan import Plan
from wend.core.profile import OUTSIDE, Profile, Run
from wend.core.react import Decision, react, wakes_at
from wend.core.recall import Heard, judge_late, recall
from wend.core.segment import Segment, segments_read
from wend.engine.around import Around, Parking, Row, place_of
from wend.store.codec import decode_input, decode_json
from wend.store.days import DAY
from wend.store.log import message_hash

SEEN = 7 * DAY
"""How long a message id is remembered."""
_MOST_WAKES = 1_000
"""Wakes of one person in one batch without any input: more are a mistake in a node (it would stop the partition)."""
_ERROR_LENGTH = 4_000


class Person:
    """A person while a batch is applied, and what the batch has to write for them."""

    __slots__ = (
        "applied",
        "before",
        "consents",
        "due",
        "duplicates",
        "effects",
        "erased_at",
        "failed",
        "gone",
        "left_out",
        "loaded",
        "memberships",
        "moved",
        "parked",
        "parkings",
        "passed_on",
        "place",
        "profile",
        "reacted",
        "released",
        "reload",
        "seen",
        "seen_elsewhere",
        "steps",
        "wakes",
        "woken",
    )

    def __init__(
        self,
        profile: Profile,
        reload: Callable[[], Profile],
        *,
        due: int | None = None,
        parked: str | None = None,
        loaded: bytes | None = None,
    ) -> None:
        """`reload` makes the profile as it was before the batch; `due`: the stored instant of the next wake, if known;
        `parked`: why the person stands still ('error', 'merge', 'outcome'); `loaded`: the stored state, None for
        somebody new."""
        self.profile = profile
        self.reload = reload
        self.due = due
        self.parked = parked
        self.loaded = loaded
        self.failed = False
        self.before = {run.id: place_of(run) for run in profile.runs} if profile.runs else {}
        """Where the runs rested before the batch."""
        self._begin()

    def _begin(self) -> None:
        self.place = 0
        """Index of the row at hand."""
        self.applied = 0
        self.duplicates = 0
        self.wakes = 0
        self.reacted = False
        self.woken: int | None = None
        self.effects: list[Effect] = []
        self.steps: list[Step] = []
        self.consents: list[Consent] = []
        self.moved: dict[str, Run] = {}
        self.gone: set[str] = set()
        self.memberships: dict[str, int | None] = {}
        """Segments entered (since when) or left (None)."""
        self.parkings: list[Parking] = []
        self.released: list[Row] | None = None
        """Rows that were parked and need not be kept any more; None: nothing was released."""
        self.left_out: list[Row] = []
        """Rows that changed nobody here: repeats, and what a tombstone passed on. History does not count them."""
        self.seen: dict[int, int] = {}
        self.seen_elsewhere: dict[int, int] = {}
        """What an absorbed person had heard, moved here by a merge."""
        self.passed_on: set[int] = set()
        """Message ids of what a tombstone passed on: the survivor has not heard it yet, so they do not move with the state."""
        self.erased_at: int | None = None

    def live_strictly(self, rows: list[Row], around: Around) -> int | None:
        """The same as `live`, but whatever a fact or a node raises is raised (simulations)."""
        return self._live(rows, around, None)

    def live(self, rows: list[Row], around: Around) -> int | None:
        """Apply `rows`, then the wakes up to the horizon; returns when the person wakes next. Never raises."""
        if self.parked == "error":
            self._park_rest(rows, around)
            return None
        try:
            return self._live(rows, around, None)
        except Exception:  # noqa: BLE001 - whatever a fact or a node does, only this person stands still
            error = traceback.format_exc()
        self.failed = True
        cut = self.place
        while True:
            self.profile = self.reload()
            self._begin()
            try:
                self._live(rows, around, cut)
                break
            except Exception:  # noqa: BLE001 - it fails earlier than at first: keep less
                cut = min(self.place, cut - 1)
        self._note(error, around)
        return None

    def refill(self, segment: Segment, past: Iterable[Heard], oldest: int, around: Around) -> int | None:
        """Give the person the history that a version of a segment needs which is being back-filled, and judge it; returns when the
        person wakes next. Whoever awaits a merge is given the history only: the merge judges. Whoever stands still because of an
        error goes on standing still.

        Nobody is lifted for this (that is the costly part), unless the segment reads others, which a change of the plan may have
        changed for the person.
        """
        plan, profile = around.plan, self.profile
        if segments_read(segment) and profile.plan < plan.number and not profile.awaiting and self.parked != "error":
            self._react(None, max(around.horizon, profile.last), plan, around.clock)
            profile = self.profile
        recall(plan, profile, segment, past, oldest)
        if profile.awaiting:
            return None
        self.memberships.update(judge_late(plan, profile, segment, max(around.horizon, profile.last)))
        return None if self.parked == "error" or self._stands(around) else self._soonest(plan)

    def _soonest(self, plan: Plan) -> int | None:
        """When the person wakes next; what was brought forward by a change of the plan stays so."""
        soonest = wakes_at(plan, self.profile)
        if self.due is None or self.profile.plan == plan.number:
            return soonest
        return self.due if soonest is None else min(soonest, self.due)

    def refuse(self, rows: list[Row], around: Around, error: str) -> None:
        """Set all of `rows` aside: what came of them cannot be written down."""
        self.failed = True
        self.profile = self.reload()
        self._begin()
        self._park_rest(rows, around)
        self._note(error, around)

    def _note(self, error: str, around: Around) -> None:
        first = next((one for one in self.parkings if one.reason == "error"), None)
        if first is None:
            # No input is to blame but a wake: it stands in front of whatever comes.
            first = Parking(0, around.horizon, "wake", None, b"{}", "error")
            self.parkings.append(first)
        first.error = error[-_ERROR_LENGTH:].replace("\0", "")
        first.tries = 1

    def _live(self, rows: list[Row], around: Around, cut: int | None) -> int | None:
        work = rows
        place = 0
        while place < len(work):
            self.place = place
            if place == cut:
                self._park_rest(work[place:], around)
                return None
            row = work[place]
            place += 1
            if row[2] == "merge_state":
                may_release = self._merge(row, around)
            else:
                may_release = self._apply(row, around)
            if may_release and not self.profile.awaiting and not self._stands(around):
                work = [*work[:place], *self._release(around), *work[place:]]
        self.place = place
        if cut is not None:
            return None
        return self._fire(around.horizon, around)

    def _fire(self, limit: int, around: Around) -> int | None:
        """Wake the person up to `limit`, each time at the instant that was due; returns the next one."""
        if self.reacted:
            due = self.woken
        else:  # stored, and perhaps brought forward by a change of the plan
            due = self.due if self.due is not None else wakes_at(around.plan, self.profile)
        while due is not None and due <= limit:
            profile = self.profile
            if profile.erased or profile.survivor or profile.awaiting or self._stands(around):
                return None
            self.wakes += 1
            if self.wakes > _MOST_WAKES:
                raise OverflowError(f"woke {_MOST_WAKES} times up to {limit} and is due again at {due}")
            self._react(None, due if due > profile.last else profile.last, around.plan, around.clock)
            due = self.woken
        return None if due is None or self._stands(around) else due

    def _stands(self, around: Around) -> bool:
        """Whether the person stands still until it is known what became of a message, or of what was asked.

        In real time nobody does: the answer comes when it comes. In a replay it comes after the slice, but belongs to
        the instant of the message; so the person waits for it there, and goes on from there.
        """
        if around.clock is not None and self.parked != "outcome":
            return False
        return any(run.phase in OUTSIDE for run in self.profile.runs)

    def _apply(self, row: Row, around: Around) -> bool:
        """Take one input; True when it may have ended what kept others waiting."""
        _, at, kind, hash, payload, was_parked = row
        profile = self.profile
        if hash is not None and self._is_repeated(hash, at, was_parked, around):
            self.duplicates += 1
            if not (around.clock is None and kind == "event" and _was_emitted(_input(kind, payload))):
                self.left_out.append(row)
            return False
        if profile.survivor or profile.erased:
            if kind == "merge_out":
                self._answer(_input(kind, payload))
                return False
            if profile.erased:
                return False
            if kind != "erase":
                self.effects.append(Relay(profile.survivor, _input(kind, payload)))
                self.left_out.append(row)
                if hash is not None:
                    self.passed_on.add(hash)
                return False
        if kind == "erase":
            self._forget(at)
            return False
        if profile.awaiting:
            self._park(row, "merge")
            return False
        input = _input(kind, payload)
        plan = around.plan_at(at) if was_parked else around.plan
        if around.clock is None or self.parked == "outcome":
            settles = isinstance(input, Answer) or (isinstance(input, Feedback) and input.state in OUTCOMES)
            if settles and self._stands(around):
                self._react(input, profile.last, plan, around.clock)
                self.applied += 1
                return True
            if around.clock is None:
                self._fire(at, around)
            if self._stands(around):
                self._park(row, "outcome")
                return False
        self._react(input, at, plan, around.clock)
        self.applied += 1
        return False

    def _merge(self, row: Row, around: Around) -> bool:
        """Take an absorbed person's state; True when it was awaited."""
        _, at, kind, _, payload, _ = row
        profile = self.profile
        if profile.erased:
            return False
        input = _input(kind, payload)
        assert isinstance(input, MergeState)
        if isinstance(payload, bytes):
            for hash, heard in decode_json(payload).get("seen", ()):
                self.seen_elsewhere[hash] = heard
        if profile.survivor:
            self.effects.append(Relay(profile.survivor, input))
            return False
        awaited = input.absorbed in profile.awaiting
        if not awaited and (profile.awaiting or self._stands(around)):
            self._park(row, "merge")
            return False
        # Whoever awaited it stood still since the merge; for them it happens then.
        self._react(input, at, around.plan_at(input.at) if awaited else around.plan, around.clock)
        self.applied += 1
        return awaited

    def _release(self, around: Around) -> list[Row]:
        waiting: list[Row] = []
        if self.released is None:
            self.released = waiting = around.waiting.get(self.profile.id, [])
        mine = [(one.seq, one.at, one.kind, one.hash, one.payload, True) for one in self.parkings]
        self.parkings = []
        return sorted([*waiting, *mine], key=lambda row: row[0])

    def _react(self, input: Input | None, now: int, plan: Plan, clock: int | None) -> None:
        decision: Decision = react(plan, self.profile, input, now, None if clock is None else clock - now)
        self.profile = decision.profile
        self.reacted = True
        self.woken = decision.wakes_at
        if decision.effects:
            self.effects += decision.effects
        if decision.steps:
            self.steps += decision.steps
        if decision.consents:
            self.consents += decision.consents
        for run in decision.moved:
            self.moved[run.id] = run
        if decision.gone:
            self.gone |= decision.gone
        if decision.memberships:
            self.memberships.update(decision.memberships)
        if clock is None and decision.effects:
            self._hear_emitted(decision.effects, plan)

    def _hear_emitted(self, effects: list[Effect], plan: Plan) -> None:
        """In a replay an event that a journey emitted is heard at its own instant; its way through the log ends after the
        slice only, and there it counts as a repeat. Whoever stands still hears it then."""
        for effect in effects:
            if not isinstance(effect, Relay) or effect.profile != self.profile.id or not _was_emitted(effect.input):
                continue
            if not any(run.phase in OUTSIDE for run in self.profile.runs):
                self.seen[message_hash(getattr(effect.input, "message_id", ""))] = self.profile.last
                self._react(effect.input, self.profile.last, plan, None)

    def _is_repeated(self, hash: int, at: int, was_parked: bool, around: Around) -> bool:
        if hash in self.seen_elsewhere:
            return True
        if was_parked:
            return False  # it was looked up, and noted, when it was parked
        known = self.seen.get(hash)
        if known is None:
            heard = around.seen.get(self.profile.id)
            known = heard.get(hash) if heard else None
        if known is not None and at - known <= SEEN:
            return True
        self.seen[hash] = at
        return False

    def _answer(self, input: Input) -> None:
        """A merge asks somebody who has nothing to give (any more): say so, or the survivor would wait for ever."""
        assert isinstance(input, MergeOut)
        self.effects.append(Relay(input.survivor, MergeState(self.profile.id, input.at)))

    def _park(self, row: Row, reason: str) -> None:
        self.parkings.append(Parking(row[0], row[1], row[2], row[3], row[4], reason))

    def _park_rest(self, rows: list[Row], around: Around) -> None:
        for row in rows:
            if row[3] is not None and self._is_repeated(row[3], row[1], row[5], around):
                self.duplicates += 1
                self.left_out.append(row)
            elif row[2] == "erase":
                self._forget(row[1])  # no failure stands in the way of being forgotten
            elif not self.profile.erased:
                self._park(row, "error")

    def _forget(self, at: int) -> None:
        """Keep nothing but the number, so that what is still on its way finds nobody (erase.py deletes the rest)."""
        old = self.profile
        self.gone |= {run.id for run in old.runs}
        self.moved.clear()
        self.parkings.clear()
        self.effects = [effect for effect in self.effects if not isinstance(effect, Send | Ask)]
        self.profile = Profile(old.id, plan=old.plan, last=max(at, old.last), next_run=old.next_run, erased=True)
        self.profile.attributes_changed = True
        self.erased_at = at


def _was_emitted(input: Input) -> bool:
    return isinstance(input, Event) and input.hops > 0


def _input(kind: str, payload: bytes | Input) -> Input:
    return decode_input(kind, payload) if isinstance(payload, bytes) else payload
