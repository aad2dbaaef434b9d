"""`{stage: mql}` · `{stage: {at_least: mql}}` · `{stage: {before: mql}}`: where the person is in the funnel.

Stages have the order that the setting `funnel` gives them. With a stage that it does not have all three are false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.problems import shown
from wend.core.profile import Profile

WAYS = ("at_least", "before")


def order(settings: Mapping[str, Any]) -> list[str]:
    """The ids of the stages in the settings in force, first to last."""
    funnel = settings.get("funnel")
    return [stage["id"] for stage in funnel["stages"]] if funnel else []


def stage_of(profile: Profile, settings: Mapping[str, Any]) -> str:
    """The stage where the person is; '' before the first.

    Whoever was never moved, or is at a stage that the funnel has no more, is at the first if that one is entered by no rule.
    """
    funnel = settings.get("funnel")
    if not funnel:
        return ""
    stages = funnel["stages"]
    if profile.stage and any(stage["id"] == profile.stage for stage in stages):
        return profile.stage
    return "" if "when" in stages[0] else stages[0]["id"]


@dataclass(frozen=True, slots=True, eq=False)
class AtStage(Form):
    """At the stage; or at it or further; or not that far."""

    way: str
    stage: str

    def check(self, view: View) -> Verdict:
        stages = order(view.settings)
        if self.stage not in stages:
            return FALSE
        present = stage_of(view.profile, view.settings)
        place, wanted = stages.index(present) if present else -1, stages.index(self.stage)
        match self.way:
            case "at_least":
                value = place >= wanted
            case "before":
                value = place < wanted
            case _:
                value = place == wanted
        return TRUE if value else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"stage"}))


def parse_stage(reader: Reader) -> Condition | None:
    """`{stage: mql}` or `{stage: {at_least: mql}}` or `{stage: {before: mql}}`."""
    reader.only("stage")
    if not isinstance(reader.raw["stage"], dict):
        stage = reader.text("stage", "the id of a stage, or {at_least: …} or {before: …}", limit=40)
        return AtStage(reader.raw, "", stage) if stage else None
    inner = reader.sub("stage", "{at_least: …} or {before: …}")
    if inner is None:
        return None
    way = next(iter(inner.raw))
    if len(inner.raw) != 1 or way not in WAYS:
        reader.fault("stage", f"expected {{at_least: mql}} or {{before: mql}}, found {shown(inner.raw)}")
        return None
    stage = inner.text(way, "the id of a stage", limit=40)
    return AtStage(reader.raw, way, stage) if stage else None
