"""All that is published, compiled once per version and indexed by what it listens to. Immutable: a change makes a new plan.

The plan changes at a definite place in each partition's log (journeys.md rule 13). Change numbers count from 1 without gaps, so a
person whose state was lifted to number n has missed `changes[n:]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wend.core import funnel, rfm, score
from wend.core.aggregate import Leaf, combine
from wend.core.caps import Cap, parse_caps
from wend.core.condition.base import Condition
from wend.core.condition.groups import All
from wend.core.condition.member import key_of
from wend.core.condition.syntax import parse as parse_condition
from wend.core.journey.compiled import Compiled
from wend.core.journey.document import parse
from wend.core.journey.pattern import EventPattern
from wend.core.journey.triggers import OnEvent, Trigger, hidden
from wend.core.problems import Problem
from wend.core.profile import MAX_KEYS
from wend.core.segment import Segment, Watch
from wend.core.segment import parse_document as parse_segment

ChangeKind = Literal[
    "publish", "pause", "resume", "sunset", "stop", "settings", "segment", "segment_live", "segment_gone"
]
"""segment: a segment (or list) is published; a condition is then back-filled · segment_live: its version `version` takes force ·
segment_gone: it is no more."""
Policy = Literal["keep", "move", "exit"]
"""What becomes of people inside when a new version is published (journeys.md rule 8)."""

LATENESS = 72 * 3_600_000
"""Events older than this start nothing (engine.md 7); setting `lateness` (ms) changes it."""

_STATUS_AFTER = {"pause": "paused", "resume": "live", "sunset": "sunset", "stop": "stopped"}


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One act of publishing. `document` is the raw journey (publish), segment (segment) or settings (settings); `reads` as for
    Compiled; `journey` is the id of the journey, or of the segment."""

    number: int
    at: int
    kind: ChangeKind
    journey: str = ""
    version: int = 0
    document: dict[str, Any] | None = None
    reads: Mapping[str, Iterable[str]] | None = None
    policy: Policy = "keep"
    mapping: Mapping[str, str] | None = None
    """For `move`: node of an older version → node of this one, where the ids differ."""


@dataclass(frozen=True, slots=True)
class Published:
    """A journey's status and all its published versions (people may still be inside old ones)."""

    status: str
    live: Compiled
    versions: dict[int, Compiled]


@dataclass(frozen=True, slots=True)
class ExitLeaf:
    """What is remembered of the events of an exit pattern, to know whether a late trigger was overtaken (engine.md 7)."""

    any: Leaf
    """The latest event that reaches every run."""
    keyed: Leaf | None = None
    """The latest event of each key; None when the journey has no key."""


