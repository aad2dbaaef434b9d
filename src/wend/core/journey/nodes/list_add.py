"""`list_add`: put the person on a list (a static segment); others hear of it like of any change of a segment."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field


class ListAdd(Node):
    KIND = "list_add"
    GROUP = "action"
    SHORT = "list"
    FIELDS = {"list": Field(TEXT, "Id of the list", required=True)}

    def enter(self, turn: Turn) -> Answer:
        name = self.settings["list"]
        added = turn.put_on_list(name, True)
        return Go("next", f"put on {name}" if added else f"on {name} already, or there is no such list")

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "list", "list", self.settings["list"]

    def summary(self) -> str:
        return f"Put on list {self.settings['list']}"
