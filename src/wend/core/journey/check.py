"""Checks a whole journey before it is published, with all errors at once (journeys.md, "Node kinds", last paragraph).

Drafts may be incomplete; publishing is strict. Errors say node and field and the nearest valid name; warnings do not stop a publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.duration import MINUTE
from wend.core.journey.circles import circles, way_round
from wend.core.journey.document import Document, Placed, parse
from wend.core.journey.meeting import meetings, unfinished
from wend.core.journey.outside import missing_places, missing_stages
from wend.core.journey.rule import renamed
from wend.core.journey.sending import same_as
from wend.core.journey.triggers import OnAttribute, OnDate, OnEvent, OnMessage
from wend.core.journey.triggers import conditions as trigger_conditions
from wend.core.problems import Problem, nearest
from wend.core.segment import segments_read


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace knows; None where it is not known, then nothing is said about it."""

    templates: Mapping[str, str] | None = None
    """template id → channel."""
    events: frozenset[str] | None = None
    attributes: frozenset[str] | None = None
    """Root names."""
    journeys: frozenset[str] | None = None
    segments: Mapping[str, str] | None = None
    """segment id → its kind (live, list)."""
    stages: frozenset[str] | None = None
    """Of the funnel."""
    services: frozenset[str] | None = None
    pools: frozenset[str] | None = None
    teams: frozenset[str] | None = None
    audiences: frozenset[str] | None = None
    geofences: frozenset[str] | None = None


def check(raw: Any, known: Known | None = None) -> tuple[Document | None, list[Problem]]:
    """Parse and check a raw document. The document is None when there is an error among the problems."""
    known = known or Known()
    problems: list[Problem] = []
    document = parse(raw, problems)
    if document is None:
        return None, problems
    drawn = document.drawn
    problems += _branches(document, drawn)
    problems += [*_ends(drawn), *_unreached(document, drawn), *_loops(document)]
    problems += _references(document, drawn)
    problems += _templates(document, known.templates)
    problems += unknown_segments(segments_used(document), known.segments)
    problems += [
        *missing_places(document, _conditions(document), known.geofences),
        *missing_stages(document, known.stages),
    ]
    problems += _named(document, known)
    problems += _goals(document)
    problems += meetings(document, {id_: targets(placed) for id_, placed in document.nodes.items()})
    problems += _outside(document, known)
    problems = renamed(problems, document.places)
    failed = any(problem.level == "error" for problem in problems)
    return (None if failed else document), problems


def targets(placed: Placed) -> set[str]:
    """The nodes that can follow a node, as far as its branches are connected."""
    found = {placed.target(branch) for branch in placed.node.branches()}
    return {target for target in found if target is not None}


def _branches(document: Document, drawn: Mapping[str, Any]) -> Iterable[Problem]:
    if document.start and document.start not in drawn:
        yield Problem("start", f"'{document.start}' is not a node{nearest(document.start, drawn)}")
    for placed in document.nodes.values():
        for branch in placed.node.branches():
            if branch not in placed.node.FALLBACK and branch not in drawn[placed.id]:
                yield Problem(f"nodes.{placed.id}.{branch}", "leads nowhere: connect it, or send it to an end node")
        for branch, target in placed.branches.items():
            if target not in drawn:
                yield Problem(f"nodes.{placed.id}.{branch}", f"'{target}' is not a node{nearest(target, drawn)}")


def _ends(drawn: Mapping[str, Any]) -> Iterable[Problem]:
    if drawn and not any(isinstance(one, dict) and "end" in one for one in drawn.values()):
        yield Problem("nodes", "no end node: a journey needs at least one")


def _unreached(document: Document, drawn: Mapping[str, Any]) -> Iterable[Problem]:
    """Nodes that no way leads to. Not told while a way leads to a name that is no node: it may be the missing one."""
    seen: set[str] = set()
    todo = [document.start]
    while todo:
        id_ = todo.pop()
        if id_ not in drawn:
            return
        if id_ not in seen:
            seen.add(id_)
            todo.extend(targets(document.nodes[id_]) if id_ in document.nodes else _guessed(drawn[id_], drawn))
    for id_ in drawn:
        if id_ not in seen:
            yield Problem(f"nodes.{id_}", "cannot be reached from the start")


