"""Segments of a plan: what each asks, in which order they are judged, and what can change them.

A live segment has a condition; a list (static segment) has none. A version that is still being back-filled is `warming`: it is
judged like the others, but silently and under a key of its own (`id@version`), until a change of the plan puts it in force.
Hidden segments belong to something else (a journey's date trigger, a stage of the funnel); their ids contain a colon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wend.core.condition.base import Condition, Listens
from wend.core.condition.built_in import Inactive
from wend.core.condition.member import key_of
from wend.core.condition.syntax import parse as parse_condition
from wend.core.journey.circles import circles, way_round
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    FactsChanged,
    FenceCrossed,
    Happened,
    Merged,
    MessageChanged,
    ScoreChanged,
    StageChanged,
    TagAdded,
)
from wend.core.problems import Problem, nearest, shown

KEYS = ("id", "name", "description", "condition", "list")
SCORE = 0
"""Key in `Profile.turns` that is no segment's: the engagement score's next decay."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment in one version."""

    id: str
    version: int = 0
    condition: Condition | None = None
    """None: a list."""
    warming: bool = False
    key: int = field(init=False)
    recedes: bool = field(init=False)
    """Until the instant noted in `Profile.turns` nothing changes it: `last_seen`, all that it reads, only rises."""
    listens: Listens = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", key_of(self.name))
        object.__setattr__(self, "recedes", isinstance(self.condition, Inactive))
        object.__setattr__(self, "listens", Listens() if self.condition is None else self.condition.listens())

    @property
    def name(self) -> str:
        """What it is called in the read model `membership`."""
        return f"{self.id}@{self.version}" if self.warming else self.id

    @property
    def hidden(self) -> bool:
        """Whether it belongs to something else, and nobody can name it."""
        return ":" in self.id


def parse_document(raw: Any, problems: list[Problem]) -> tuple[str, Condition | None]:
    """A segment's document `{id, name, condition: …}` or `{id, name, list: true}`: its id and condition (None: a list, or faulty)."""
    if not isinstance(raw, dict):
        problems.append(Problem("", f"expected a segment document (a mapping), found {shown(raw)}"))
        return "", None
    document: dict[str, Any] = raw  # pyright: ignore[reportUnknownVariableType]
    for name in document:
        if name not in KEYS:
            problems.append(Problem(name, f"'{name}' is not part of a segment{nearest(name, KEYS)}"))
    id = document.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= 64 or not set(id) <= _ID_LETTERS or id[0] in "-_":
        problems.append(Problem("id", f"expected lower-case letters, digits, - and _ (at most 64), found {shown(id)}"))
        id = ""
    if not isinstance(document.get("name", ""), str):
        problems.append(Problem("name", f"expected a text, found {shown(document['name'])}"))
    if ("condition" in document) == ("list" in document):
        problems.append(Problem("condition", "a segment has either a condition or `list: true`"))
    if "list" in document and document["list"] is not True:
        problems.append(Problem("list", f"expected true, found {shown(document['list'])}"))
    condition = None
    if "condition" in document:
        condition = parse_condition(document["condition"], "condition", problems)
    return id, condition


def segments_read(one: Segment | Condition) -> list[str]:
    """The ids of the segments that a segment or condition reads."""
    listens = one.listens if isinstance(one, Segment) else one.listens()
    return sorted(fact[8:] for fact in listens.facts if fact.startswith("segment:"))


def latest(changes: Iterable[Any], id: str) -> int:
    """The version of a segment that was published last, among changes of the plan; 0: none ever. Numbers go on after it was deleted."""
    return max((one.version for one in changes if one.kind == "segment" and one.journey == id), default=0)


