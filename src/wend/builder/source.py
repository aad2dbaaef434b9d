"""From a document to the Python that draws it: `to_python`. Running the text makes a journey with an equal document."""

from __future__ import annotations

import keyword
from pprint import pformat
from typing import Any, cast

from wend.core.journey.document import ENTRY_KEYS
from wend.core.journey.fields import RESERVED
from wend.core.journey.nodes import NODES

_WIDTH = 100


def to_python(document: dict[str, Any]) -> str:
    """The text of a Python module that draws the document as `journey`. Any document that `parse` accepts can be written."""
    lines = ["from wend import Journey", ""]
    nodes = cast("dict[str, dict[str, Any]]", document.get("nodes", {}))
    settings = {name: value for name, value in document.items() if name not in ("id", "nodes", "entry")}
    if "entry" in document:
        entry = cast("dict[str, Any]", document["entry"])
        flat = isinstance(document["entry"], dict) and bool(entry) and set(entry) <= set(ENTRY_KEYS)
        settings |= entry if flat else {"entry": entry}
    if nodes and settings.get("start") == next(iter(nodes)):
        del settings["start"]
    lines.append(_call("journey = Journey", document["id"], settings))
    for id, raw in nodes.items():
        lines.append(_node(id, raw))
    links = [_links(id, raw) for id, raw in nodes.items()]
    return "\n".join([*lines, *(["", *filter(None, links)] if any(links) else []), ""])


def _kind(raw: dict[str, Any]) -> str:
    return next(name for name in raw if name in NODES)


def _node(id: str, raw: dict[str, Any]) -> str:
    kind = _kind(raw)
    value = raw[kind]
    beside = {name: raw[name] for name in RESERVED if name in raw}
    named = isinstance(value, dict) and not set(RESERVED) & cast("dict[str, Any]", value).keys()
    bare = "" if named else f", {_shown(value)}"
    return _call(f"{_name(id)} = journey.{kind}", id, {**(value if named else {}), **beside}, bare)


def _links(id: str, raw: dict[str, Any]) -> str:
    kind = _kind(raw)
    branches = {name: target for name, target in raw.items() if name != kind and name not in RESERVED}
    if not branches:
        return ""
    return f"{_name(id)}.to({_arguments(branches)})"


def _call(function: str, id: Any, settings: dict[str, Any], bare: str = "") -> str:
    arguments = _arguments(settings)
    return f"{function}({_shown(id)}{bare}{', ' if arguments else ''}{arguments})"


def _arguments(settings: dict[str, Any]) -> str:
    """As keyword arguments; names that Python cannot write as such go through a mapping."""
    plain = [f"{name}={_shown(value)}" for name, value in settings.items() if _writable(name)]
    odd = {name: value for name, value in settings.items() if not _writable(name)}
    return ", ".join([*plain, *([f"**{_shown(odd)}"] if odd else [])])


def _writable(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def _name(id: str) -> str:
    """A variable for the node; the prefix keeps it off Python's words and ours."""
    return "n_" + "".join(letter if letter.isalnum() else "_" + format(ord(letter), "x") for letter in id)


def _shown(value: Any) -> str:
    return pformat(value, width=_WIDTH, sort_dicts=False, compact=True)
