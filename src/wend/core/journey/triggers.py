"""Triggers: what starts a run. One small class per kind; each says what it listens to and what of the happening the run keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from wend.core.attributes import get
from wend.core.condition.base import Condition
from wend.core.consent import CHANNELS
from wend.core.inputs import Event
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    Happened,
    MessageChanged,
    ScoreChanged,
    StartAsked,
    TagAdded,
)
from wend.core.journey.pattern import EventPattern, parse_pattern
from wend.core.journey.values import is_number
from wend.core.problems import Problem, nearest, shown

MESSAGE_STATES = ("delivered", "opened", "clicked")
_ANY = object()


@dataclass(frozen=True, slots=True)
class Sparked:
    """A trigger matched: `at` is when it happened, `data` what the run may read as `{entry: …}`."""

    at: int
    data: dict[str, Any]
    label: str
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class OnEvent:
    """`{event: Name, where: …}`; its `where` is judged by the walker, which knows the person."""

    KIND: ClassVar[str] = "event"
    pattern: EventPattern

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, EventHappened) and self.pattern.hears(happened.event.name):
            event = happened.event
            return Sparked(event.at, event.properties, f"event {event.name}", event)
        return None


@dataclass(frozen=True, slots=True)
class OnAttribute:
    """`{attribute_changed: path, from: x, to: y}`; null stands for "not there"."""

    KIND: ClassVar[str] = "attribute_changed"
    path: str
    old: Any = _ANY
    new: Any = _ANY

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, AttributesChanged):
            return None
        old, new = (
            get({root: change[side] for root, change in happened.changes.items()}, self.path) for side in (0, 1)
        )
        # 1 == True in Python, not in JSON.
        if (type(old), old) == (type(new), new):
            return None
        for wanted, found in ((self.old, old), (self.new, new)):
            if wanted is not _ANY and (wanted != found or isinstance(wanted, bool) is not isinstance(found, bool)):
                return None
        return Sparked(happened.at, {"attribute": self.path, "old": old, "new": new}, f"attribute {self.path} changed")


@dataclass(frozen=True, slots=True)
class OnScore:
    """`{score_crossed: {above: 50}}` or `{below: -100}`: crossing, never equality."""

    KIND: ClassVar[str] = "score_crossed"
    above: float | None = None
    below: float | None = None

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, ScoreChanged):
            return None
        up = self.above is not None and happened.old <= self.above < happened.new
        down = self.below is not None and happened.old >= self.below > happened.new
        if not up and not down:
            return None
        return Sparked(now, {"old": happened.old, "new": happened.new}, "score crossed")


@dataclass(frozen=True, slots=True)
class OnTag:
    """`{tag_added: vip}`."""

    KIND: ClassVar[str] = "tag_added"
    tag: str

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, TagAdded) and happened.tag == self.tag:
            return Sparked(now, {"tag": self.tag}, f"tag {self.tag} added")
        return None


@dataclass(frozen=True, slots=True)
class OnMessage:
    """`{message_opened: {template: …, journey: …, channel: …}}`; each filter may be left out. Machine opens do not count."""

    KIND: ClassVar[str] = "message"
    state: str
    template: str | None = None
    journey: str | None = None
    channel: str | None = None

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, MessageChanged):
            return None
        one = happened.feedback
        if one.state != self.state or one.machine:
            return None
        for wanted, found in ((self.template, one.template), (self.journey, one.journey), (self.channel, one.channel)):
            if wanted is not None and wanted != found:
                return None
        data = {"journey": one.journey, "template": one.template, "channel": one.channel, "url": one.url}
        return Sparked(one.at, data, f"message {one.state}")


@dataclass(frozen=True, slots=True)
class OnStart:
    """`{api: {}}` (a call) or `{profiles: {}}` (an uploaded list)."""

    KIND: ClassVar[str] = "start"
    trigger: str

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if (
            isinstance(happened, StartAsked)
            and happened.start.journey == journey
            and happened.start.trigger == self.trigger
        ):
            return Sparked(happened.start.at, happened.start.data, f"started by {self.trigger}")
        return None


Trigger = OnEvent | OnAttribute | OnScore | OnTag | OnMessage | OnStart

KINDS = (
    "event",
    "attribute_changed",
    "score_crossed",
    "tag_added",
    *(f"message_{state}" for state in MESSAGE_STATES),
    "api",
    "profiles",
)


def parse_triggers(raw: Any, where: str, problems: list[Problem]) -> tuple[Trigger, ...]:
    """`on:` is one trigger or a list of them."""
    if isinstance(raw, list):
        raw_list = cast("list[Any]", raw)
        if not raw_list:
            problems.append(Problem(where, "expected at least one trigger"))
        found = [_parse(one, f"{where}[{at}]", problems) for at, one in enumerate(raw_list)]
    else:
        found = [_parse(raw, where, problems)]
    return tuple(one for one in found if one is not None)


def _parse(raw: Any, where: str, problems: list[Problem]) -> Trigger | None:
    if raw in ("api", "profiles"):
        raw = {raw: {}}
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a trigger such as {{event: Order Completed}}, found {shown(raw)}"))
        return None
    raw_map = cast("dict[str, Any]", raw)
    kinds = [name for name in raw_map if name in KINDS]
    if len(kinds) != 1:
        strange = next((name for name in raw_map if name not in KINDS), "")
        hint = nearest(strange, KINDS) if strange and not kinds else ""
        found = " and ".join(map(repr, kinds)) or shown(strange or raw_map)
        problems.append(Problem(where, f"expected one trigger of {', '.join(KINDS)}, found {found}{hint}"))
        return None
    kind = kinds[0]
    if kind == "event":
        pattern = parse_pattern(raw_map, where, problems)
        return None if pattern is None else OnEvent(pattern)
    allowed = {"attribute_changed": ("from", "to")}.get(kind, ())
    for name in raw_map:
        if name != kind and name not in allowed:
            problems.append(
                Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, (kind, *allowed))}")
            )
    return _parse_kind(kind, raw_map, f"{where}.{kind}", problems)


def _parse_kind(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    setting = raw[kind]
    if kind in ("attribute_changed", "tag_added"):
        if not isinstance(setting, str) or not setting:
            problems.append(Problem(where, f"expected a name, found {shown(setting)}"))
            return None
        return (
            OnTag(setting) if kind == "tag_added" else OnAttribute(setting, raw.get("from", _ANY), raw.get("to", _ANY))
        )
    before = len(problems)
    if kind in ("api", "profiles"):
        _options(setting, (), where, problems)
        return OnStart(kind) if len(problems) == before else None
    if kind == "score_crossed":
        limits = _options(setting, ("above", "below"), where, problems)
        if len(problems) == before and not limits:
            problems.append(Problem(where, "expected {above: number} or {below: number}"))
        for name, limit in limits.items():
            if not is_number(limit):
                problems.append(Problem(f"{where}.{name}", f"expected a number, found {shown(limit)}"))
        return OnScore(**limits) if len(problems) == before else None
    filters = _options(setting, ("template", "journey", "channel"), where, problems)
    for name, value in filters.items():
        if not isinstance(value, str):
            problems.append(Problem(f"{where}.{name}", f"expected a name, found {shown(value)}"))
        elif name == "channel" and value not in CHANNELS:
            problems.append(Problem(f"{where}.{name}", f"{value!r} is not a channel{nearest(value, CHANNELS)}"))
    return OnMessage(kind.removeprefix("message_"), **filters) if len(problems) == before else None


def _options(raw: Any, allowed: tuple[str, ...], where: str, problems: list[Problem]) -> dict[str, Any]:
    """The settings of a trigger that are allowed and given; null gives none."""
    if raw is None:
        return {}
    hint = f"(allowed: {', '.join(allowed) or 'nothing'})"
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected settings in a mapping {hint}, found {shown(raw)}"))
        return {}
    options = cast("dict[str, Any]", raw)
    for name in options:
        if name not in allowed:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, allowed)} {hint}"))
    return {name: value for name, value in options.items() if name in allowed and value is not None}


def watched(trigger: Trigger) -> Condition | None:
    """The condition whose coming true is the trigger (a hidden segment of the plan); None for all others."""
    return None


def hidden_id(journey: str, index: int) -> str:
    """The id of the hidden segment of a journey's trigger number `index`."""
    return f"{journey}:{index}"


def conditions(trigger: Trigger) -> Iterator[Condition]:
    """The conditions inside a trigger."""
    if isinstance(trigger, OnEvent):
        yield from trigger.pattern.conditions()
