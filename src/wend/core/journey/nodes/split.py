"""`split`: go by chance, by weights. The draw is a hash of run and node, so it is the same on every replay."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import NUMBER, Field, mapping_of


class Split(Node):
    KIND = "split"
    GROUP = "flow"
    FIELDS = {
        "weights": Field(
            mapping_of(NUMBER, "a weight for each arm"), "Arm → weight, for example {a: 50, b: 50}", required=True
        )
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        weights = self.settings["weights"].values()
        if any(weight < 0 for weight in weights) or sum(weights) <= 0:
            yield "weights", f"weights must not be negative and not all zero, found {self.settings['weights']}"

    def branches(self) -> tuple[str, ...]:
        return tuple(self.settings["weights"])

    def enter(self, turn: Turn) -> Answer:
        weights = self.settings["weights"]
        left = turn.chance() * sum(weights.values())
        for arm, weight in weights.items():
            left -= weight
            if left < 0:
                return Go(arm)
        return Go(next(arm for arm in reversed(weights) if weights[arm] > 0))  # only by rounding

    def summary(self) -> str:
        return "Split " + " / ".join(f"{arm} {weight:g}" for arm, weight in self.settings["weights"].items())
