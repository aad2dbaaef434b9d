"""What every form of condition has in common.

A condition is a frozen tree. Each form lives in one file of this folder, and can
- be parsed from the document and dumped back (`parse`, `dump` in syntax.py, by the form's key),
- be checked in memory: `check(view) → Verdict(value, may_change_at)`, the truth and the earliest instant (> now) at which it
  may change if nothing else happens (FOREVER: never by itself),
- say what it listens to, so that an input re-evaluates only what it can touch, and what must be remembered for it (`leaves`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from wend.core.profile import Profile, Run

FOREVER = 1 << 62
"""Later than every instant."""


class Verdict(NamedTuple):
    """A condition's truth at `now`, and the earliest later instant at which it may change by mere passing of time."""

    value: bool
    may_change_at: int = FOREVER


@dataclass(frozen=True, slots=True)
class Listens:
    """What can change a condition's value: event names ('*' = any), attribute roots, and other facts by name
    ('tags', 'score', 'consent', 'suppressed', 'devices', 'cart', 'messages', 'known' …)."""

    events: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    messages: frozenset[tuple[str, str, str, str]] = frozenset()
    """Which messages must be remembered: (journey, node, channel, template), '' is any."""

    def __or__(self, other: Listens) -> Listens:
        return Listens(
            self.events | other.events,
            self.attributes | other.attributes,
            self.facts | other.facts,
            self.messages | other.messages,
        )


@dataclass(slots=True)
class View:
    """What a condition may read: the person, the instant, and (inside a journey or a `where`) the run and the event at hand.

    `zone` is the IANA name used when the profile has no valid `timezone` attribute.
    """

    profile: Profile
    now: int
    zone: str = "UTC"
    run: Run | None = None
    properties: Mapping[str, Any] | None = None
    context: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def seeing(self, properties: Mapping[str, Any]) -> View:
        """The same view with another thing at hand: a line of the cart, a company."""
        return View(self.profile, self.now, self.zone, self.run, properties, None, self.settings)


class Condition(Protocol):
    """One form of condition. Implementations are frozen dataclasses."""

    def check(self, view: View) -> Verdict: ...

    def listens(self) -> Listens: ...

    def leaves(self) -> Iterator[Any]:
        """The counted leaves (aggregate.Leaf) whose windows must be kept for this condition."""
        ...

    def dump(self) -> dict[str, Any]:
        """The document's form of this condition; `parse(dump(c)) == c`."""
        ...
