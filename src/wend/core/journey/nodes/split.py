"""`split`: go by chance, by weights. The draw is a hash, so it is the same on every replay.

The hash is of the run and the node; with `sticky` of the person and the node, so that somebody who comes again goes the same way.
`control` takes a part of all into an arm of that name. With `optimise: goal` the weights are learned (insight/bandits.py) from how
often each arm came to the journey's goal, and published with the settings (`bandits`); until then those of the drawing count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import BOOLEAN, NUMBER, Field, Type, choice, mapping_of
from wend.core.problems import Problem, shown
from wend.core.sample import BUCKETS, bucket, parse_share

CONTROL = "control"


def _share(raw: Any, where: str, problems: list[Problem]) -> float | None:
    found = parse_share(raw)
    if found is None or not 0 < found < BUCKETS:
        problems.append(Problem(where, f"expected a part of all such as 10%, found {shown(raw)}"))
        return None
    return found / BUCKETS


class Split(Node):
    KIND = "split"
    GROUP = "flow"
    ARMS = True
    FIELDS = {
        "weights": Field(
            mapping_of(NUMBER, "a weight for each arm", branches=True),
            "Arm → weight, for example {a: 50, b: 50}",
            required=True,
        ),
        "sticky": Field(BOOLEAN, "The same arm whenever this person comes here", default=False),
        "control": Field(
            Type(_share, {"type": "string", "examples": ["10%"]}), "The part of all that takes the branch control"
        ),
        "optimise": Field(choice("goal"), "goal: the weights are learned from how often each arm comes to the goal"),
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        weights = self.settings["weights"].values()
        if any(weight < 0 for weight in weights) or sum(weights) <= 0:
            yield "weights", f"weights must not be negative and not all zero, found {shown(self.settings['weights'])}"
        if self.settings["control"] and CONTROL in self.settings["weights"]:
            yield "weights.control", "'control' is the branch of the control share; choose another name"
        if self.settings["sticky"] and self.settings["optimise"]:
            yield "sticky", "an arm that is learned cannot be kept for ever: leave out sticky or optimise"

    def branches(self) -> tuple[str, ...]:
        return (*self.settings["weights"], *((CONTROL,) if self.settings["control"] else ()))

    def enter(self, turn: Turn) -> Answer:
        place = f"{turn.run.journey}/{turn.run.node}"
        drawn = bucket(place, turn.profile.id) / BUCKETS if self.settings["sticky"] else turn.chance()
        control: float = self.settings["control"] or 0.0
        if drawn < control:
            return Go(CONTROL, f"{control * 100:g}% of all are the control group")
        weights, why = self._weights(turn, place)
        arms = [(arm, weight) for arm, weight in weights.items() if weight > 0]
        left = (drawn - control) / (1 - control) * sum(weight for _, weight in arms)
        for arm, weight in arms[:-1]:
            left -= weight
            if left < 0:
                return Go(arm, why)
        return Go(arms[-1][0], why)

    def summary(self) -> str:
        arms = " / ".join(f"{arm} {weight:g}" for arm, weight in self.settings["weights"].items())
        more = (", learned" if self.settings["optimise"] else "") + (", sticky" if self.settings["sticky"] else "")
        return (
            f"Split {arms}"
            + (f" / control {self.settings['control'] * 100:g}%" if self.settings["control"] else "")
            + more
        )

    def _weights(self, turn: Turn, place: str) -> tuple[Mapping[str, float], str]:
        """Arm → weight, and what is to be said about it."""
        drawn: dict[str, float] = self.settings["weights"]
        if not self.settings["optimise"]:
            return drawn, "the person's own arm" if self.settings["sticky"] else ""
        learned = cast("dict[str, dict[str, float]]", turn.view().settings.get("bandits") or {}).get(place, {})
        # Only weights of all its arms: the drawing may have changed since they were learned.
        if learned.keys() != drawn.keys() or sum(learned.values()) <= 0:
            return drawn, "nothing is learned yet"
        return learned, "learned: " + ", ".join(f"{arm} {weight:.0%}" for arm, weight in learned.items())
