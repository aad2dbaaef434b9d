"""`adjust_score`: add to (or take from) the person's score, within floor and ceiling of the setting `engagement`; crossing a
threshold may start journeys."""

from __future__ import annotations

from wend.core.attributes import adjust_score
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import NUMBER, Field
from wend.core.journey.happened import ScoreChanged
from wend.core.score import limits


class AdjustScore(Node):
    KIND = "adjust_score"
    GROUP = "action"
    SHORT = "by"
    FIELDS = {"by": Field(NUMBER, "Points to add; negative takes away", required=True)}

    def enter(self, turn: Turn) -> Answer:
        old, new = adjust_score(turn.profile, self.settings["by"], *limits(turn.view().settings))
        turn.caused(ScoreChanged(old, new))
        return Go("next", f"score {old:g} → {new:g}")

    def summary(self) -> str:
        return f"Score {self.settings['by']:+g}"
