"""What triggers and conditions of a journey name that must be there: geofences and stages of the funnel.

Without them a trigger would never start anybody, and nothing would say why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from wend.core.condition.base import Condition
from wend.core.journey.document import Document
from wend.core.journey.triggers import OnFence, OnStage
from wend.core.problems import Problem, nearest

T = TypeVar("T")


def missing_places(
    document: Document, conditions: Iterable[tuple[str, Condition]], fences: Collection[str] | None
) -> Iterator[Problem]:
    """Geofences that do not exist. `conditions`: (where, condition) of the whole journey; `fences` None: not known."""
    if fences is None:
        return
    named = [
        (where, fact[6:]) for where, one in conditions for fact in one.listens().facts if fact.startswith("fence:")
    ]
    for where, trigger in _triggers(document, OnFence):
        kind = "geofence_entered" if trigger.entered else "geofence_exited"
        named += [(f"{where}.{kind}", fence) for fence in trigger.fences]
    for where, fence in dict.fromkeys(named):
        if fence not in fences:
            yield Problem(
                where, f"there is no geofence '{fence}'{nearest(fence, fences)}; make it with `wend geofence put`"
            )


def missing_stages(document: Document, stages: Collection[str] | None) -> Iterator[Problem]:
    """Stages that the funnel does not have. `stages` None: not known."""
    if stages is None:
        return
    for where, trigger in _triggers(document, OnStage):
        for end, stage in (("from", trigger.old), ("to", trigger.new)):
            if stage and stage not in stages:
                hint = nearest(stage, stages)
                yield Problem(
                    f"{where}.stage_changed.{end}",
                    f"there is no stage '{stage}'{hint}; add it to `funnel` of the settings",
                )


def _triggers(document: Document, kind: type[T]) -> Iterator[tuple[str, T]]:
    several = isinstance(document.raw["entry"].get("on"), list)
    for place, trigger in enumerate(document.triggers):
        if isinstance(trigger, kind):
            yield (f"entry.on[{place}]" if several else "entry.on"), trigger
