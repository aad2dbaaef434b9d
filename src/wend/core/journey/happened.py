"""What one input turned out to mean, as the runs and triggers of a person hear it: a closed union.

An input becomes one or more of these after the facts are updated; what runs cause themselves (attributes, tags, score) becomes
more of them, handled first in first out at the same `now` (engine.md 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wend.core.inputs import Answer, Event, Feedback, Start


@dataclass(frozen=True, slots=True)
class EventHappened:
    """The person did something. `facts`: names of the built-in facts it changed."""

    event: Event
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overheard:
    """An event that is none of a run's business (older than its trigger, or of another key), but may have changed a condition."""

    event: Event
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AttributesChanged:
    """root name → (old, new)."""

    changes: dict[str, tuple[Any, Any]]
    at: int


@dataclass(frozen=True, slots=True)
class TagAdded:
    tag: str


@dataclass(frozen=True, slots=True)
class ScoreChanged:
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message of this person got an outcome or feedback."""

    feedback: Feedback


@dataclass(frozen=True, slots=True)
class FactsChanged:
    """Other facts changed, by name: consent, suppressed, devices, tags …"""

    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class StartAsked:
    """A journey was started by call or list."""

    start: Start


@dataclass(frozen=True, slots=True)
class SegmentChanged:
    """The person entered or left a segment."""

    segment: str
    entered: bool
    at: int


@dataclass(frozen=True, slots=True)
class StageChanged:
    """The person moved in the funnel."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FenceCrossed:
    """The person came into a geofence or left it."""

    fence: str
    entered: bool
    at: int


@dataclass(frozen=True, slots=True)
class BusinessHappened:
    """Something happened to a thing to which the person is linked (`event.about`); the person did nothing."""

    event: Event


@dataclass(frozen=True, slots=True)
class Answered:
    """Something that was asked of the outside has been answered."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Merged:
    """Somebody else turned out to be this person: everything may be different, though nothing was done."""


Happened = (
    EventHappened
    | Overheard
    | AttributesChanged
    | TagAdded
    | ScoreChanged
    | MessageChanged
    | FactsChanged
    | StartAsked
    | SegmentChanged
    | StageChanged
    | FenceCrossed
    | BusinessHappened
    | Answered
    | Merged
)
