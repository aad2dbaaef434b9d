"""`list_remove`: take the person off a list (a static segment)."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field


class ListRemove(Node):
    KIND = "list_remove"
    GROUP = "action"
    SHORT = "list"
    FIELDS = {"list": Field(TEXT, "Id of the list", required=True)}

    def enter(self, turn: Turn) -> Answer:
        name = self.settings["list"]
        removed = turn.put_on_list(name, False)
        return Go("next", f"taken off {name}" if removed else f"not on {name}, or there is no such list")

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "list", "list", self.settings["list"]

    def summary(self) -> str:
        return f"Take off list {self.settings['list']}"
