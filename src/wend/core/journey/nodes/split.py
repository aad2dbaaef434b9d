"""`split`: go by chance, by weights. The draw is a hash of run and node, so it is the same on every replay."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import NUMBER, Field, mapping_of
from wend.core.problems import shown


class Split(Node):
    KIND = "split"
    GROUP = "flow"
    FIELDS = {
        "weights": Field(
            mapping_of(NUMBER, "a weight for each arm", branches=True),
            "Arm → weight, for example {a: 50, b: 50}",
            required=True,
        )
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        weights = self.settings["weights"].values()
        if any(weight < 0 for weight in weights) or sum(weights) <= 0:
            yield "weights", f"weights must not be negative and not all zero, found {shown(self.settings['weights'])}"

    def branches(self) -> tuple[str, ...]:
        return tuple(self.settings["weights"])

    def enter(self, turn: Turn) -> Answer:
        arms = [(arm, weight) for arm, weight in self.settings["weights"].items() if weight > 0]
        left = turn.chance() * sum(weight for _, weight in arms)
        for arm, weight in arms[:-1]:
            left -= weight
            if left < 0:
                return Go(arm)
        return Go(arms[-1][0])

    def summary(self) -> str:
        return "Split " + " / ".join(f"{arm} {weight:g}" for arm, weight in self.settings["weights"].items())
