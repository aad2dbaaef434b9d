"""`set_attribute`: write an attribute of the person; other journeys hear the change at the same instant.

Without a value (what it is computed from is missing or makes no sense) the attribute stays as it is: nothing is lost by mistake.
"""

from __future__ import annotations

from wend.core.attributes import set_attribute
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, VALUE, Field
from wend.core.journey.happened import AttributesChanged
from wend.core.journey.values import Reference
from wend.core.problems import shown


class SetAttribute(Node):
    KIND = "set_attribute"
    GROUP = "action"
    FIELDS = {
        "attribute": Field(TEXT, "Name, or path such as address.city", required=True),
        "value": Field(VALUE, "A literal or an expression", required=True),
    }

    def enter(self, turn: Turn) -> Answer:
        path, value = self.settings["attribute"], turn.value(self.settings["value"])
        if value is None:
            return Go("next", f"{path} stays as it is: there is no value to write")
        refused: dict[str, str] = {}
        changes = set_attribute(turn.profile, path, value, refused)
        if changes:
            turn.caused(AttributesChanged(changes, turn.now))
        why = next(iter(refused.values()), None)
        return Go("next", f"{path} = {shown(value)}" if why is None else f"{path} stays as it is: {why}")

    def summary(self) -> str:
        value = self.settings["value"]
        shown = f"{value.source} {value.path}".strip() if isinstance(value, Reference) else repr(value.value)
        return f"Set {self.settings['attribute']} to {shown}"
