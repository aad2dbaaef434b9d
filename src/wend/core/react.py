"""`react`: everything that Wend decides about a person, as one pure function.

Rules (engine.md 1–7, 13, 17): a person is first lifted over the plan changes missed, then the timers that are due fire, each at its own
instant (at a tie the timer goes first), then the input is applied: facts, runs, triggers, what they caused. `now` never falls.
`react` owns the profile it is given and changes it; a caller that may need the old one keeps the packed form.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from wend.core import attributes, consent, facts, habits
from wend.core.aggregate import prune, remember
from wend.core.caps import keep_only
from wend.core.effects import Effect, Relay, Step
from wend.core.identity import forget, hand_over, take_in
from wend.core.inputs import (
    Answer,
    Chunk,
    Consent,
    Erase,
    Event,
    Feedback,
    Group,
    Handle,
    Identify,
    Input,
    ListChange,
    MergeAwait,
    MergeOut,
    MergeState,
    PlanChanged,
    Start,
    Suppress,
)
from wend.core.journey.allowance import give_back
from wend.core.journey.classes import altered, fall_idle, scored, scored_message
from wend.core.journey.ending import finish
from wend.core.journey.handling import lay_hand_on
from wend.core.journey.happened import (
    Answered,
    AttributesChanged,
    BusinessHappened,
    EventHappened,
    FactsChanged,
    Happened,
    MessageChanged,
    StartAsked,
    TagAdded,
)
from wend.core.journey.inflight import publish_over
from wend.core.journey.membership import fall_due, judge, lifted, put, settle_all
from wend.core.journey.step import handle, thaw, wake
from wend.core.journey.turn import MINUTE, Pass
from wend.core.location import locate
from wend.core.plan import Plan
from wend.core.profile import Profile, Run


@dataclass(slots=True)
class Decision:
    """What `react` decided. `profile` is the new state; `wakes_at` its one timer (None: nothing happens by itself)."""

    profile: Profile
    effects: list[Effect] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    moved: list[Run] = field(default_factory=list)
    """Runs that rest somewhere else (or until another instant) than before."""
    gone: set[str] = field(default_factory=set)
    """Ids of runs that are over."""
    memberships: dict[str, int | None] = field(default_factory=dict)
    """Segments whose membership changed (by name in the read model): since when a member, or None."""
    consents: list[Consent] = field(default_factory=list)
    """Changes of consent, to be kept as proof."""
    wakes_at: int | None = None
    parked: bool = False
    """The person stands still until an absorbed one arrives: keep the input for later (engine.md 13)."""


def react(plan: Plan, profile: Profile, input: Input | None, now: int, lag: int | None = 0) -> Decision:
    """Apply one input (None: only the timers that are due) at log time `now` (ms UTC).

    `lag` is the real clock minus `now`, in ms; None: there is no real clock (simulate, backtest, replay), lag is 0 at every instant.
    """
    awaited = isinstance(input, MergeState) and input.absorbed in profile.awaiting
    if profile.awaiting and not awaited:
        return Decision(profile, parked=input is not None)
    real = None if lag is None else now + lag
    # Whoever awaited somebody stood still: for them the merge happens at its own instant, what was parked since then comes after it.
    now = max(input.at if isinstance(input, MergeState) and awaited else now, profile.last)
    passing = Pass(plan, profile, now, 0)
    if not profile.survivor:
        if profile.plan < plan.number:
            _lift(passing, real)
        if profile.runs or profile.turns:
            _wake_due(passing, now, real)
    _at(passing, now, real)
    new = profile.last == 0
    profile.last = now
    if input is not None:
        _apply(passing, input)
        if new and not (profile.survivor or profile.erased or profile.awaiting):
            settle_all(passing)
            handle(passing, [])
    return Decision(
        profile,
        passing.effects,
        passing.steps,
        list(passing.moved.values()),
        passing.gone,
        passing.memberships,
        passing.consents,
        wakes_at(plan, profile),
    )


def wakes_at(plan: Plan, profile: Profile) -> int | None:
    """The earliest instant at which anything in this person may change by itself (journeys.md rule 3)."""
    if profile.awaiting or profile.survivor:
        return None
    paused = plan.paused
    soonest: int | None = min(profile.turns.values()) if profile.turns else None
    for run in profile.runs:
        if run.journey not in paused:
            due = _due(run)
            if due is not None and (soonest is None or due < soonest):
                soonest = due
    return soonest


def _due(run: Run) -> int | None:
    until, exit_at = run.until, run.exit_at
    return until if exit_at is None or (until is not None and until <= exit_at) else exit_at


def _at(passing: Pass, now: int, real: int | None) -> None:
    passing.now = now
    passing.lag = 0 if real is None else max(0, (real - now) // MINUTE * MINUTE)


def _lift(passing: Pass, real: int | None) -> None:
    """Bring the person over the plan changes missed, each at its own time.

    What is due up to a change has usually been fired under the plan before it: the engine ends a batch behind a change. What is
    still due here is judged by the journeys' newest triggers and status.
    """
    plan, profile = passing.plan, passing.profile
    new = any(number > profile.plan for number in (*plan.appeared, *plan.altered.values()))
    missed = plan.changes[profile.plan :] if profile.runs or profile.segments or profile.turns or new else ()
    for change in missed:
        at = max(change.at, profile.last)
        before, after = plan.paused_after[change.number - 1], plan.paused_after[change.number]
        passing.paused = before
        _wake_due(passing, at, real)
        passing.paused = after
        _at(passing, at, real)
        profile.last = at
        appeared = plan.appeared.get(change.number)
        if appeared:
            # What has been true before it was published starts nothing.
            passing.moves = 0
            judge(passing, appeared, silently=True)
            handle(passing, [])
        if change.number in plan.altered.values():
            passing.moves = 0
            altered(passing, change.number)
            handle(passing, [])
        if change.kind in ("segment", "segment_live", "segment_gone"):
            passing.moves = 0
            lifted(passing, change)
            handle(passing, [])
            continue
        if change.kind == "publish":
            publish_over(passing, change)
        if change.kind != "stop" and change.journey not in before - after:
            continue
        for run in [run for run in profile.runs if run.journey == change.journey]:
            if change.kind == "stop":
                finish(passing, run, "the journey was stopped")
            elif run.id not in passing.gone:
                passing.moves = 0
                thaw(passing, run)
                handle(passing, [])
    profile.plan = plan.number
    for key in plan.vanished & (profile.segments.keys() | profile.turns.keys()):
        profile.segments.pop(key, None)
        profile.turns.pop(key, None)
    prune(profile.windows, plan.leaf_of, passing.now)
    habits.forget(profile, plan.reads)
    if profile.caps:
        keep_only(plan.caps, profile.caps)
    if profile.messages:
        profile.messages = [message for message in profile.messages if plan.remembers(*message[1:5])]


def _wake_due(passing: Pass, limit: int, real: int | None) -> None:
    """Fire timers due at or before `limit`, in order of time; each fires at its own instant.

    It comes to an end because whoever has woken rests until a later instant, or is over.
    """
    profile = passing.profile
    while True:
        due: tuple[int, Run] | None = None
        for run in profile.runs:
            at = _due(run)
            if at is None or at > limit or run.journey in passing.paused:
                continue
            if due is None or at < due[0] or (at == due[0] and _more_important(passing, run, due[1])):
                due = at, run
        turn = min(profile.turns.values()) if profile.turns else None
        if turn is not None and turn <= limit and (due is None or turn <= due[0]):
            _at(passing, max(turn, profile.last), real)
            profile.last = passing.now
            passing.moves = 0
            fall_due(passing)
            fall_idle(passing)
            handle(passing, [])
            continue
        if due is None:
            return
        _at(passing, max(due[0], profile.last), real)
        profile.last = passing.now
        passing.moves = 0
        wake(passing, due[1])
        handle(passing, [])


def _more_important(passing: Pass, run: Run, than: Run) -> bool:
    """Of those who wake at the same instant the more important journey goes first, then the older run."""
    one, other = (passing.plan.compiled(it.journey, it.version).document.priority for it in (run, than))
    return one > other


def _apply(passing: Pass, input: Input) -> None:
    profile = passing.profile
    passing.moves = 0
    if profile.survivor:
        if isinstance(input, MergeOut):
            # Who asks a tombstone once more gets nothing; else they would wait for ever.
            passing.effects.append(Relay(input.survivor, MergeState(profile.id, input.at)))
        else:
            passing.effects.append(Relay(profile.survivor, input))
        return
    happened: list[Happened]
    match input:
        case Event():
            happened = _event(passing, input)
        case Identify():
            happened = _identify(passing, input)
        case Group():
            refused: dict[str, str] = {}
            changes = attributes.apply_group(profile, input, refused)
            _trace_refused(passing, refused)
            happened = [AttributesChanged(changes, input.at)] if changes else []
        case Feedback():
            give_back(passing, input)
            changed = consent.apply_feedback(profile, input)
            _note_message(profile, input)
            habits.note(profile, input, passing.zone, passing.plan.reads)
            happened = [*([FactsChanged(frozenset(changed))] if changed else []), MessageChanged(input)]
            happened += scored_message(passing, input)
            _trace(passing, input)
        case Consent():
            changed = consent.apply_consent(profile, input)
            passing.consents.append(input)
            happened = [FactsChanged(frozenset(changed))] if changed else []
        case Suppress():
            changed = consent.apply_suppress(profile, input)
            happened = [FactsChanged(frozenset(changed))] if changed else []
        case Start():
            happened = [StartAsked(input)]
        case Answer():
            happened = [Answered(input)]
        case ListChange():
            put(passing, input.segment, input.add)
            happened = []
        case Handle():
            lay_hand_on(passing, input)
            happened = []
        case Chunk():
            return  # the engine expands it
        case MergeOut():
            hand_over(passing, input)
            return
        case MergeAwait():
            profile.awaiting.append(input.absorbed)
            return
        case MergeState():
            take_in(passing, input)
            return
        case Erase():
            forget(passing)
            return
        case PlanChanged():
            return  # belongs to the partition; the engine brings the new plan
        case _:
            assert_never(input)
    handle(passing, happened, input.hops if isinstance(input, Event) else 0)


def _event(passing: Pass, event: Event) -> list[Happened]:
    profile, plan = passing.profile, passing.plan
    if event.at > passing.now:
        event = replace(event, at=passing.now)
    if event.about:
        return [BusinessHappened(event)]
    changed = facts.apply_event(profile, event, plan.reads)
    before = profile.location
    crossed = locate(profile, event)
    if profile.location is not before:
        changed.add("location")
    leaves = plan.leaves.get(event.name, ())
    if "*" in plan.leaves:
        leaves = (*leaves, *plan.leaves["*"])
    if leaves:
        view = passing.view(event=event)
        for leaf in leaves:
            remember(profile.windows, leaf, event.at, view)
    return [EventHappened(event, frozenset(changed)), *crossed, *scored(passing, event)]


def _identify(passing: Pass, identify: Identify) -> list[Happened]:
    profile = passing.profile
    refused: dict[str, str] = {}
    changes = attributes.apply_traits(profile, identify.traits, refused)
    _trace_refused(passing, refused)
    happened: list[Happened] = [AttributesChanged(changes, identify.at)] if changes else []
    if identify.user_id and not profile.known:
        profile.known = True
        happened.append(FactsChanged(frozenset({"known"})))
    happened += [TagAdded(tag) for tag in identify.tags if attributes.add_tag(profile, tag)]
    return happened


def _trace_refused(passing: Pass, refused: dict[str, str]) -> None:
    """Attributes that do not fit are left out, and the timeline says so."""
    passing.steps += [Step("refused", passing.now, "", why=f"attribute {name}: {why}") for name, why in refused.items()]


def _note_message(profile: Profile, feedback: Feedback) -> None:
    """Keep what became of the latest messages, for conditions on messages."""
    for message in profile.messages:
        if message[0] == feedback.effect_id and feedback.state not in message[6:] and not feedback.machine:
            message.append(feedback.state)


def _trace(passing: Pass, feedback: Feedback) -> None:
    """Every outcome and feedback is a step, so that why, timeline and counters know it."""
    version = next((run.version for run in passing.profile.runs if run.id == feedback.run), 0)
    detail = {"channel": feedback.channel, "template": feedback.template}
    if feedback.url:
        detail["url"] = feedback.url
    if feedback.machine:
        detail["machine"] = "yes"
    passing.steps.append(
        Step(
            "outcome",
            passing.now,
            feedback.journey,
            version,
            feedback.run,
            feedback.move,
            feedback.node,
            feedback.state,
            feedback.why,
            None,
            detail,
        )
    )