Heard = tuple[Compiled, Trigger]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in force from change `number` on."""

    number: int = 0
    at: int = 0
    journeys: dict[str, Published] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    """Segments and lists in force, hidden ones among them."""
    warming: dict[str, Segment] = field(default_factory=dict)
    """Versions of segments that are still being back-filled."""
    watch: Watch = field(default_factory=Watch)
    """All of both, lists too; those with a condition are judged in order."""
    changes: tuple[PlanChange, ...] = ()
    paused_after: tuple[frozenset[str], ...] = (frozenset(),)
    """Paused journeys after change n, for lifting people over several changes."""
    settings: dict[str, Any] = field(default_factory=dict)
    on_event: dict[str, tuple[Heard, ...]] = field(default_factory=dict)
    on_other: dict[str, tuple[Heard, ...]] = field(default_factory=dict)
    """topic (triggers.topic_of) → who wants to hear of it."""
    appeared: dict[int, tuple[Segment, ...]] = field(default_factory=dict)
    """number of a change → the hidden segments, still in force, that are judged since then."""
    vanished: frozenset[int] = frozenset()
    """Keys of hidden segments that are no more: nothing of them may stay in a state."""
    leaves: dict[str, tuple[Leaf, ...]] = field(default_factory=dict)
    """event name → what must be remembered of it."""
    leaf_of: dict[str, Leaf] = field(default_factory=dict)
    """leaf id → leaf."""
    messages: frozenset[tuple[str, str, str, str]] = frozenset()
    """The messages that some condition reads, as in `Listens.messages`."""
    late_goals: frozenset[str] = frozenset()
    """Names of the events that may be a goal after the run's end."""
    reads: frozenset[str] = frozenset()
    """Built-in facts that somebody reads; the others are not kept."""
    caps: tuple[Cap, ...] = ()
    engagement: score.Engagement | None = None
    """The built-in score, if it is on."""
    stages: tuple[funnel.Stage, ...] = ()
    """The funnel."""
    altered: dict[str, int] = field(default_factory=dict)
    """engagement, funnel, rfm → number of the change that altered it last: everybody is judged anew then (engine/batch.py)."""
    exits: dict[tuple[str, int], tuple[ExitLeaf, ...]] = field(default_factory=dict)
    """(journey, version) → one for each pattern of its exit rule."""

    @staticmethod
    def empty() -> Plan:
        """Nothing is published."""
        return Plan()

    @property
    def zone(self) -> str:
        """The workspace's zone, for people without a valid one of their own."""
        return self.settings.get("zone", "UTC")

    @property
    def lateness(self) -> int:
        """Events older than this (ms) start nothing."""
        return self.settings.get("lateness", LATENESS)

    @property
    def paused(self) -> frozenset[str]:
        """Journeys whose timers stand still."""
        return self.paused_after[-1]

    def concerns_everybody(self, number: int) -> bool:
        """Whether change `number` gave everybody something to be judged by: idle people must be lifted over it, too."""
        return number in self.appeared or number in self.altered.values()

    def concerned_by(self, number: int) -> frozenset[str] | None:
        """Of a change that concerns everybody: the attribute roots without which it concerns nobody (None: it does all the same)."""
        listens = [one.listens for one in self.appeared.get(number, ())]
        if number in self.altered.values() or any(one.events or one.facts or not one.attributes for one in listens):
            return None
        return frozenset(root for one in listens for root in one.attributes) - {"timezone"}

    def remembers(self, journey: str, node: str, channel: str, template: str) -> bool:
        """Whether some condition may ask for this message; the others are not kept."""
        return any(
            wanted[0] in ("", journey)
            and wanted[1] in ("", node)
            and wanted[2] in ("", channel)
            and wanted[3] in ("", template)
            for wanted in self.messages
        )

    def compiled(self, journey: str, version: int) -> Compiled:
        """The version a run is on. KeyError: it was never published."""
        return self.journeys[journey].versions[version]

    def apply(self, change: PlanChange) -> Plan:
        """The plan after `change`. ValueError: the change does not follow this plan, or names what was never published."""
        if change.number != self.number + 1:
            raise ValueError(f"change {change.number} does not follow plan {self.number}")
        settings, journeys, segments, warming = self.settings, self.journeys, self.segments, self.warming
        altered = self.altered
        if change.kind == "settings":
            merged = {**settings, **(change.document or {})}
            settings = {name: value for name, value in merged.items() if value is not None}  # null takes one away
            altered = {**altered, **dict.fromkeys(self._altered_by(settings), change.number)}
        elif change.kind in ("segment", "segment_live", "segment_gone"):
            segments, warming = _segments_after(change, segments, warming)
        else:
            journeys = {**journeys, change.journey: self._after(change)}
        paused = frozenset(id_ for id_, one in journeys.items() if one.status == "paused")
        plan = replace(
            self,
            number=change.number,
            at=change.at,
            journeys=journeys,
            changes=(*self.changes, replace(change, document=None, reads=None)),
            paused_after=(*self.paused_after, paused),
            settings=settings,
            segments=segments,
            warming=warming,
            engagement=score.parse(settings.get("engagement"), "engagement", []),
            stages=funnel.parse(settings.get("funnel"), "funnel", []),
            altered=altered,
        )
        return plan._indexed()

    def _altered_by(self, settings: dict[str, Any]) -> Iterator[str]:
        """Which of the classes these settings alter so that somebody who does nothing must hear of it."""
        if score.timing(score.parse(settings.get("engagement"), "", [])) != score.timing(self.engagement):
            yield "engagement"
        if settings.get("funnel") != self.settings.get("funnel"):
            yield "funnel"
        if settings.get("rfm") != self.settings.get("rfm") and rfm.CHANGED in self.reads:
            yield "rfm"

    def _after(self, change: PlanChange) -> Published:
        before = self.journeys.get(change.journey)
        if change.kind == "publish":
            problems: list[Problem] = []
            document = parse(change.document, problems)
            if document is None or any(one.level == "error" for one in problems):
                raise ValueError(f"journey {change.journey} version {change.version}: " + "; ".join(map(str, problems)))
            if document.id != change.journey:
                raise ValueError(f"the document of journey '{change.journey}' says it is '{document.id}'")
            compiled = Compiled(document, change.version, change.reads)
            return Published("live", compiled, {**(before.versions if before else {}), change.version: compiled})
        if before is None:
            raise ValueError(f"journey '{change.journey}' was never published")
        return replace(before, status=_STATUS_AFTER[change.kind])

    def _indexed(self) -> Plan:
        on_event: dict[str, list[Heard]] = {}
        on_other: dict[str, list[Heard]] = {}
        leaves: list[Leaf] = []
        exits: dict[tuple[str, int], tuple[ExitLeaf, ...]] = {}
        reads: set[str] = set()
        messages: set[tuple[str, str, str, str]] = set()
        late_goals: set[str] = set()
        for published in self.journeys.values():
            goal = published.live.document.goal
            if goal is not None and goal.within is not None:
                late_goals |= goal.pattern.names
            if published.status == "stopped":
                continue
            for trigger in published.live.document.triggers:
                if isinstance(trigger, OnEvent):
                    for name in _heard_as(trigger.pattern.names):
                        on_event.setdefault(name, []).append((published.live, trigger))
                for topic in trigger.topics(published.live.id):
                    on_other.setdefault(topic, []).append((published.live, trigger))
            for version in published.versions.values():
                reads |= version.facts
                for condition in version.conditions():
                    listens = condition.listens()
                    reads |= listens.facts
                    # A node without a journey is one of the journey that asks.
                    messages |= {(one[0] or (version.id if one[1] else ""), *one[1:]) for one in listens.messages}
                    leaves += condition.leaves()
                exit_leaves = tuple(_exit_leaf(version, one, self.lateness) for one in version.document.exit.patterns)
                exits[version.id, version.version] = exit_leaves
                leaves += [leaf for one in exit_leaves for leaf in (one.any, one.keyed) if leaf is not None]
        segments = {id: one for id, one in self.segments.items() if not one.hidden}
        for id, condition in _hidden(self):
            segments[id] = Segment(id, 0, condition)
        appeared, vanished = self._comings_and_goings(segments)
        if self.engagement is not None:
            leaves += self.engagement.leaves()
        watch = Watch([*segments.values(), *self.warming.values()])
        for segment in watch.ordered:
            assert segment.condition is not None
            leaves += segment.condition.leaves()
            reads |= segment.listens.facts
            messages |= segment.listens.messages
        leaf_of = combine(leaves)
        by_event: dict[str, list[Leaf]] = {}
        for leaf in leaf_of.values():
            for name in _heard_as(leaf.events):
                by_event.setdefault(name, []).append(leaf)
        return replace(
            self,
            on_event={name: tuple(sorted(heard, key=_importance)) for name, heard in on_event.items()},
            on_other={topic: tuple(sorted(heard, key=_importance)) for topic, heard in on_other.items()},
            appeared=appeared,
            vanished=vanished,
            leaves={name: tuple(found) for name, found in by_event.items()},
            leaf_of=leaf_of,
            messages=frozenset(messages),
            late_goals=frozenset(late_goals),
            reads=frozenset(reads),
            exits=exits,
            caps=parse_caps(self.settings.get("caps"), "caps", []),
            segments=segments,
            watch=watch,
        )

    def _comings_and_goings(
        self, segments: Mapping[str, Segment]
    ) -> tuple[dict[int, tuple[Segment, ...]], frozenset[int]]:
        """`appeared` and `vanished` when these are the segments."""
        old = {one.id: number for number, found in self.appeared.items() for one in found}
        since: dict[int, list[Segment]] = {}
        for one in segments.values():
            if one.hidden:
                since.setdefault(old.get(one.id, self.number), []).append(one)
        gone = {key_of(id) for id in old if id not in segments}
        vanished = (self.vanished | gone) - {one.key for one in segments.values()}
        return {number: tuple(found) for number, found in since.items()}, vanished


