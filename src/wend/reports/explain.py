"""Why a condition is not fulfilled: the parts that are false, each with the value that was found. No decision is made here."""

from __future__ import annotations

from typing import Any, cast

from wend.core.attributes import get
from wend.core.condition.base import Condition, View
from wend.core.condition.groups import All, Any_, Not
from wend.core.problems import shown

_MOST = 10
_MISSING = object()


def explain(condition: Condition, view: View) -> list[str]:
    """The parts of a condition that make it false for `view`, at most ten; nothing when it is true."""
    if condition.check(view).value:
        return []
    if isinstance(condition, All):
        return [line for part in condition.parts for line in explain(part, view)][:_MOST]
    if isinstance(condition, Any_):
        return [line for part in condition.parts for line in explain(part, view)][:_MOST]
    if isinstance(condition, Not):
        return [f"{said(condition.part.dump())} holds{_found(condition.part.dump(), view)}"]
    return [f"{said(condition.dump())} does not hold{_found(condition.dump(), view)}"]


def said(raw: Any) -> str:
    """A condition in one line: `attribute plan is 'pro'`."""
    if not isinstance(raw, dict):
        return shown(raw)
    parts = cast("dict[str, Any]", raw)
    words: list[str] = []
    for at, (name, value) in enumerate(parts.items()):
        plain = at == 0 and isinstance(value, str)
        words.append(f"{name} {value if plain else said(value)}")
    return " ".join(words)


def _found(raw: dict[str, Any], view: View) -> str:
    """What there was instead, where that is one value."""
    value: Any = _MISSING
    match next(iter(raw.items()), ("", "")):
        case ("attribute", str(path)):
            value = get(view.profile.attributes, path)
        case ("property", str(path)):
            value = get(view.properties or {}, path)
        case ("context", str(path)):
            value = get(view.context or {}, path)
        case ("score", _):
            value = view.profile.score
        case ("tag", _):
            value = view.profile.tags
        case ("stage", _):
            value = view.profile.stage or None
        case _:
            return ""
    return ": there was none" if value is None else f": it was {shown(value)}"
