"""`remove_tag`: take a tag off the person."""

from __future__ import annotations

from wend.core.attributes import remove_tag
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field
from wend.core.journey.happened import FactsChanged


class RemoveTag(Node):
    KIND = "remove_tag"
    GROUP = "action"
    SHORT = "tag"
    FIELDS = {"tag": Field(TEXT, "The tag", required=True)}

    def enter(self, turn: Turn) -> Answer:
        tag = self.settings["tag"]
        if not remove_tag(turn.profile, tag):
            return Go("next", f"had no tag {tag}")
        turn.caused(FactsChanged(frozenset({"tags"})))
        return Go("next", f"tag {tag} removed")

    def summary(self) -> str:
        return f"Remove tag {self.settings['tag']}"
