"""What a run's message needs of permission beyond the person: its journey's importance and control group, and the caps' counts.

Rules (journeys.md rule 10): a message counts from the moment at which it was allowed (log time + lag), and is given back when it was
dropped or refused after all. Held messages of more important journeys have their places kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wend.core import caps
from wend.core.caps import Message
from wend.core.inputs import Feedback
from wend.core.permission import Request

if TYPE_CHECKING:
    from wend.core.journey.turn import Pass, RunTurn


def request(
    turn: RunTurn, channel: str, topic: str, transactional: bool, to: str | None, expires_at: int, template: str
) -> Request:
    """The message of a run as permission is asked for it."""
    passing, document = turn.passing, turn.compiled.document
    plan = passing.plan
    return Request(
        profile=turn.profile,
        channel=channel,
        topic=topic,
        transactional=transactional,
        now_real=turn.real,
        settings=plan.settings,
        to=to,
        expires_at=expires_at,
        zone=turn.zone,
        journey=turn.run.journey,
        template=template,
        control=document.control,
        caps=plan.caps,
        rivals=tuple(_rivals(turn, document.priority)) if plan.caps else (),
        test=passing.test,
    )


def _rivals(turn: RunTurn, priority: int) -> Iterator[Message]:
    plan = turn.passing.plan
    for run in turn.profile.runs:
        if run.phase != "held" or run.id == turn.run.id:
            continue
        compiled = plan.compiled(run.journey, run.version)
        if compiled.document.priority > priority:
            node = compiled.node(run.node)
            # Which of several channels it will be is decided when it goes out: the first one stands for it.
            channels, template = next((one[1:] for one in node.templates()), ((), ""))
            yield message_of(node.settings, run.journey, next(iter(channels), ""), template)


def message_of(settings: dict[str, Any], journey: str, channel: str, template: str) -> Message:
    """The message of a node with these settings, as caps see it."""
    return Message(
        channel, str(settings.get("topic") or ""), template, journey, bool(settings.get("transactional", False))
    )


def count(turn: RunTurn, message: Message) -> None:
    """The message goes out now; `run.since` keeps the instant, by which it can be given back."""
    plan = turn.passing.plan
    turn.run.since = turn.real
    if plan.caps:
        caps.count(plan.caps, turn.profile.caps, message, turn.real)


def give_back(passing: Pass, feedback: Feedback) -> None:
    """A message that never reached anybody does not count."""
    if feedback.state not in ("dropped", "refused") or not passing.profile.caps:
        return
    for run in passing.profile.runs:
        if run.id == feedback.run and run.move == feedback.move and run.phase == "sent":
            settings = passing.plan.compiled(run.journey, run.version).node(run.node).settings
            message = message_of(settings, run.journey, feedback.channel, feedback.template)
            caps.give_back(passing.plan.caps, passing.profile.caps, message, run.since)