def _guessed(raw: Any, drawn: Mapping[str, Any]) -> list[str]:
    """Where a node that could not be parsed seems to lead."""
    values: list[Any] = list(cast("dict[str, Any]", raw).values()) if isinstance(raw, dict) else []
    return [value for value in values if isinstance(value, str) and value in drawn]


def _loops(document: Document) -> Iterable[Problem]:
    """A circle that can be gone round at once would never rest."""
    at_once = {id_: _at_once(placed) & document.nodes.keys() for id_, placed in document.nodes.items()}
    rests = unfinished(document, at_once)
    quick = {id_: [] if id_ in rests else sorted(found) for id_, found in at_once.items()}
    for circle in circles(quick):
        way = way_round(quick, circle)
        yield Problem(f"nodes.{way[0]}", f"a loop without a wait of a minute or more: {' → '.join(way)}")


def _at_once(placed: Placed) -> set[str]:
    """The nodes that may follow without a minute having passed or the person having done something."""
    if placed.timing is not None and (placed.timing.delay or 0) >= MINUTE:
        return set()
    resting = placed.node.resting()
    found = {placed.target(branch) for branch in placed.node.branches() if branch not in resting}
    return {target for target in found if target is not None}


def _references(document: Document, drawn: Mapping[str, Any]) -> Iterable[Problem]:
    """Settings that name another node must name a send node."""
    sends = {id_ for id_, placed in document.nodes.items() if any(placed.node.templates())}
    broken = drawn.keys() - document.nodes.keys()
    for id_, placed in document.nodes.items():
        settings = placed.node.settings
        named: list[tuple[str, str]] = []
        if placed.node.KIND == "message_state":
            named.append(("message_state.node", settings["node"]))
        if id_ in sends and (earlier := same_as(settings)) is not None:
            named.append((f"{placed.node.KIND}.channel.same_as", earlier))
        for field, node in named:
            if node not in sends and node not in broken:
                yield Problem(f"nodes.{id_}.{field}", f"'{node}' is not a send node{nearest(node, sends)}")


def _templates(document: Document, known: Mapping[str, str] | None) -> Iterable[Problem]:
    if known is None:
        return
    for id_, placed in document.nodes.items():
        for setting, channels, template in placed.node.templates():
            where = f"nodes.{id_}.{placed.node.KIND}.{setting}"
            if template not in known:
                yield Problem(
                    where,
                    f"there is no template '{template}'{nearest(template, known)}; push it with `wend template push`",
                )
            elif channels and known[template] not in channels:
                yield Problem(where, f"template '{template}' is for {known[template]}, not for {', '.join(channels)}")
            elif len(channels) > 1:
                others = ", ".join(one for one in channels if one != known[template])
                why = f"template '{template}' is for {known[template]} only: give one for each channel, or on {others} it is refused"
                yield Problem(where, why, "warning")


_SET_UP = {
    "service": "set it up with `wend service set`",
    "pool": "make it with `wend coupon pool`",
    "team": "add it to `team` of the settings",
    "audience": "add it to `audiences` of the settings",
    "journey": "push it with `wend journey push`",
    "list": "make it with `wend segment push`",
    "stage": "add it to `funnel` of the settings",
}


def _outside(document: Document, known: Known) -> Iterable[Problem]:
    """What an operator sets up must be there: without it the executor could only fail."""
    there = {"service": known.services, "pool": known.pools, "team": known.teams, "audience": known.audiences}
    there["stage"] = known.stages
    if known.journeys is not None:
        there["journey"] = known.journeys | {document.id}
    if known.segments is not None:
        there["list"] = frozenset(one for one, kind in known.segments.items() if kind == "list")
    for id_, placed in document.nodes.items():
        for kind, setting, name in placed.node.names():
            allowed = there.get(kind)
            if allowed is not None and name not in allowed:
                where = f"nodes.{id_}.{placed.node.KIND}.{setting}"
                yield Problem(where, f"there is no {kind} '{name}'{nearest(name, allowed)}; {_SET_UP[kind]}")