def _segments_after(
    change: PlanChange, segments: dict[str, Segment], warming: dict[str, Segment]
) -> tuple[dict[str, Segment], dict[str, Segment]]:
    id = change.journey
    segments, warming = dict(segments), dict(warming)
    if change.kind == "segment":
        problems: list[Problem] = []
        named, condition = parse_segment(change.document, problems)
        if any(one.level == "error" for one in problems):
            raise ValueError(f"segment {id}: " + "; ".join(map(str, problems)))
        if named != id:
            raise ValueError(f"the document of segment '{id}' says it is '{named}'")
        if condition is None:
            segments[id] = Segment(id, change.version)
        else:
            warming[id] = Segment(id, change.version, condition, warming=True)
    elif change.kind == "segment_live":
        if id not in warming or warming[id].version != change.version:
            raise ValueError(f"segment '{id}' has no version {change.version} that is being back-filled")
        segments[id] = replace(warming.pop(id), warming=False)
    else:
        if id not in segments and id not in warming:
            raise ValueError(f"segment '{id}' was never published")
        segments.pop(id, None)
        warming.pop(id, None)
    return segments, warming


def _hidden(plan: Plan) -> Iterator[tuple[str, Condition]]:
    """Segments that journeys and settings need for themselves, with ids of their own."""
    for stage in plan.stages:
        if stage.when is not None:
            yield funnel.hidden_id(stage.id), stage.when
    for published in plan.journeys.values():
        if published.status in ("live", "paused"):
            for trigger in published.live.document.triggers:
                found = hidden(trigger, published.live.id)
                if found is not None:
                    yield found


def _importance(heard: Heard) -> int:
    """More important journeys start first."""
    return -heard[0].document.priority


def _heard_as(names: frozenset[str]) -> frozenset[str]:
    """Under which names to index: who hears every event hears none of them twice."""
    return frozenset({"*"}) if "*" in names else names


def _exit_leaf(version: Compiled, pattern: EventPattern, lateness: int) -> ExitLeaf:
    key = version.document.key
    if key is None:
        return ExitLeaf(Leaf(pattern.names, pattern.where, k=1))
    raw = {"property": key, "missing": True}
    keyless = parse_condition(raw, "", [], inside=frozenset({"event"}))
    assert keyless is not None
    where = keyless if pattern.where is None else All({"all": [pattern.where.dump(), raw]}, (pattern.where, keyless))
    keyed = Leaf(pattern.names, pattern.where, "distinct", key, lateness, MAX_KEYS)
    return ExitLeaf(Leaf(pattern.names, where, k=1), keyed)
