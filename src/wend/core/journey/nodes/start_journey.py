"""`start_journey`: start another journey for this person, which decides by its own trigger `journey` and its own rules of re-entry.

It is heard after what is going on now. A chain of journeys that start each other at once ends at the limit of moves.
"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, VALUE, Field, mapping_of


class StartJourney(Node):
    KIND = "start_journey"
    GROUP = "action"
    SHORT = "journey"
    FIELDS = {
        "journey": Field(TEXT, "Id of the journey", required=True),
        "data": Field(mapping_of(VALUE, "data"), "What it may read as {entry: …}: literals or expressions", default={}),
    }

    def enter(self, turn: Turn) -> Answer:
        name = self.settings["journey"]
        turn.start(name, {key: turn.value(value) for key, value in self.settings["data"].items()})
        return Go("next", f"{name} was asked to start")

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "journey", "journey", self.settings["journey"]

    def summary(self) -> str:
        return f"Start journey {self.settings['journey']}"
