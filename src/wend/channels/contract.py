"""What a provider is, what it is given and what it may answer.

A provider is one file: a frozen settings dataclass (secrets marked with `secret()`), and an object with
- `channel`, the channel it speaks on, and `supports`, the features of it that it can express;
- `real`: it reaches people (the built-in inbox does not); `idempotent`: sending the same effect id twice arrives once,
  so an attempt whose answer was lost may be repeated (engine.md 9);
- `send(batch)`: one outcome per message, in order. It never raises for what a message or the other side did; it never
  answers `Later` or `Refused` when the message may have arrived: that is `Unknown`.
Providers know neither the database nor each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

from wend.core.problems import Problem, nearest

T = TypeVar("T")

RefusalClass = Literal["address", "content", "account"]
"""Whose fault a refusal is. address: suppress it · content: only this message fails · account: pause the channel."""


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered message. `html` is '' where there is none; `headers` are extra e-mail headers, checked again by the provider.

    `at` is the instant (ms UTC) that the message bears. `content` holds what other channels need beside the text
    (title, url, image, buttons …).
    """

    effect_id: str
    channel: str
    to: str
    text: str
    at: int
    subject: str = ""
    html: str = ""
    sender: str = ""
    """The From header: `Name <address>` or an address. Empty: the provider's own."""
    reply_to: str = ""
    envelope: str = ""
    """Address for bounces. Empty: that of `sender`."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it over; `provider_id` is what it calls the message."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it."""

    why: str
    kind: RefusalClass


@dataclass(frozen=True, slots=True)
class Later:
    """Not now, certainly not taken. `after` in ms; 0: the sender's own back-off decides.

    `account`: it is not this message's matter (no connection, throttled): many of these in a row pause the account.
    """

    why: str
    after: int = 0
    account: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The bytes went out and no answer came. Never resent, unless the provider is idempotent."""

    why: str


Outcome = Accepted | Refused | Later | Unknown


class Provider(Protocol):
    """See the module's docstring."""

    @property
    def channel(self) -> str: ...

    @property
    def account(self) -> str:
        """What is paced and paused as one: usually the provider's name and its user or host."""
        ...

    @property
    def supports(self) -> frozenset[str]: ...

    @property
    def real(self) -> bool: ...

    @property
    def idempotent(self) -> bool: ...

    @property
    def batch(self) -> int:
        """Most messages for one call of `send`."""
        ...

    @property
    def width(self) -> int:
        """Messages that it works on at once; no more are marked as being sent at a time."""
        ...

    async def send(self, batch: Sequence[Message]) -> list[Outcome]: ...

    async def close(self) -> None:
        """Let go of connections. A closed provider opens them anew when it is asked to send."""
        ...


def secret(default: str = "", help: str = "") -> Any:
    """A settings field that is stored encrypted, never shown and never logged."""
    return field(default=default, repr=False, metadata={"secret": True, "help": help})


def setting(default: Any = dataclasses.MISSING, help: str = "", **limits: Any) -> Any:
    """A settings field with its explanation; `limits` are JSON Schema words (minimum, maximum, enum …)."""
    metadata = {"help": help, "limits": limits}
    if default is dataclasses.MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


_JSON_TYPE: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", float: "number"}


def settings_schema(kind: type[Any]) -> dict[str, Any]:
    """JSON Schema of a settings dataclass: the form in the UI, the check, the docs table."""
    hints = get_type_hints(kind)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for each in dataclasses.fields(kind):
        words: dict[str, Any] = {"type": _JSON_TYPE.get(hints[each.name], "string")}
        if each.metadata.get("help"):
            words["description"] = each.metadata["help"]
        words.update(each.metadata.get("limits", {}))
        if each.metadata.get("secret"):
            words["writeOnly"] = True
        if each.default is dataclasses.MISSING:
            required.append(each.name)
        elif not each.metadata.get("secret"):
            words["default"] = each.default
        properties[each.name] = words
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def parse_settings(kind: type[T], raw: Mapping[str, Any], where: str, problems: list[Problem]) -> T | None:
    """Settings from plain data; all that is wrong with it goes to `problems`, and then there is no result."""
    schema = settings_schema(kind)
    before = len(problems)
    properties: dict[str, dict[str, Any]] = schema["properties"]
    for name in raw:
        if name not in properties:
            problems.append(Problem(f"{where}.{name}", f"is not a setting{nearest(name, properties)}", "error"))
    for name in schema["required"]:
        if name not in raw:
            problems.append(Problem(f"{where}.{name}", "is missing", "error"))
    for name, value in raw.items():
        if name in properties:
            _check_setting(properties[name], value, f"{where}.{name}", problems)
    return None if len(problems) > before else kind(**raw)


def _check_setting(words: Mapping[str, Any], value: object, where: str, problems: list[Problem]) -> None:
    wanted = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}[words["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and words["type"] != "boolean"):
        problems.append(Problem(where, f"must be a {words['type']}, not {type(value).__name__}", "error"))
        return
    if "enum" in words and value not in words["enum"]:
        hint = nearest(str(value), words["enum"])
        problems.append(Problem(where, f"{value!r} is not one of {', '.join(words['enum'])}{hint}", "error"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "minimum" in words and value < words["minimum"]:
            problems.append(Problem(where, f"must be at least {words['minimum']}, not {value}", "error"))
        if "maximum" in words and value > words["maximum"]:
            problems.append(Problem(where, f"must be at most {words['maximum']}, not {value}", "error"))
