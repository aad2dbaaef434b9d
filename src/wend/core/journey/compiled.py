"""A published journey version, made ready for the walker: what each node listens to, what must be kept of events, where loops are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, assert_never

from wend.core.attributes import get
from wend.core.condition.base import Condition, Listens
from wend.core.journey.check import targets
from wend.core.journey.circles import circles
from wend.core.journey.contract import Node
from wend.core.journey.document import Document
from wend.core.journey.happened import (
    Answered,
    AttributesChanged,
    BusinessHappened,
    EventHappened,
    FactsChanged,
    FenceCrossed,
    Happened,
    Merged,
    MessageChanged,
    Overheard,
    ScoreChanged,
    SegmentChanged,
    StageChanged,
    StartAsked,
    TagAdded,
)
from wend.core.journey.triggers import conditions as trigger_conditions

KEY_LENGTH = 100
"""Longer keys (and lists, and objects) are kept as their hash: nothing in a state may grow without a bound."""


class Compiled:
    """One version of one journey. Immutable once made."""

    def __init__(self, document: Document, version: int, reads: Mapping[str, Iterable[str]] | None = None) -> None:
        """`reads`: what its templates read, {"entry": names, "event": names, "facts": names}; None: not known, keep everything."""
        self.document = document
        self.id = document.id
        self.version = version
        self.listens = {id_: placed.node.listens() for id_, placed in document.nodes.items()}
        self.exit_listens = Listens()
        for condition in document.exit.conditions:
            self.exit_listens |= condition.listens()
        patterns = [*document.exit.patterns, *([document.goal.pattern] if document.goal is not None else [])]
        everywhere = self.exit_listens | Listens(events=frozenset(name for one in patterns for name in one.names))
        self.reach = {id_: listens | everywhere for id_, listens in self.listens.items()}
        """node → all that can matter in any way to a run that rests there."""
        graph = {id_: sorted(targets(placed)) for id_, placed in document.nodes.items()}
        self.on_circle = frozenset(id_ for circle in circles(graph) for id_ in circle)
        self.keeps = None if reads is None else self._kept(reads)
        self.facts = frozenset(reads.get("facts", ())) if reads is not None else frozenset[str]()
        self.facts = self.facts.union(*(placed.node.reads() for placed in document.nodes.values()))
        listens_to_messages = any("messages" in one.listens().facts for one in self.conditions())
        self.keeps_sends = listens_to_messages or any(
            placed.node.KIND == "message_state" or isinstance(placed.node.settings.get("channel"), dict)
            for placed in document.nodes.values()
        )

    def conditions(self) -> Iterator[Condition]:
        """All conditions of the journey."""
        document = self.document
        for trigger in document.triggers:
            yield from trigger_conditions(trigger)
        if document.where is not None:
            yield document.where
        for pattern in document.exit.patterns:
            yield from pattern.conditions()
        yield from document.exit.conditions
        if document.goal is not None:
            yield from document.goal.pattern.conditions()
        for placed in document.nodes.values():
            yield from placed.node.conditions()

    def node(self, id_: str) -> Node:
        return self.document.nodes[id_].node

    def key_of(self, properties: Mapping[str, Any]) -> Any:
        """The key that an event (or the attributes) carries, as runs keep it; None: none, or the journey has no key."""
        found = None if self.document.key is None else get(properties, self.document.key)
        if found is None or (isinstance(found, str | int | float) and len(str(found)) <= KEY_LENGTH):
            return found
        return blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def cut(self, properties: dict[str, Any]) -> dict[str, Any]:
        """The properties that somebody will read."""
        if self.keeps is None:
            return properties
        return {name: value for name, value in properties.items() if name in self.keeps}

    def _kept(self, reads: Mapping[str, Iterable[str]]) -> frozenset[str]:
        names = {*reads.get("entry", ()), *reads.get("event", ())}
        for placed in self.document.nodes.values():
            names |= {one.path for one in placed.node.values() if one.source in ("entry", "event")}
        return frozenset(name.split(".")[0] for name in names)


def concerns(listens: Listens, happened: Happened) -> bool:
    """Whether what happened can change what `listens` describes."""
    match happened:
        case EventHappened(event, facts) | Overheard(event, facts):
            return event.name in listens.events or "*" in listens.events or not facts.isdisjoint(listens.facts)
        case AttributesChanged(changes):
            return any(path.split(".")[0] in listens.attributes for path in changes)
        case TagAdded():
            return "tags" in listens.facts
        case ScoreChanged():
            return "score" in listens.facts
        case MessageChanged():
            return "messages" in listens.facts
        case FactsChanged(facts):
            return not facts.isdisjoint(listens.facts)
        case SegmentChanged(segment):
            return f"segment:{segment}" in listens.facts
        case StageChanged():
            return "stage" in listens.facts
        case FenceCrossed(fence):
            return f"fence:{fence}" in listens.facts
        case Answered():
            return "answers" in listens.facts
        case Merged():
            return True
        case StartAsked() | BusinessHappened():
            return False
        case _:
            assert_never(happened)
