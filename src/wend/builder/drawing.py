"""The builder: a journey document, put together by calls. Every kind of node is a method of `Journey`, named like the kind.

Rules: the builder adds no meaning of its own. What it makes is the document that a YAML file would hold, checked by the same
function; `Journey.of` takes any document in, `document` gives it back equal.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from wend.content.documents import dump
from wend.core.journey.check import check
from wend.core.journey.document import ENTRY_KEYS
from wend.core.journey.fields import RESERVED
from wend.core.journey.nodes import NODES
from wend.core.problems import Problem, nearest


def event(name: str | list[str], where: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event as triggers, exit rules and goals name it: `event("Order Completed", where={"property": "total", "gt": 50})`.

    `more`: what the place allows beside it, such as `within="7d", value="total"` for a goal.
    """
    return {"event": name, **({"where": where} if where is not None else {}), **more}


class Placed:
    """One node in the drawing. `to` connects its branches."""

    def __init__(self, id: str, raw: dict[str, Any]) -> None:
        self.id = id
        self.raw = raw
        """The node as the document has it."""

    def to(self, /, **branches: Placed | str) -> Placed:
        """Connect branches to nodes (or to their ids): `pause.to(happened=done, timed_out=mail)`. Returns this node."""
        self.raw.update(
            {name: target.id if isinstance(target, Placed) else target for name, target in branches.items()}
        )
        return self

    def __repr__(self) -> str:
        return f"<node {self.id}: {self.raw}>"


class Journey:
    """A journey being drawn. The first node is the start, unless `start` says otherwise."""

    def __init__(self, id: str, /, **settings: Any) -> None:
        """`settings`: the keys of the document (name, goal, exit_when, priority, start, rule …) and of its entry (on, where, key,
        reentry, concurrency), as a YAML file has them."""
        self.nodes: dict[str, Placed] = {}
        self._document: dict[str, Any] = {"id": id}
        entry = {name: settings.pop(name) for name in ENTRY_KEYS if name in settings}
        for name, value in settings.items():
            self._document[name] = value.id if isinstance(value, Placed) else value
        if entry:
            self._document["entry"] = entry

    def node(self, id: str, kind: str, /, *bare: Any, **settings: Any) -> Placed:
        """Draw a node: its settings by name, or one bare value (`wait("2h")`); `timing`, `title` and `note` stand beside them.

        ValueError for a kind or an id that cannot be; everything else is said by `problems`.
        """
        if kind not in NODES:
            raise ValueError(f"'{kind}' is no kind of node{nearest(kind, NODES)} (kinds: {', '.join(NODES)})")
        if id in self.nodes:
            raise ValueError(f"there is a node '{id}' already")
        if len(bare) > 1 or (bare and settings.keys() - set(RESERVED)):
            raise ValueError(f"node '{id}': give either one bare value or settings by name")
        beside = {name: settings.pop(name) for name in RESERVED if name in settings}
        placed = self.nodes[id] = Placed(id, {kind: bare[0] if bare else settings, **beside})
        return placed

    def __getattr__(self, kind: str) -> _Kind:
        if kind.startswith("__") or kind not in NODES:
            raise AttributeError(f"a journey has no '{kind}'{nearest(kind, NODES)}")
        return _Kind(self, kind)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *NODES]

    @property
    def document(self) -> dict[str, Any]:
        """The document, as YAML and the API have it."""
        made = copy.deepcopy(self._document)
        if self.nodes:
            made["nodes"] = {id: copy.deepcopy(placed.raw) for id, placed in self.nodes.items()}
            made.setdefault("start", next(iter(self.nodes)))
        return made

    @classmethod
    def of(cls, document: dict[str, Any]) -> Journey:
        """A journey to go on drawing at, from a document. Its `document` equals the one given."""
        journey = cls.__new__(cls)
        made = copy.deepcopy(document)
        journey.nodes = {id: Placed(id, raw) for id, raw in made.pop("nodes", {}).items()}
        journey._document = made
        return journey

    def problems(self) -> list[Problem]:
        """All that is wrong with it, as publishing would say (apart from what only the workspace knows)."""
        return check(self.document)[1]

    def to_yaml(self) -> str:
        """The document as a YAML file."""
        return dump(self.document)

    def save(self, path: str | Path) -> None:
        """Write the YAML file."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


class _Kind:
    """`journey.wait` …: draws a node of this kind."""

    def __init__(self, journey: Journey, kind: str) -> None:
        self._journey = journey
        self._kind = kind

    def __call__(self, id: str, /, *bare: Any, **settings: Any) -> Placed:
        return self._journey.node(id, self._kind, *bare, **settings)
