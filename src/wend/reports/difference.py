"""What differs between two versions of a journey: settings by their path, nodes added, removed and changed, branches led elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from wend.core.journey.document import parse
from wend.core.problems import shown

_DRAWING = ("layout",)
"""Parts of a document that only say how it is drawn."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `where` is a dotted path; `before` and `after` are what the documents say there (None: nothing)."""

    where: str
    what: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        match self.what:
            case "added":
                return f"+ {self.where}: {shown(self.after)}"
            case "removed":
                return f"- {self.where}: {shown(self.before)}"
            case _:
                return f"~ {self.where}: {shown(self.before)} → {shown(self.after)}"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """All differences, settings of the journey first, then its nodes in the order of the newer document."""
    found = list(_within("", _head(before), _head(after)))
    old, new = _nodes(before), _nodes(after)
    was, becomes = _kinds(before), _kinds(after)
    for node in [*new, *(node for node in old if node not in new)]:
        where = f"nodes.{node}"
        if node not in old:
            found.append(Difference(where, "added", after=new[node]))
        elif node not in new:
            found.append(Difference(where, "removed", before=old[node]))
        elif was.get(node) != becomes.get(node):
            found.append(Difference(where, "changed", old[node], new[node]))
        else:
            found += _within(where, old[node], new[node])
    return found


def _head(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "nodes" and name not in _DRAWING}


def _nodes(document: Mapping[str, Any]) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", document.get("nodes") or {}))


def _kinds(document: Mapping[str, Any]) -> dict[str, str]:
    parsed = parse(dict(document), [])
    return {} if parsed is None else {id: placed.node.KIND for id, placed in parsed.nodes.items()}


def _within(where: str, before: Any, after: Any) -> Iterator[Difference]:
    """Mappings are looked into, everything else is compared as a whole. True is not 1."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for name in [*new, *(name for name in old if name not in new)]:
            path = f"{where}.{name}" if where else name
            if name not in old:
                yield Difference(path, "added", after=new[name])
            elif name not in new:
                yield Difference(path, "removed", before=old[name])
            else:
                yield from _within(path, old[name], new[name])
    elif not _equal(cast("object", before), cast("object", after)):
        yield Difference(where, "changed", before, after)


def _equal(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