def _named(document: Document, known: Known) -> Iterable[Problem]:
    """An event, attribute or journey never heard of may simply be new: a warning."""
    listened: list[tuple[str, Condition]] = [(where, one) for where, one in _conditions(document)]
    events = [*_event_names(document), *((where, name) for where, one in listened for name in one.listens().events)]
    yield from _strange(events, known.events, _EVENT)
    attributes = [(where, name) for where, one in listened for name in one.listens().attributes]
    attributes += [
        ("entry.on", one.path.split(".")[0]) for one in document.triggers if isinstance(one, OnAttribute | OnDate)
    ]
    for id_, placed in document.nodes.items():
        where = f"nodes.{id_}.{placed.node.KIND}"
        attributes += [(where, one.path.split(".")[0]) for one in placed.node.values() if one.source == "attribute"]
    yield from _strange(attributes, known.attributes, _ATTRIBUTE)
    journeys = [("entry.on", one.journey) for one in document.triggers if isinstance(one, OnMessage) and one.journey]
    yield from _strange(journeys, known.journeys, "journey '{}' is known")


def _goals(document: Document) -> Iterator[Problem]:
    for id_, placed in document.nodes.items():
        if document.goal is None and placed.node.settings.get("optimise"):
            yield Problem(f"nodes.{id_}.split.optimise", "the journey has no goal to be optimised for")


def _strange(named: list[tuple[str, str]], known: frozenset[str] | None, message: str) -> Iterator[Problem]:
    if not known:
        return
    where_of: dict[str, str] = {}
    for where, name in named:
        where_of.setdefault(name, where)
    for name, where in where_of.items():
        if name not in known and name not in ("*", "timezone"):
            yield Problem(where, f"no {message.format(name)}{nearest(name, known)}", "warning")


def _event_names(document: Document) -> Iterator[tuple[str, str]]:
    for trigger in document.triggers:
        if isinstance(trigger, OnEvent):
            yield from (("entry.on", name) for name in sorted(trigger.pattern.names))
    for id_, placed in document.nodes.items():
        yield from ((f"nodes.{id_}.{placed.node.KIND}", name) for name in sorted(placed.node.listens().events))
    yield from (("exit_when", name) for pattern in document.exit.patterns for name in sorted(pattern.names))
    if document.goal is not None:
        yield from (("goal", name) for name in sorted(document.goal.pattern.names))


def _conditions(document: Document) -> Iterator[tuple[str, Condition]]:
    if document.where is not None:
        yield "entry.where", document.where
    for trigger in document.triggers:
        if isinstance(trigger, OnEvent):
            yield from (("entry.on", one) for one in trigger.pattern.conditions())
    for pattern in document.exit.patterns:
        yield from (("exit_when", one) for one in pattern.conditions())
    yield from (("exit_when", one) for one in document.exit.conditions)
    if document.goal is not None:
        yield from (("goal", one) for one in document.goal.pattern.conditions())
    for id_, placed in document.nodes.items():
        yield from ((f"nodes.{id_}.{placed.node.KIND}", one) for one in placed.node.conditions())


def segments_used(document: Document) -> list[tuple[str, str]]:
    """(where, segment) of every segment that the journey reads: in its conditions (nodes, entry, exit, goal) and triggers."""
    found = [(where, id) for where, one in _conditions(document) for id in segments_read(one)]
    for trigger in document.triggers:
        found += (("entry.on", id) for one in trigger_conditions(trigger) for id in segments_read(one))
        segment = getattr(trigger, "segment", None)
        if isinstance(segment, str):
            found.append(("entry.on", segment))
    return list(dict.fromkeys(found))


def lists_used(document: Document) -> list[tuple[str, str]]:
    """(where, list) of every list that the journey changes."""
    return [
        (f"nodes.{id}.{placed.node.KIND}.list", placed.node.settings["list"])
        for id, placed in document.nodes.items()
        if placed.node.KIND in ("list_add", "list_remove")
    ]


def unknown_segments(used: Iterable[tuple[str, str]], known: Mapping[str, str] | None) -> Iterator[Problem]:
    """What is read and is no segment."""
    for where, id in used:
        if known is not None and id not in known:
            yield Problem(where, f"there is no segment '{id}'{nearest(id, known)}")


def strange_names(condition: Condition, where: str, known: Known) -> Iterator[Problem]:
    """Warnings of events and attributes in a condition that nobody has heard of, with the nearest known."""
    listens = condition.listens()
    yield from _strange([(where, name) for name in sorted(listens.events)], known.events, _EVENT)
    yield from _strange([(where, name) for name in sorted(listens.attributes)], known.attributes, _ATTRIBUTE)


_EVENT = "event '{}' has been received so far"
_ATTRIBUTE = "person has an attribute '{}' so far"
