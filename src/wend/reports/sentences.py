"""The answer of why.py in plain sentences. No decision is made here; times are shown in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from wend.core.effects import ASK_KINDS
from wend.reports.why import Answer, Heard, Journeyed

_STATUS = {
    "draft": "The journey was never published, so nobody can enter it.",
    "paused": "The journey is paused: nobody enters, and its timers stand still until it is resumed.",
    "sunset": "The journey takes no new people (sunset); those inside finish.",
    "stopped": "The journey was stopped: everybody left, and nobody enters.",
}


def clock(at: int | None) -> str:
    """An instant as people read it: `2026-11-22 15:04:05 UTC`."""
    if at is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{at} ms"


def sentences(answer: Answer) -> list[str]:
    """The whole answer, the most important sentence first."""
    return list(_sentences(answer))


def _sentences(answer: Answer) -> Iterator[str]:
    if answer.status == "unknown_journey":
        yield f"There is no journey '{answer.journey}'."
        return
    if answer.status == "unknown_person":
        yield f"Nothing is known about person {answer.profile_id}: no event or profile of theirs was ever received."
        return
    yield _head(answer)
    if answer.journey_status in _STATUS:
        yield _STATUS[answer.journey_status]
    if answer.parked:
        yield (
            f"{answer.parked} of their inputs are parked: this person stands still until those are retried or skipped"
            " (`wend parked list`)."
        )
    for run in answer.runs:
        yield from _run(answer, run)
    for refusal in answer.refusals[-10:]:
        yield f"{clock(refusal['at'])}: {refusal['branch'] or 'a trigger'} started nothing: {refusal['why']}."
    if answer.status == "never":
        yield from _never(answer)


def _head(answer: Answer) -> str:
    inside = [run for run in answer.runs if run.place]
    if answer.status == "inside":
        place = inside[-1].place
        assert place is not None
        until = f" until {clock(place['until'])}" if place["until"] is not None else ""
        told = f"{answer.name} is in '{answer.journey}' now, at {_node(answer, place['node'])}{until}."
        branches = ", ".join(
            _node(answer, one["node"]) for one in sorted(inside[-1].branches, key=lambda it: it["node"])
        )
        return told + (f" Its branches are at {branches}." if branches else "")
    if answer.status == "finished":
        times = "once" if len(answer.runs) == 1 else f"{len(answer.runs)} times"
        return f"{answer.name} went through '{answer.journey}' {times} and is not in it now."
    if answer.status == "refused":
        return f"{answer.name} never entered '{answer.journey}': a trigger matched, but the start was refused."
    return f"{answer.name} never entered '{answer.journey}'."


def _node(answer: Answer, node: str) -> str:
    summary = answer.summaries.get(node)
    return f"{node} ({summary})" if summary and summary.lower() != node.lower() else node


def _run(answer: Answer, run: Journeyed) -> Iterator[str]:
    yield f"Run {run.run}, version {run.version}:"
    for step in run.steps:
        yield f"  {clock(step['at'])}: {step_sentence(step, answer.summaries)}"
    for message in answer.messages:
        if message["run"] == run.run:
            what = "Asked outside at" if message["channel"] in ASK_KINDS else "Message from"
            yield f"  {what} {message['node']}: {message_sentence(message)}"
    if run.place:
        until = run.place["until"]
        when = f"until {clock(until)}" if until is not None else "until something happens that it listens to"
        waited = f", since {clock(run.place['entered'])}"
        yield f"  Now: rests at {_node(answer, run.place['node'])}{waited}, {when}."


def step_sentence(step: dict[str, Any], summaries: dict[str, str] | None = None) -> str:
    """One recorded decision as a sentence without its time."""
    summary = (summaries or {}).get(step["node"], "")
    node = f"{step['node']} ({summary})" if summary and summary.lower() != step["node"].lower() else step["node"]
    detail: dict[str, Any] = step.get("detail") or {}
    because = f": {step['why']}" if step["why"] else ""
    until = f" until {clock(step['until'])}" if step.get("until") is not None else ""
    match step["kind"]:
        case "started":
            key = f" (key {detail['key']})" if "key" in detail else ""
            test = " as a test person" if detail.get("test") else ""
            by = step["why"] or "a trigger"
            return f"{by if by.startswith('put in') else f'started by {by}'}{key}{test}"
        case "refused":
            if step.get("journey") == "":
                return f"not kept{because}"
            return f"{step['branch'] or 'a trigger'} started nothing{because}"
        case "moved":
            to = f" to {detail['to']}" if detail.get("to") else ""
            return f"left {node} by '{step['branch']}'{to}{because}"
        case "held":
            return f"message at {node} is held{until}{because}"
        case "sent":
            return f"{node}: message handed to delivery ({step['branch']}, template {step['why']})"
        case "dropped":
            to = f"; went on to {detail['to']}" if detail.get("to") else ""
            return f"message at {node} was not sent{because}{to}"
        case "outcome":
            machine = " (by a machine, not counted)" if detail.get("machine") else ""
            return f"message of {node} was {step['branch'].replace('_', ' ')}{machine}{because}"
        case "goal":
            worth = f", value {detail['value']:g}" if isinstance(detail.get("value"), int | float) else ""
            return f"reached the goal{because}{worth}"
        case "asked":
            return f"{node}: asked outside ({step['branch']})"
        case "answered":
            return f"the answer to {node} was {step['branch']}{because}"
        case "arrived":
            return f"a branch is over at {node}{because}"
        case "lifted":
            if step["branch"] == "stays":
                return f"stays on version {detail.get('from')} at {node}{because}"
            return f"moved from version {detail.get('from')} to {detail.get('to')}, rests at {node}{because}"
        case "handled":
            return f"an operator's hand at {node} ({step['branch']}){because}"
        case "ended":
            return f"ended at {node}{because}"
        case "failed":
            return f"failed at {node}{because}"
        case kind:
            return f"{kind} at {node}{because}"


def message_sentence(message: dict[str, Any]) -> str:
    """What became of a message, or of what was asked outside, as a sentence without its time of decision."""
    if message["channel"] in ASK_KINDS:
        return _asked_sentence(message)
    to = f"{message['channel']} to {message['address'] or 'nobody'}, template {message['template']}"
    because = f" ({message['why']})" if message["why"] else ""
    said = {
        "queued": "is waiting to be handed over",
        "sending": "is being handed over",
        "accepted": "was accepted by the channel",
        "refused": "was refused by the channel",
        "dropped": "was dropped at delivery",
        "withdrawn": "was withdrawn before it left, because the run went on",
        "uncertain": "was handed over but no answer came; it is never sent again",
    }.get(message["status"], message["status"])
    return f"{to}: {said}{because}."


def _asked_sentence(asked: dict[str, Any]) -> str:
    because = f" ({asked['why']})" if asked["why"] else ""
    said = {
        "queued": "waits to be done",
        "sending": "is being done",
        "accepted": "was done",
        "refused": "was not done",
        "dropped": "was not done",
        "withdrawn": "was withdrawn before it was done, because the run went on",
        "uncertain": "may have been done, but no answer came; it is never repeated",
    }.get(asked["status"], asked["status"])
    return f"{asked['channel']} {asked['template']}: {said}{because}."


def _never(answer: Answer) -> Iterator[str]:
    if answer.published is not None:
        yield f"It was published first at {clock(answer.published)}."
    for heard in answer.heard:
        yield from _heard(heard)
    if answer.entry:
        yield f"Its entry condition does not hold for them today: {'; '.join(answer.entry)}."
    if answer.since is not None:
        yield (
            f"The log was looked through back to {clock(answer.since)}; further back it takes too long. What was known before then"
            " is taken as it is today."
        )


def _heard(heard: Heard) -> Iterator[str]:
    today = f" ({heard.today})" if heard.today else ""
    if heard.in_chunks:
        due = f"; it comes next at {clock(heard.due)}" if heard.due is not None else ""
        yield f"Its trigger '{heard.trigger}' goes to everybody; of whom it does not concern nothing is kept{today}{due}."
        return
    if not heard.times:
        yield f"Its trigger was never heard: no {heard.trigger} of theirs was received{today}."
        return
    came = "once" if heard.times == 1 else f"{heard.times} times"
    yield f"Its trigger {heard.trigger} was heard {came}, last at {clock(heard.notes[-1].at)}{today}:"
    for note in heard.notes:
        told = f"it started nothing: {'; '.join(note.why)}" if note.why else "everything was fulfilled then"
        yield f"  {clock(note.at)}: {note.what}: {told}."
