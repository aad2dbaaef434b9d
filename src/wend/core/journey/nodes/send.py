"""`send`: hand a message to a channel.

The run stays here until the message has been accepted, refused or dropped, also while it is held (journeys.md rule 5).
Permission is decided here, in the core, at the moment of sending, and afresh when a held message is released.
"""

from __future__ import annotations

from typing import Any, cast

from wend.core.condition.base import Listens
from wend.core.consent import CHANNELS, reachable
from wend.core.duration import format_duration
from wend.core.effects import Step
from wend.core.inputs import OUTCOMES
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import BOOLEAN, CHANNEL, DURATION, TEXT, Field, Type, list_of
from wend.core.journey.happened import Happened, MessageChanged
from wend.core.permission import Allow, Hold
from wend.core.problems import Problem, nearest, shown

DAY = 86_400_000


def _parse_channel(raw: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(raw, dict):
        raw_map = cast("dict[str, Any]", raw)
        for name in raw_map:
            if name != "same_as":
                problems.append(
                    Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, ('same_as',))}")
                )
        node = raw_map.get("same_as")
        if not isinstance(node, str):
            problems.append(Problem(f"{where}.same_as", f"expected the id of a send node, found {shown(node)}"))
        return raw_map
    if raw == "best":
        problems.append(Problem(where, "'best' channel is not available yet; give an ordered list of channels"))
        return ()
    return list_of(CHANNEL, or_one=True).parse(raw, where, problems)


class Send(Node):
    KIND = "send"
    GROUP = "action"
    REACHES_OUT = True
    FIELDS = {
        "channel": Field(
            Type(_parse_channel, {"anyOf": [{"enum": list(CHANNELS)}, {"type": "array"}, {"type": "object"}]}),
            "One channel, an ordered list (the first reachable one is used), or {same_as: node}",
            required=True,
        ),
        "template": Field(TEXT, "Template id", required=True),
        "topic": Field(TEXT, "Topic the person may have left (newsletter, offers …)", default=""),
        "transactional": Field(BOOLEAN, "Needs no marketing consent (never skips suppression)", default=False),
        "to": Field(TEXT, "Attribute that holds another contact, for example parent_phone"),
        "ttl": Field(DURATION, "Dropped when it could not leave within this time", default=2 * DAY),
    }
    BRANCHES = ("next", "failed", "dropped")
    FALLBACK = {"failed": "next", "dropped": "failed"}

    def enter(self, turn: Turn) -> Answer:
        settings = self.settings
        channel = self._channel(turn)
        if channel is None:
            return Go(
                "dropped", f"{settings['channel']['same_as']} has sent nothing, so there is no channel to use again"
            )
        expires_at = turn.run.since + settings["ttl"]
        topic, transactional, to = settings["topic"], settings["transactional"], settings["to"]
        decision = turn.permit(channel, topic, transactional, to, expires_at, settings["template"])
        if isinstance(decision, Allow):
            turn.run.phase = "sent"
            turn.send(
                channel=channel,
                template=settings["template"],
                topic=topic,
                transactional=transactional,
                to=to,
                expires_at=expires_at,
            )
            return Park(None, f"{channel} handed over")
        if isinstance(decision, Hold):
            turn.run.phase = "held"
            run = turn.run
            turn.trace(
                Step(
                    "held",
                    turn.now,
                    run.journey,
                    run.version,
                    run.id,
                    run.move,
                    run.node,
                    "",
                    decision.why,
                    decision.until,
                )
            )
            return Park(decision.until, decision.why)
        return Go("dropped", decision.why)

    def moved(self, turn: Turn) -> Answer | None:
        return None if turn.run.phase == "sent" else self.enter(turn)

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        if not isinstance(happened, MessageChanged) or turn.run.phase != "sent":
            return None
        feedback = happened.feedback
        if feedback.run != turn.run.id or feedback.move != turn.run.move or feedback.state not in OUTCOMES:
            return None
        branch = {"refused": "failed", "dropped": "dropped"}.get(feedback.state, "next")
        return Go(branch, feedback.why or feedback.state)

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"messages"}))

    def summary(self) -> str:
        channel = self.settings["channel"]
        where = f"as at {channel['same_as']}" if isinstance(channel, dict) else " or ".join(channel)
        return f"Send {where}: {self.settings['template']}, gives up after {format_duration(self.settings['ttl'])}"

    def _channel(self, turn: Turn) -> str | None:
        settings = self.settings
        wanted: Any = settings["channel"]
        if isinstance(wanted, dict):
            earlier = turn.sent(cast("dict[str, str]", wanted)["same_as"])
            return None if earlier is None else str(earlier[1])
        kind = "transactional" if settings["transactional"] else "marketing"
        for channel in wanted:
            if reachable(turn.profile, channel, kind, settings["topic"], settings["to"])[0]:
                return channel
        return wanted[0]
