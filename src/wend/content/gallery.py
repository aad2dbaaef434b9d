"""The gallery: journeys that many need, each with the messages and segments it uses, ready to be taken over.

The files lie in wend/templates: `journeys/`, `messages/` and `segments/`, one document each, named by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from wend.content.documents import load
from wend.core.journey.check import segments_used
from wend.core.journey.document import Document, parse

_ROOT = files("wend") / "templates"


@dataclass(frozen=True, slots=True)
class Entry:
    """One journey of the gallery."""

    id: str
    raw: dict[str, Any]
    document: Document
    templates: tuple[str, ...]
    """Ids of the messages it sends."""
    segments: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]
    """(kind, name) of what the workspace must bring itself: services, teams, coupon pools, stages …"""

    @property
    def description(self) -> str:
        """What it is for, in a sentence."""
        return str(self.raw.get("description", ""))


@cache
def entries() -> dict[str, Entry]:
    """The whole gallery by id, in the order of the alphabet."""
    found: dict[str, Entry] = {}
    for file in sorted((_ROOT / "journeys").iterdir(), key=lambda one: one.name):
        raw = load(file.read_text("utf-8"), file.name)
        document = parse(raw, [])
        assert document is not None, file.name
        placed = document.nodes.values()
        found[document.id] = Entry(
            document.id,
            raw,
            document,
            tuple(dict.fromkeys(name for one in placed for _, _, name in one.node.templates())),
            tuple(dict.fromkeys(id for _, id in segments_used(document))),
            tuple(dict.fromkeys((kind, name) for one in placed for kind, _, name in one.node.names())),
        )
    return found


def message(id: str) -> dict[str, Any]:
    """A message template of the gallery. KeyError: there is none of this id."""
    return _read("messages", id)


def segment(id: str) -> dict[str, Any]:
    """A segment of the gallery. KeyError: there is none of this id."""
    return _read("segments", id)


def _read(folder: str, id: str) -> dict[str, Any]:
    file = _ROOT / folder / f"{id}.yaml"
    if not file.is_file():
        raise KeyError(id)
    return load(file.read_text("utf-8"), file.name)
