"""The built-in score and the funnel, as a person's life changes them.

Rules: a score changes with the fact that changes it and is heard after that; a stage whose condition comes true moves the person
forward, which is heard after it. When the settings change, nobody's past starts anything: people are moved, and classes judged, without a
trigger hearing of it; runs and segments go on by what holds now.
"""

from __future__ import annotations

from wend.core import funnel, score
from wend.core.inputs import Event, Feedback
from wend.core.journey.happened import FactsChanged, Happened, Merged, ScoreChanged, SegmentChanged, StageChanged
from wend.core.journey.membership import judge
from wend.core.journey.turn import Pass
from wend.core.rfm import CHANGED
from wend.core.segment import SCORE


def hear(passing: Pass, happened: Happened) -> None:
    """What happened may move the person in the funnel, or set the timer of the score."""
    match happened:
        case SegmentChanged(segment, True) if segment.startswith(funnel.PREFIX):
            stage = segment.removeprefix(funnel.PREFIX)
            moved = funnel.move(passing.profile, stage, passing.plan.settings, only_forward=True)
            if moved is not None:
                passing.queue.append((StageChanged(*moved), passing.hops))
        case ScoreChanged() | Merged():
            score.schedule(passing.plan.engagement, passing.profile, passing.now)
        case _:
            pass


def scored(passing: Pass, event: Event) -> list[Happened]:
    """What the event is worth, once it was remembered."""
    rules = passing.plan.engagement
    if rules is None:
        return []
    if rules.decay is not None and SCORE in passing.profile.turns:
        score.schedule(rules, passing.profile, passing.now)
    if event.name not in rules.weights:
        return []
    return _heard(score.hear_event(rules, event, passing.view(event=event), passing.plan.lateness))


def scored_message(passing: Pass, feedback: Feedback) -> list[Happened]:
    """What it is worth that this became of a message."""
    rules = passing.plan.engagement
    return [] if rules is None else _heard(score.hear_feedback(rules, feedback, passing.profile))


def fall_idle(passing: Pass) -> None:
    """Let the score decay, if that is due."""
    due = passing.profile.turns.get(SCORE)
    if due is not None and due <= passing.now:
        changed = _heard(score.fall_due(passing.plan.engagement, passing.profile, passing.now))
        passing.queue.extend((one, 0) for one in changed)


def altered(passing: Pass, number: int) -> None:
    """Change `number` of the plan gave the score, the funnel or the classes other rules; runs are to hear what is queued."""
    plan, profile = passing.plan, passing.profile
    facts: set[str] = set()
    if plan.altered.get("engagement") == number:
        score.schedule(plan.engagement, profile, passing.now)
    if plan.altered.get("rfm") == number:
        facts.add(CHANGED)
    if plan.altered.get("funnel") == number:
        facts.add("stage")
    watch = plan.watch
    concerned = [one for one in watch.ordered if not facts.isdisjoint(one.listens.facts)]
    stages = [plan.segments[funnel.hidden_id(one.id)] for one in plan.stages if one.when is not None]
    judge(passing, watch.in_order([*concerned, *(stages if "stage" in facts else ())]), silently=True)
    # Each round moves the person further, so there are no more of them than stages.
    while "stage" in facts and _furthest(passing):
        judge(passing, concerned, silently=True)
    if facts:
        passing.queue.append((FactsChanged(frozenset(facts)), 0))


def _furthest(passing: Pass) -> bool:
    """Move the person to the furthest stage whose condition is true; whether that was a move."""
    plan, profile = passing.plan, passing.profile
    members = profile.segments
    fulfilled = [one.id for one in plan.stages if one.when and plan.segments[funnel.hidden_id(one.id)].key in members]
    return bool(fulfilled) and funnel.move(profile, fulfilled[-1], plan.settings, only_forward=True) is not None


def _heard(change: tuple[float, float] | None) -> list[Happened]:
    return [] if change is None else [ScoreChanged(*change)]