_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Watch:
    """All segments of a plan. Those with a condition stand in the order in which they are judged: whoever reads another comes
    after it."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        """ValueError: segments that read each other in a circle (the way round is told), or two of one key (lists too)."""
        everything: dict[int, Segment] = {}
        for one in segments:
            other = everything.setdefault(one.key, one)
            if other is not one:
                raise ValueError(f"segments '{one.name}' and '{other.name}' cannot be told apart: rename one of them")
        self.by_key = {key: one for key, one in everything.items() if one.condition is not None}
        """By key, those with a condition."""
        self.named = {key: one.name for key, one in everything.items() if not one.hidden}
        """Key → name in the read model, of all that people can see: lists too."""
        self.ordered = _ordered(list(self.by_key.values()))
        self._rank = {one.key: rank for rank, one in enumerate(self.ordered)}
        self._above: dict[str, list[Segment]] = {}
        for one in self.ordered:
            for fact in one.listens.facts:
                if fact.startswith("segment:"):
                    self._above.setdefault(fact[8:], []).append(one)
        self._cache: dict[tuple[str | None, frozenset[str], frozenset[str]], tuple[Segment, ...]] = {}

    def above(self, segment: Segment) -> list[Segment]:
        """Those who read this segment; nobody reads a version that is not in force yet."""
        return [] if segment.warming else self._above.get(segment.id, [])

    def in_order(self, segments: Iterable[Segment]) -> list[Segment]:
        """Each once, in the order in which they are judged."""
        by_key = {one.key: one for one in segments}
        return sorted(by_key.values(), key=lambda one: self._rank[one.key])

    def concerned(self, happened: Happened) -> tuple[Segment, ...]:
        """The segments whose truth may be changed by what happened, in order."""
        match happened:
            case EventHappened(event, facts):
                return self._touched(facts, event=event.name)
            case AttributesChanged(changes):
                return self._touched(_NOTHING, frozenset(path.split(".")[0] for path in changes))
            case TagAdded():
                return self._touched(_TAGS)
            case ScoreChanged():
                return self._touched(_SCORE)
            case StageChanged():
                return self._touched(_STAGE)
            case MessageChanged():
                return self._touched(_MESSAGES)
            case FenceCrossed(fence):
                return self._touched(frozenset({f"fence:{fence}"}))
            case FactsChanged(facts):
                return self._touched(facts)
            case Merged():
                return self.ordered
            case _:
                return ()

    def _touched(
        self, facts: frozenset[str], roots: frozenset[str] = frozenset(), event: str | None = None
    ) -> tuple[Segment, ...]:
        found = self._cache.get((event, roots, facts))
        if found is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            names = _NOTHING if event is None else frozenset({event, "*"})
            found = self._cache[event, roots, facts] = tuple(
                one
                for one in self.ordered
                if not (
                    names.isdisjoint(one.listens.events)
                    and roots.isdisjoint(one.listens.attributes)
                    and facts.isdisjoint(one.listens.facts)
                )
            )
        return found


_NOTHING = frozenset[str]()
_TAGS, _SCORE, _STAGE, _MESSAGES = (frozenset({name}) for name in ("tags", "score", "stage", "messages"))
_CACHED = 10_000
"""Event names × attributes × facts remembered, at most: names are the sender's."""


def _ordered(segments: list[Segment]) -> tuple[Segment, ...]:
    by_id: dict[str, list[Segment]] = {}
    for one in segments:
        by_id.setdefault(one.id, []).append(one)
    graph = {
        id: sorted(
            {fact[8:] for one in versions for fact in one.listens.facts if fact.startswith("segment:")} & by_id.keys()
        )
        for id, versions in by_id.items()
    }
    for circle in circles(graph):
        raise ValueError(f"segments that read each other in a circle: {' → '.join(way_round(graph, circle))}")
    placed: list[Segment] = []
    seen: set[str] = set()

    def place(id: str) -> None:
        if id not in seen:
            seen.add(id)
            for below in graph[id]:
                place(below)
            placed.extend(by_id[id])

    for id in by_id:
        place(id)
    return tuple(placed)
