"""Checks a whole journey before it is published, with all errors at once (journeys.md, "Node kinds", last paragraph).

Drafts may be incomplete; publishing is strict. Errors say node and field and the nearest valid name; warnings do not stop a publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wend.core.journey.document import Document, parse
from wend.core.journey.nodes.send import Send
from wend.core.journey.triggers import OnEvent
from wend.core.problems import Problem, nearest


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace knows; None where it is not known, then nothing is said about it."""

    templates: Mapping[str, str] | None = None
    """template id → channel."""
    events: frozenset[str] | None = None
    attributes: frozenset[str] | None = None
    journeys: frozenset[str] | None = None


def check(raw: Any, known: Known | None = None) -> tuple[Document | None, list[Problem]]:
    """Parse and check a raw document. The document is None when there is an error among the problems."""
    problems: list[Problem] = []
    document = parse(raw, problems)
    if document is None:
        return None, problems
    broken = {problem.where.split(".")[1] for problem in problems if problem.where.startswith("nodes.")}
    problems += _branches(document, broken)
    if not problems:
        problems += [*_ends(document), *_unreached(document), *_loops(document)]
    problems += _references(document, broken)
    problems += _templates(document, (known or Known()).templates)
    problems += _events(document, (known or Known()).events)
    failed = any(problem.level == "error" for problem in problems)
    return (None if failed else document), problems


def targets(document: Document, id_: str) -> set[str]:
    """The nodes that can follow a node."""
    placed = document.nodes[id_]
    found = {placed.target(branch) for branch in placed.node.branches()}
    return {target for target in found if target is not None and target in document.nodes}


def _branches(document: Document, broken: set[str]) -> Iterable[Problem]:
    ids = {*document.nodes, *broken}
    if document.start and document.start not in ids:
        yield Problem("start", f"'{document.start}' is not a node{nearest(document.start, ids)}")
    for placed in document.nodes.values():
        for branch in placed.node.branches():
            if placed.target(branch) is None:
                yield Problem(f"nodes.{placed.id}.{branch}", "leads nowhere: connect it, or send it to an end node")
        for branch, target in placed.branches.items():
            if target not in ids:
                yield Problem(f"nodes.{placed.id}.{branch}", f"'{target}' is not a node{nearest(target, ids)}")


def _ends(document: Document) -> Iterable[Problem]:
    if not any(placed.node.KIND == "end" for placed in document.nodes.values()):
        yield Problem("nodes", "no end node: a journey needs at least one")


def _unreached(document: Document) -> Iterable[Problem]:
    seen: set[str] = set()
    todo = [document.start]
    while todo:
        id_ = todo.pop()
        if id_ not in seen:
            seen.add(id_)
            todo.extend(targets(document, id_))
    for id_ in document.nodes:
        if id_ not in seen:
            yield Problem(f"nodes.{id_}", "cannot be reached from the start")


def _loops(document: Document) -> Iterable[Problem]:
    """A circle of nodes none of which waits would never rest: look for circles among the nodes that do not wait."""
    quick = [id_ for id_, placed in document.nodes.items() if not placed.node.WAITS and placed.timing is None]
    state: dict[str, int] = {}
    for first in quick:
        stack: list[tuple[str, list[str]]] = [(first, sorted(targets(document, first)))] if first not in state else []
        if stack:
            state[first] = 1
        while stack:
            id_, left = stack[-1]
            if not left:
                state[id_] = 2
                stack.pop()
                continue
            nxt = left.pop()
            if nxt not in quick or state.get(nxt) == 2:
                continue
            if state.get(nxt) == 1:
                path = [one for one, _ in stack]
                circle = [*path[path.index(nxt) :], nxt]
                yield Problem(f"nodes.{nxt}", f"a loop without a wait: {' → '.join(circle)}")
                return
            state[nxt] = 1
            stack.append((nxt, sorted(targets(document, nxt))))


def _references(document: Document, broken: set[str]) -> Iterable[Problem]:
    """Settings that name another node must name a send node."""
    sends = {id_ for id_, placed in document.nodes.items() if isinstance(placed.node, Send)}
    for id_, placed in document.nodes.items():
        settings = placed.node.settings
        named: list[tuple[str, Any]] = []
        if placed.node.KIND == "message_state":
            named.append(("message_state.node", settings["node"]))
        if isinstance(placed.node, Send) and isinstance(settings["channel"], dict):
            named.append(("send.channel.same_as", settings["channel"].get("same_as")))
        for field, node in named:
            if node not in sends and node not in broken:
                yield Problem(f"nodes.{id_}.{field}", f"'{node}' is not a send node{nearest(str(node), sends)}")


def _templates(document: Document, templates: Mapping[str, str] | None) -> Iterable[Problem]:
    if templates is None:
        return
    for id_, placed in document.nodes.items():
        if not isinstance(placed.node, Send):
            continue
        template, channel = placed.node.settings["template"], placed.node.settings["channel"]
        where = f"nodes.{id_}.send.template"
        if template not in templates:
            yield Problem(
                where,
                f"there is no template '{template}'{nearest(template, templates)}; push it with `wend template push`",
            )
        elif isinstance(channel, tuple) and templates[template] not in channel:
            yield Problem(where, f"template '{template}' is for {templates[template]}, not for {', '.join(channel)}")


def _events(document: Document, events: frozenset[str] | None) -> Iterable[Problem]:
    """An event never heard of may simply be new: a warning."""
    if not events:
        return
    named: dict[str, str] = {}
    for placed in document.nodes.values():
        for name in placed.node.listens().events:
            named.setdefault(name, f"nodes.{placed.id}.{placed.node.KIND}")
    for trigger in document.triggers:
        if isinstance(trigger, OnEvent):
            for name in trigger.pattern.names:
                named.setdefault(name, "entry.on.event")
    for name, where in named.items():
        if name != "*" and name not in events:
            yield Problem(where, f"no event '{name}' has been received so far{nearest(name, events)}", "warning")
