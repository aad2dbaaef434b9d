"""`move_stage`: move the person in the funnel (core/funnel.py); triggers and other journeys hear of it."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.funnel import move
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import BOOLEAN, TEXT, Field
from wend.core.journey.happened import StageChanged


class MoveStage(Node):
    KIND = "move_stage"
    GROUP = "action"
    SHORT = "to"
    FIELDS = {
        "to": Field(TEXT, "Id of the stage", required=True),
        "only_forward": Field(BOOLEAN, "Whoever is further on stays there", default=False),
    }

    def enter(self, turn: Turn) -> Answer:
        stage = self.settings["to"]
        moved = move(turn.profile, stage, turn.view().settings, only_forward=self.settings["only_forward"])
        if moved is None:
            return Go("next", f"stays: at {stage} or further on already, or there is no such stage")
        turn.caused(StageChanged(*moved))
        return Go("next", f"stage {moved[0] or 'none'} → {stage}")

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "stage", "to", self.settings["to"]

    def summary(self) -> str:
        return f"Move to stage {self.settings['to']}" + (", only forward" if self.settings["only_forward"] else "")
