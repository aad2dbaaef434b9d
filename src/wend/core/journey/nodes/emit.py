"""`emit`: an event about this person, which enters by the front door like any other (engine.md 12)."""

from __future__ import annotations

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, VALUE, Field, mapping_of


class Emit(Node):
    KIND = "emit"
    GROUP = "action"
    REACHES_OUT = True
    SHORT = "event"
    FIELDS = {
        "event": Field(TEXT, "Name of the event", required=True),
        "properties": Field(mapping_of(VALUE, "properties"), "Its properties: literals or expressions", default={}),
    }

    def enter(self, turn: Turn) -> Answer:
        name = self.settings["event"]
        emitted = turn.emit(name, {key: turn.value(value) for key, value in self.settings["properties"].items()})
        return Go("next", f"emitted {name}" if emitted else f"{name} was not emitted")

    def summary(self) -> str:
        return f"Emit event {self.settings['event']}"
