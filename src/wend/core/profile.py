"""A person's state: everything on which that person's future depends, and nothing more.

Rules: nothing here may grow without a bound (engine.md 16). `attributes` is stored beside the packed state; everything
else is packed by `pack` into plain lists, dicts, numbers and strings that any encoder can take, trailing defaults cut off.
`pack` and `unpack` are inverses. `react` owns the Profile it is given: a caller that may need the old one keeps the packed form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_RUNS = 20
MAX_KEYS = 100
OUTSIDE = frozenset({"sent", "asked"})
"""Phases of a run whose effect is on its way: exactly one outcome or answer for (run, move) will come."""


@dataclass(slots=True)
class Run:
    """One person on the way through one journey.

    `now`-times are log time; `since` is log time + lag of the moment the node was entered (waits count from it).
    """

    id: str
    journey: str
    version: int
    node: str
    started: int
    """Log time at which the run began."""
    trigger_at: int
    """When the trigger happened; exits, goals and waits ignore events older than this (engine.md 7)."""
    key: Any = None
    move: int = 0
    """Moves made so far; (id, move) names an effect."""
    entered: int = 0
    since: int = 0
    until: int | None = None
    """The earliest instant at which the node must be looked at again; None: only an input moves it."""
    entry: dict[str, Any] = field(default_factory=dict)
    """Properties of the event that started the run, cut to what the journey and its templates read."""
    event: dict[str, Any] = field(default_factory=dict)
    """Properties of the latest event that moved it, cut likewise."""
    sends: dict[str, list[Any]] = field(default_factory=dict)
    """node id → [move, channel, states…] of the latest send at that node."""
    saved: dict[str, Any] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    """node id → times entered (only nodes on a loop)."""
    phase: str = ""
    """'' · 'delayed' (the node's timing) · 'frozen' (entered while its journey is paused) · what the node itself remembers
    ('held', 'sent' …)."""
    goal: bool = False
    hops: int = 0
    """Depth of the chain of emitted events that led here; reset by a wait of a minute or more."""
    exit_at: int | None = None
    """The earliest instant at which a condition of `exit_when` may become true by mere passing of time."""
    parent: str = ""
    """Id of the run that goes several ways at once (`parallel`), of which this is one; its own id begins with that and a dot."""
    arms: dict[str, str] = field(default_factory=dict)
    """split node → arm taken, so that a goal is counted for its arm."""


@dataclass(slots=True)
class Facts:
    """Built-in bounded facts (conditions.md), kept by facts.py. Times in ms UTC, money in the event's currency."""

    first_seen: int = 0
    last_seen: int = 0
    """Time of the person's latest own event (imports and message feedback do not count); 0: never."""
    sessions: int = 0
    orders: int = 0
    revenue: float = 0.0
    last_order_at: int = 0
    cart: list[dict[str, Any]] = field(default_factory=list)
    """≤ 50 lines {product_id, name, quantity, price, category, url, image_url}."""
    cart_id: Any = None
    currency: str = ""
    cart_changed_at: int = 0
    recent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """viewed, searched, bought → ≤ 10 latest first."""


@dataclass(slots=True)
class Profile:
    """The unit of order, of concurrency and of partitioning: one person."""

    id: int
    attributes: dict[str, Any] = field(default_factory=dict)
    plan: int = 0
    """Number of the plan this state was last lifted to."""
    last: int = 0
    """The latest `now` this person has seen; `now` never falls."""
    next_run: int = 1
    known: bool = False
    """Has a user id."""
    tags: list[str] = field(default_factory=list)
    score: float = 0.0
    consent: dict[str, list[Any]] = field(default_factory=dict)
    """channel → [state, at]."""
    topics: dict[str, list[Any]] = field(default_factory=dict)
    """topic → [state, at]."""
    suppressed: dict[str, str] = field(default_factory=dict)
    """'*' (all), channel, or 'channel:address' → reason."""
    devices: dict[str, dict[str, int]] = field(default_factory=dict)
    """mobile_push, web_push → token → last seen; ≤ 10 each."""
    facts: Facts = field(default_factory=Facts)
    windows: dict[str, list[Any]] = field(default_factory=dict)
    """leaf id → what a counted condition keeps (aggregate.py)."""
    runs: list[Run] = field(default_factory=list)
    """Oldest first."""
    past: dict[str, list[list[Any]]] = field(default_factory=dict)
    """journey → [key, last start, last end (0: still inside), times, last run id (`brief`), its goal was reached, arms of splits if any],
    for re-entry and goals that follow the end; ≤ 100 keys, oldest dropped."""
    messages: list[list[Any]] = field(default_factory=list)
    """The latest ≤ 20 messages that some condition may ask for: [effect id, journey, node, channel, template, at, states…]."""
    awaiting: list[int] = field(default_factory=list)
    """Absorbed people whose state has not arrived: until then this person stands still."""
    survivor: int = 0
    """Not 0: this is a tombstone, everything is forwarded there."""
    erased: bool = False
    segments: dict[int, int] = field(default_factory=dict)
    """Key of a segment (segment.py) → since when the person is in it (ms). Whoever is not in it has no entry."""
    turns: dict[int, int] = field(default_factory=dict)
    """Key of a segment → an instant not later than the one at which membership may change by mere passing of time (lazily kept:
    when that instant moves away, the old one stays and is looked at in vain). Key 0: the engagement score's next decay."""
    stage: str = ""
    """Stage of the funnel; '' before the first."""
    caps: dict[str, list[int]] = field(default_factory=dict)
    """Frequency cap → instants (log time + lag) of the latest messages that it counts, ≤ its limit, ascending."""
    hours: dict[str, list[int]] = field(default_factory=dict)
    """channel → local hours (0–23) of the latest ≤ 20 opens and clicks, oldest first; kept where `best_time` is read."""
    response: dict[str, list[int]] = field(default_factory=dict)
    """channel → [messages accepted, of those answered, ≤ 8 marks of messages that are counted]; kept where channel `best` is read."""
    location: list[Any] = field(default_factory=list)
    """[latitude, longitude, at] of the latest location event."""
    fences: dict[str, int] = field(default_factory=dict)
    """Geofences the person is inside of → since when."""
    attributes_changed: bool = False
    """Not packed: `attributes` must be written."""


def brief(run: str, profile: int) -> str:
    """A run's id as its own person's state keeps it: without the person's number, which stands beside the state."""
    begin = f"{profile:x}-"
    return run[len(begin) - 1 :] if run.startswith(begin) else run


def in_full(run: str, profile: int) -> str:
    """The id of which `brief` made this."""
    return f"{profile:x}{run}" if run[:1] == "-" else run


def lineage(profile: Profile, run: Run) -> Iterator[Run]:
    """The run, the one whose branch it is, and so on up to the run that the person began."""
    yield run
    while run.parent:
        run = next(one for one in profile.runs if one.id == run.parent)
        yield run


def family(profile: Profile, run: Run) -> list[Run]:
    """The run and all its branches, those of branches too, as they stand among the person's runs."""
    ids, before = {run.id}, 0
    while before < len(ids):
        before = len(ids)
        ids |= {one.id for one in profile.runs if one.parent in ids}
    return [one for one in profile.runs if one.id in ids]
