"""What a node kind is, and what it may do.

A kind is one file in nodes/: a class with its name, its settings as fields, its branches, and three answers:
`enter` (the run arrives), `wake` (the instant it asked for has come), `hear` (something happened while the run rests here).
Rules: a node never imports another node, reads only through its `Turn`, and answers Go, Park or End; the walker owns moving,
timing, tracing, limits and failures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast

from wend.core.condition.base import Condition, Listens, View
from wend.core.effects import AskKind, Step
from wend.core.inputs import Consent, Event
from wend.core.journey.fields import Field
from wend.core.journey.happened import Happened
from wend.core.journey.values import Reference, Value
from wend.core.permission import Allow, Drop, Hold
from wend.core.profile import Profile, Run


@dataclass(frozen=True, slots=True)
class Go:
    """Leave by `branch`; `why` is kept for people who ask."""

    branch: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Park:
    """Rest here until the instant `until` (ms UTC; None: only something that happens moves the run)."""

    until: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fork:
    """Go several ways at once: a run for each branch; this one rests here until they are over."""

    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meet:
    """A branch is over here, where the others of its parallel come too; whoever goes one way only passes by `next`."""


Answer = Go | Park | End | Fork | Meet


class Turn(Protocol):
    """One run at one node at one instant: what a node may read and ask for. Implemented by turn.py."""

    profile: Profile
    run: Run
    now: int
    """Log time: facts are judged by it."""

    @property
    def real(self) -> int:
        """Log time + lag: waits that follow an effect, slots and quiet hours count from it (engine.md 4)."""
        ...

    @property
    def zone(self) -> str: ...

    def view(self, event: Event | None = None) -> View: ...

    def value(self, value: Value) -> Any: ...

    def permit(
        self, channel: str, topic: str, transactional: bool, to: str | None, expires_at: int, template: str
    ) -> Allow | Hold | Drop: ...

    def sent(self, node: str) -> list[Any] | None:
        """[message, channel, states…] of what this run (or a branch of it) sent last at `node`; None: nothing."""
        ...

    def send(
        self,
        *,
        channel: str,
        template: str,
        topic: str,
        transactional: bool,
        to: str | None,
        expires_at: int,
        arm: str,
        more: Mapping[str, Any],
    ) -> None:
        """Hand over a message. `arm`: the variant ('' none), for goals; `more`: what the executor shall know besides."""
        ...

    def ask(self, kind: AskKind, request: dict[str, Any], expires_at: int) -> None:
        """Have something done outside. An `Answered` for (run, move) comes back, except for alerts."""
        ...

    def start(self, journey: str, data: dict[str, Any]) -> None:
        """Start another journey for this person, after what is going on now; its trigger `journey` decides."""
        ...

    def put_on_list(self, segment: str, add: bool) -> bool:
        """Put the person on a list, or take them off; False: nothing changed."""
        ...

    def emit(self, name: str, properties: dict[str, Any]) -> bool:
        """An event enters by the front door; False: the chain of emitted events is too deep."""
        ...

    def consent(self, consent: Consent) -> None: ...

    def caused(self, happened: Happened) -> None:
        """Something that this run changed: other runs and triggers hear it after this one (engine.md 6)."""
        ...

    def trace(self, step: Step) -> None: ...

    def chance(self) -> float:
        """A number in [0, 1) that is the same each time for this run at this node."""
        ...


class Node(ABC):
    """Base of all kinds. Instances are immutable once parsed; `settings` are the parsed fields."""

    KIND: ClassVar[str]
    GROUP: ClassVar[str]
    """action · condition · flow"""
    SHORT: ClassVar[str | None] = None
    """The setting that a bare value stands for: `wait: 2h` = `wait: {for: 2h}`."""
    FIELDS: ClassVar[dict[str, Field]]
    BRANCHES: ClassVar[tuple[str, ...]] = ("next",)
    FALLBACK: ClassVar[dict[str, str]] = {}
    """Branch that may stay unconnected → the branch taken instead."""
    REACHES_OUT: ClassVar[bool] = False
    """Whether it asks for an effect: waits that follow it count from real time (engine.md 4)."""
    WAITS: ClassVar[bool] = False
    """Whether a run rests here for nothing but time or something that happens, so that an operator may let it skip that."""
    ARMS: ClassVar[bool] = False
    """Whether the branch taken is remembered, so that the journey's goal is counted for it."""
    TAKES_EVENTS: ClassVar[bool] = False
    """Whether `hear` waits for just this event: then it comes before the exit rule (engine.md 6)."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    @classmethod
    def normalise(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """A mapping as it may stand in the document → a mapping of FIELDS."""
        return raw

    def check_settings(self) -> Iterator[tuple[str, str]]:
        """Faults that only show between settings: (setting, message)."""
        yield from ()

    def branches(self) -> tuple[str, ...]:
        """The branches of this very node, in order."""
        return self.BRANCHES

    def resting(self) -> frozenset[str]:
        """The branches that are never taken at once: only after a minute or more, or when the person does something."""
        return frozenset()

    @abstractmethod
    def enter(self, turn: Turn) -> Answer:
        """The run arrives."""
        ...

    def wake(self, turn: Turn) -> Answer:
        """The instant asked for by Park has come."""
        return self.enter(turn)

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        """Something happened while the run rests here; None: it does not matter."""
        return None

    def moved(self, turn: Turn) -> Answer | None:
        """The run rests here and came over from an older version of the journey; None: it goes on waiting as it did.

        `since` and `entered` are those of its arrival. Park with an instant that has passed: what was waited for is over.
        """
        return None if turn.run.phase else self.enter(turn)

    def listens(self) -> Listens:
        """What `hear` may react to."""
        return Listens()

    def conditions(self) -> Iterator[Condition]:
        """All conditions in the settings (for what must be remembered, and for checks)."""
        yield from ()

    def reads(self) -> frozenset[str]:
        """Facts that must be kept because this node reads them otherwise than by conditions."""
        return frozenset()

    def values(self) -> Iterator[Reference]:
        """All references in the settings (for what must be kept of events)."""
        for value in self.settings.values():
            if isinstance(value, Reference):
                yield value
            elif isinstance(value, dict):
                inner = cast("dict[str, Any]", value)
                yield from (one for one in inner.values() if isinstance(one, Reference))

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """All message templates: (setting, the channels on which it would be sent; (): not known, template)."""
        yield from ()

    def texts(self) -> Iterator[tuple[str, str]]:
        """All Liquid texts in the settings: (setting, text). What they read of events is kept; they are checked before publishing."""
        yield from ()

    def names(self) -> Iterator[tuple[str, str, str]]:
        """What it names in the workspace: (service, pool, team, audience, journey, list or stage; setting; name). check.py says what is not there."""
        yield from ()

    @abstractmethod
    def summary(self) -> str:
        """One line of plain English for the drawing."""
        ...
