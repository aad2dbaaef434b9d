"""`assign_owner`: say whose customer this is, in attribute `owner`: one person, or a team that shares people evenly.

Whose turn it is in a team is drawn by a hash of the person, so that it is the same at every replay and no counter is needed. An
owner who is there already stays, unless `replace`.
"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.attributes import set_attribute
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import BOOLEAN, TEXT, Field, list_of
from wend.core.journey.happened import AttributesChanged
from wend.core.sample import bucket

OWNER = "owner"


class AssignOwner(Node):
    KIND = "assign_owner"
    GROUP = "action"
    SHORT = "to"
    FIELDS = {
        "to": Field(TEXT, "The owner, for example an e-mail address"),
        "team": Field(list_of(TEXT), "Several owners, among whom people are shared evenly"),
        "replace": Field(BOOLEAN, "Also where there is an owner already", default=False),
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if (self.settings["to"] is None) == (self.settings["team"] is None):
            yield "to", "give either one owner (to) or a team"

    def enter(self, turn: Turn) -> Answer:
        present = turn.profile.attributes.get(OWNER)
        if present is not None and not self.settings["replace"]:
            return Go("next", f"{present} stays the owner")
        team = self.settings["team"] or (self.settings["to"],)
        owner = team[bucket("\n".join(team), turn.profile.id) % len(team)]
        refused: dict[str, str] = {}
        changes = set_attribute(turn.profile, OWNER, owner, refused)
        if changes:
            turn.caused(AttributesChanged(changes, turn.now))
        return Go("next", f"no owner: {refused[OWNER]}" if refused else f"{owner} is the owner")

    def summary(self) -> str:
        return "Owner " + (self.settings["to"] or f"from {', '.join(self.settings['team'])}")
