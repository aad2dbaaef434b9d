"""Segments in stories: put in force at once, changed, and looked at."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import Story

from wend.core.condition.member import key_of
from wend.core.plan import PlanChange
from wend.core.profile import Profile

VIP = {"attribute": "city", "is": "Oslo"}
QUIET = {"inactive": "3d"}
TWICE = {"event": "Bought", "count": {"gte": 2}, "within": "1d"}


def live(person: Story, id: str, condition: Any, version: int = 1) -> None:
    """A version of a segment, in force at once (nothing happened before that it would have to be told)."""
    document = {"id": id, "list": True} if condition is None else {"id": id, "condition": condition}
    change(person, "segment", id, version, document)
    if condition is not None:
        change(person, "segment_live", id, version)


def change(person: Story, kind: Any, id: str, version: int = 1, document: dict[str, Any] | None = None) -> None:
    person.plan = person.plan.apply(PlanChange(person.plan.number + 1, person.now, kind, id, version, document))


def is_in(person: Story, id: str) -> bool:
    return key_of(id) in person.profile.segments


def story(**segments: Any) -> Story:
    """Somebody of whom nothing is known yet, and segments that are in force when the first input comes."""
    person = Story(consent=())
    for id, condition in segments.items():
        live(person, id, condition)
    person.profile = Profile(person.profile.id)
    return person
