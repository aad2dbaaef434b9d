"""`end`: the run is over."""

from __future__ import annotations

from wend.core.journey.contract import Answer, End, Node, Turn
from wend.core.journey.fields import TEXT, Field


class EndNode(Node):
    KIND = "end"
    GROUP = "flow"
    SHORT = "reason"
    FIELDS = {"reason": Field(TEXT, "Kept with the run", default="")}
    BRANCHES = ()

    def enter(self, turn: Turn) -> Answer:
        return End(self.settings["reason"] or turn.run.node)

    def summary(self) -> str:
        return self.settings["reason"] or "End"
