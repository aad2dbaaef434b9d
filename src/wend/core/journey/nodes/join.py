"""`join`: where the branches of a `parallel` meet; the run goes on when all of them are here, or over."""

from __future__ import annotations

from wend.core.journey.contract import Answer, Meet, Node, Turn


class Join(Node):
    KIND = "join"
    GROUP = "flow"
    FIELDS = {}

    def enter(self, turn: Turn) -> Answer:
        return Meet()

    def summary(self) -> str:
        return "Wait for all branches"
