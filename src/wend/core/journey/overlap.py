"""Journeys that may write to the same people for the same reason: a warning when one of them is published (journeys.md, "Rules").

Two journeys overlap when a trigger of one and a trigger of the other can be set off by the same thing and nothing shows that their
audiences are apart, or when they send the same template. Audiences are apart when one asks for what the other rules out: the
same attribute with other values, a segment against `not` that segment, two samples of one salt. It is a warning, never an error:
what it cannot see it takes for overlapping.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.journey.document import Document
from wend.core.journey.triggers import OnEvent
from wend.core.journey.triggers.base import Trigger
from wend.core.problems import Problem


def overlaps(document: Document, others: Iterable[Document]) -> Iterator[Problem]:
    """Warnings about live journeys (`others`) that overlap with `document`. The journey's own older version is left out."""
    for other in others:
        if other.id == document.id:
            continue
        shared = next((kind for kind in _same_trigger(document, other)), None)
        if shared is not None:
            yield Problem(
                "entry.on",
                f"journey '{other.id}' is live with the same trigger ({shared}) and may reach the same people;"
                " narrow `entry.where` of one, or set `priority` and a frequency cap",
                "warning",
            )
        for node, template in _templates(document):
            if template in {name for _, name in _templates(other)}:
                yield Problem(
                    f"nodes.{node}",
                    f"journey '{other.id}' sends template '{template}' too; a cap `same: template` keeps people from getting it twice",
                    "warning",
                )


def _same_trigger(one: Document, other: Document) -> Iterator[str]:
    if _apart([one.where], [other.where]):
        return
    for mine in one.triggers:
        for theirs in other.triggers:
            if _set_off_together(mine, theirs):
                yield mine.KIND


def _set_off_together(mine: Trigger, theirs: Trigger) -> bool:
    if isinstance(mine, OnEvent) and isinstance(theirs, OnEvent):
        a, b = mine.pattern, theirs.pattern
        if not (a.names & b.names or "*" in a.names | b.names):
            return False
        return not _apart([a.where], [b.where])
    return type(mine) is type(theirs) and mine == theirs


def _apart(mine: list[Condition | None], theirs: list[Condition | None]) -> bool:
    """Whether some part that one asks for rules out some part that the other asks for."""
    asked = [part for one in mine if one is not None for part in _parts(one.dump())]
    others = [part for one in theirs if one is not None for part in _parts(one.dump())]
    return any(_exclusive(a, b) for a in asked for b in others)


def _parts(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts all of which must hold."""
    if isinstance(raw.get("all"), list):
        return [inner for part in cast("list[dict[str, Any]]", raw["all"]) for inner in _parts(part)]
    return [raw]


def _exclusive(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a.get("not") == b or b.get("not") == a:
        return True
    for form in ("attribute", "property", "context"):
        if form in a and a.get(form) == b.get(form):
            return _values_apart(a, b)
    return "known" in a and "known" in b and a["known"] is not b["known"]


def _values_apart(a: dict[str, Any], b: dict[str, Any]) -> bool:
    mine, theirs = _values(a), _values(b)
    if mine is not None and theirs is not None:
        return not mine & theirs
    for one, other in ((a, b), (b, a)):
        values = _values(one)
        if values is not None and "is_not" in other and values == {_text(other["is_not"])}:
            return True
        if one.get("exists") is True and other.get("missing") is True:
            return True
    return False


def _values(raw: dict[str, Any]) -> set[str] | None:
    """The only values that fulfil a comparison; None when they cannot be listed."""
    if raw.get("ignore_case"):
        return None
    if "is" in raw:
        return {_text(raw["is"])}
    if isinstance(raw.get("in"), list):
        return {_text(value) for value in cast("list[Any]", raw["in"])}
    return None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _templates(document: Document) -> Iterator[tuple[str, str]]:
    for id, placed in document.nodes.items():
        yield from ((id, template) for _, _, template in placed.node.templates())
