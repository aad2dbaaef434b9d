"""What every trigger has in common.

A trigger is a frozen value, parsed from `entry.on`. It says under which topics it wants to be asked (`topics`), answers what
happened with a spark or nothing (`spark`), and may ask more of the person (`fits`), which the walker judges because it knows them.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, cast

from wend.core.condition.base import Condition, View
from wend.core.inputs import Event
from wend.core.journey.happened import (
    AttributesChanged,
    BusinessHappened,
    FenceCrossed,
    Happened,
    MessageChanged,
    ScoreChanged,
    SegmentChanged,
    StageChanged,
    StartAsked,
    TagAdded,
)
from wend.core.problems import Problem, nearest, shown


@dataclass(frozen=True, slots=True)
class Sparked:
    """A trigger matched: `at` is when it happened, `data` what the run may read as `{entry: …}`."""

    at: int
    data: dict[str, Any]
    label: str
    event: Event | None = None


class Trigger(ABC):
    """Base of all triggers."""

    __slots__ = ()
    KIND: ClassVar[str]

    @abstractmethod
    def topics(self, journey: str) -> tuple[str, ...]:
        """The topics (see `topic_of`) of which it wants to hear."""

    @abstractmethod
    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        """What starts a run because of what happened; None: it is not about this."""

    def fits(self, view: View) -> bool:
        """Whether the person, and what happened (`view.properties`), fulfil what the trigger itself asks."""
        return True

    def conditions(self) -> Iterator[Condition]:
        """The conditions inside (for what must be remembered, and for checks)."""
        yield from ()


def topic_of(happened: Happened) -> str | None:
    """Under which topic the triggers are indexed that may answer; None: no trigger does (events have an index of their own)."""
    match happened:
        case AttributesChanged():
            return "attribute"
        case ScoreChanged():
            return "score"
        case StageChanged():
            return "stage"
        case TagAdded(tag):
            return f"tag:{tag}"
        case MessageChanged(feedback):
            return f"message:{feedback.state}"
        case StartAsked(start):
            return f"start:{start.journey}"
        case SegmentChanged(segment):
            return f"segment:{segment}"
        case FenceCrossed(fence):
            return f"fence:{fence}"
        case BusinessHappened(event):
            return f"business:{event.name}"
        case _:
            return None


Parser = Callable[[str, dict[str, Any], str, list[Problem]], Trigger | None]
"""(kind, the trigger's mapping, where it stands, problems) → the trigger; None after a complaint."""


def mark_of(raw: dict[str, Any]) -> str:
    """What tells a trigger from all others of its journey, however they are ordered."""
    return blake2b(json.dumps(raw, sort_keys=True).encode(), digest_size=5).hexdigest()


def only(raw: dict[str, Any], allowed: tuple[str, ...], where: str, problems: list[Problem]) -> None:
    """Complain of every key of the trigger that is not allowed."""
    for name in raw:
        if name not in allowed:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(str(name), allowed)}"))


def options(raw: Any, allowed: tuple[str, ...], where: str, problems: list[Problem]) -> dict[str, Any]:
    """The settings of a trigger that are allowed and given; null gives none."""
    if raw is None:
        return {}
    hint = f"(allowed: {', '.join(allowed) or 'nothing'})"
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected settings in a mapping {hint}, found {shown(raw)}"))
        return {}
    found = cast("dict[str, Any]", raw)
    for name in found:
        if name not in allowed:
            problems.append(
                Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(str(name), allowed)} {hint}")
            )
    return {name: value for name, value in found.items() if name in allowed and value is not None}


def name_in(setting: Any, what: str, where: str, problems: list[Problem]) -> str | None:
    """A name; None after a complaint."""
    if isinstance(setting, str) and setting:
        return setting
    problems.append(Problem(where, f"expected {what}, found {shown(setting)}"))
    return None
