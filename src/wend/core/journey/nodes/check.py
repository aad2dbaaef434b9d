"""`check`: go by a condition. One condition has the branches yes and no; several named `cases` are tried in order, then `else`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.core.condition.base import Condition
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import Field, condition, mapping_of


class Check(Node):
    KIND = "check"
    GROUP = "condition"
    FIELDS = {
        "if": Field(condition("journey"), "The condition (it may also stand directly under check)"),
        "cases": Field(
            mapping_of(condition("journey"), "a condition for each branch", branches=True),
            "Branch name → condition, tried in order",
        ),
    }

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """The condition may stand directly under `check`."""
        return raw if "if" in raw or "cases" in raw else {"if": raw or None}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if (self.settings["if"] is None) == (self.settings["cases"] is None):
            yield "if", "give either one condition or cases"
        if "else" in (self.settings["cases"] or ()):
            yield "cases.else", "'else' is the branch for none of the cases; choose another name"

    def branches(self) -> tuple[str, ...]:
        return (*self.settings["cases"], "else") if self.settings["cases"] else ("yes", "no")

    def enter(self, turn: Turn) -> Answer:
        view = turn.view()
        if not self.settings["cases"]:
            return Go("yes" if self.settings["if"].check(view).value else "no")
        for branch, one in self.settings["cases"].items():
            if one.check(view).value:
                return Go(branch)
        return Go("else")

    def conditions(self) -> Iterator[Condition]:
        yield from self.settings["cases"].values() if self.settings["cases"] else (self.settings["if"],)

    def summary(self) -> str:
        return "Check " + (
            ", ".join(self.settings["cases"]) if self.settings["cases"] else _shown(self.settings["if"].dump())
        )


def _shown(raw: dict[str, Any]) -> str:
    return (
        " ".join(f"{key} {value}" for key, value in raw.items()).replace("{", "").replace("}", "").replace("'", "")[:60]
    )
