"""`send`: hand a message to a channel; the run stays here until it has been accepted, refused or dropped (sending.py)."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.condition.base import Listens
from wend.core.duration import format_duration
from wend.core.journey import sending
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.happened import Happened


class Send(Node):
    KIND = "send"
    GROUP = "action"
    REACHES_OUT = True
    FIELDS = sending.FIELDS
    BRANCHES = ("next", "failed", "dropped")
    FALLBACK = {"failed": "next", "dropped": "failed"}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        return sending.check_sending(self.settings)

    def enter(self, turn: Turn) -> Answer:
        return sending.send(turn, self.settings)

    def moved(self, turn: Turn) -> Answer | None:
        return None if turn.run.phase == "sent" else self.enter(turn)

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        feedback = sending.outcome(turn, happened)
        return None if feedback is None else Go(sending.branch_of(feedback), feedback.why or feedback.state)

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"messages"}))

    def reads(self) -> frozenset[str]:
        return sending.reads_of(self.settings)

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        return sending.templates_of(self.settings)

    def summary(self) -> str:
        return f"Send {sending.told(self.settings)}, gives up after {format_duration(self.settings['ttl'])}"
