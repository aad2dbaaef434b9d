"""`add_tag`: put a tag on the person."""

from __future__ import annotations

from wend.core.attributes import add_tag
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field
from wend.core.journey.happened import TagAdded


class AddTag(Node):
    KIND = "add_tag"
    GROUP = "action"
    SHORT = "tag"
    FIELDS = {"tag": Field(TEXT, "The tag", required=True)}

    def enter(self, turn: Turn) -> Answer:
        tag = self.settings["tag"]
        if not add_tag(turn.profile, tag):
            return Go("next", f"already tagged {tag}, or at the limit of tags")
        turn.caused(TagAdded(tag))
        return Go("next", f"tagged {tag}")

    def summary(self) -> str:
        return f"Add tag {self.settings['tag']}"
