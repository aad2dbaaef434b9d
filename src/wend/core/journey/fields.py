"""Types of settings. A node kind declares its settings once, as fields; parsing, JSON Schema (the designer's form) and the docs
table come from that declaration.

A type parses the document's raw value; on a fault it adds a Problem that says where, what was found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.condition.syntax import parse as parse_condition
from wend.core.consent import CHANNELS
from wend.core.duration import parse_duration
from wend.core.journey.values import is_number, parse_value
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import parse_time

RESERVED = ("timing", "title", "note")
"""Keys of a node that are neither its kind nor a branch."""

Parser = Callable[[Any, str, list[Problem]], Any]


@dataclass(frozen=True, slots=True)
class Type:
    """One type of setting: its parser and its JSON Schema."""

    parse: Parser
    schema: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a node kind."""

    type: Type
    doc: str
    required: bool = False
    default: Any = None
    unless: str = ""
    """Required only where this other setting is not given."""


def parse_settings(
    raw: Mapping[str, Any], fields: Mapping[str, Field], where: str, problems: list[Problem]
) -> dict[str, Any]:
    """Parse `raw` by `fields`. Unknown and missing settings become problems; what could be read is returned."""
    for name in raw:
        if name not in fields:
            allowed = ", ".join(fields) or "none"
            problems.append(
                Problem(
                    f"{where}.{name}", f"'{name}' is not a setting here{nearest(name, fields)} (allowed: {allowed})"
                )
            )
    values: dict[str, Any] = {}
    for name, one in fields.items():
        if raw.get(name) is None:
            values[name] = one.default
            if one.required and (not one.unless or raw.get(one.unless) is None):
                problems.append(Problem(f"{where}.{name}", "is missing"))
        else:
            values[name] = one.type.parse(raw[name], f"{where}.{name}", problems)
    return values


def settings_schema(fields: Mapping[str, Field]) -> dict[str, Any]:
    """JSON Schema of an object with these settings."""
    return {
        "type": "object",
        "properties": {name: {**one.type.schema, "description": one.doc} for name, one in fields.items()},
        "required": [name for name, one in fields.items() if one.required and not one.unless],
        "additionalProperties": False,
    }


def _refuse(what: str) -> Callable[[Any, str, list[Problem]], None]:
    def refuse(raw: Any, where: str, problems: list[Problem]) -> None:
        problems.append(Problem(where, f"expected {what}, found {shown(raw)}"))

    return refuse


def _text(raw: Any, where: str, problems: list[Problem]) -> str | None:
    if isinstance(raw, str) and raw.strip():
        return raw
    return _refuse("a text")(raw, where, problems)


def _number(raw: Any, where: str, problems: list[Problem]) -> float | int | None:
    return raw if is_number(raw) else _refuse("a number")(raw, where, problems)


def _boolean(raw: Any, where: str, problems: list[Problem]) -> bool | None:
    return raw if isinstance(raw, bool) else _refuse("true or false")(raw, where, problems)


def _duration(raw: Any, where: str, problems: list[Problem]) -> int | None:
    try:
        return parse_duration(raw)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
        return None


def _time_of_day(raw: Any, where: str, problems: list[Problem]) -> str | None:
    try:
        parse_time(raw)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
        return None
    return cast(str, raw)


TEXT = Type(_text, {"type": "string"})
NUMBER = Type(_number, {"type": "number"})
BOOLEAN = Type(_boolean, {"type": "boolean"})
DURATION = Type(_duration, {"type": "string", "format": "wend-duration", "examples": ["2h", "7d"]})
TIME_OF_DAY = Type(_time_of_day, {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"})
VALUE = Type(parse_value, {"format": "wend-value"})


def _branch(raw: Any, where: str, problems: list[Problem]) -> str | None:
    if isinstance(raw, str) and raw.strip() and raw not in RESERVED:
        return raw
    return _refuse("the name of a branch")(raw, where, problems)


BRANCH = Type(_branch, {"type": "string"})


def choice(*names: str) -> Type:
    """One of a closed list of names."""

    def parse(raw: Any, where: str, problems: list[Problem]) -> str | None:
        if raw in names:
            return raw
        hint = nearest(raw, names) if isinstance(raw, str) else ""
        problems.append(Problem(where, f"{shown(raw)} is not allowed here{hint} (allowed: {', '.join(names)})"))
        return None

    return Type(parse, {"enum": list(names)})


def _channel(raw: Any, where: str, problems: list[Problem]) -> str | None:
    if raw in CHANNELS:
        return raw
    hint = nearest(raw, CHANNELS) if isinstance(raw, str) else ""
    problems.append(Problem(where, f"{shown(raw)} is not a channel{hint}"))
    return None


CHANNEL = Type(_channel, {"enum": list(CHANNELS)})


def condition(*inside: str) -> Type:
    """A condition; `inside` says what else it may read: 'event' (properties, context), 'journey' (run_age, rounds …)."""
    around = frozenset(inside)

    def parse(raw: Any, where: str, problems: list[Problem]) -> Condition | None:
        return parse_condition(raw, where, problems, inside=around)

    return Type(parse, {"type": "object", "format": "wend-condition"})


def mapping_of(inner: Type, what: str, *, branches: bool = False) -> Type:
    """A mapping from names to values of one type; with `branches` the names become branches of the node."""

    def parse(raw: Any, where: str, problems: list[Problem]) -> dict[str, Any]:
        if not isinstance(raw, dict) or not raw:
            problems.append(Problem(where, f"expected {what}, found {shown(raw)}"))
            return {}
        raw_map = cast("dict[str, Any]", raw)
        for name in raw_map if branches else ():
            if not str(name).strip() or name in RESERVED:
                problems.append(Problem(f"{where}.{name}", f"'{name}' cannot be the name of a branch"))
        return {str(name): inner.parse(value, f"{where}.{name}", problems) for name, value in raw_map.items()}

    return Type(parse, {"type": "object", "additionalProperties": inner.schema})


def list_of(inner: Type, *, or_one: bool = False) -> Type:
    """A list of values of one type; with `or_one` a single value stands for a list of one."""

    def parse(raw: Any, where: str, problems: list[Problem]) -> tuple[Any, ...]:
        if or_one and not isinstance(raw, list):
            return (inner.parse(raw, where, problems),)
        if not isinstance(raw, list) or not raw:
            problems.append(Problem(where, f"expected a list with at least one entry, found {shown(raw)}"))
            return ()
        raw_list = cast("list[Any]", raw)
        return tuple(inner.parse(one, f"{where}[{at}]", problems) for at, one in enumerate(raw_list))

    many = {"type": "array", "items": inner.schema}
    return Type(parse, {"anyOf": [inner.schema, many]} if or_one else many)
