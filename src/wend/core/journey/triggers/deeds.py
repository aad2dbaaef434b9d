"""Triggers by what a person did or became: an event, a changed attribute, score, tag, stage, or what became of a message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from wend.core.attributes import get
from wend.core.condition.base import Condition, View
from wend.core.consent import CHANNELS
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    Happened,
    MessageChanged,
    ScoreChanged,
    StageChanged,
    TagAdded,
)
from wend.core.journey.pattern import EventPattern, parse_pattern
from wend.core.journey.triggers.base import Sparked, Trigger, name_in, only, options
from wend.core.journey.values import is_number
from wend.core.problems import Problem, nearest, shown

MESSAGE_STATES = ("delivered", "opened", "clicked")
_ANY = object()


@dataclass(frozen=True, slots=True)
class OnEvent(Trigger):
    """`{event: Name, where: …}`; it is indexed by the event's name."""

    KIND: ClassVar[str] = "event"
    pattern: EventPattern

    def topics(self, journey: str) -> tuple[str, ...]:
        return ()

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, EventHappened) and self.pattern.hears(happened.event.name):
            event = happened.event
            return Sparked(event.at, event.properties, f"event {event.name}", event)
        return None

    def fits(self, view: View) -> bool:
        return self.pattern.fits(view)

    def conditions(self) -> Iterator[Condition]:
        yield from self.pattern.conditions()


@dataclass(frozen=True, slots=True)
class OnAttribute(Trigger):
    """`{attribute_changed: path, from: x, to: y}`; null stands for "not there"."""

    KIND: ClassVar[str] = "attribute_changed"
    path: str
    old: Any = _ANY
    new: Any = _ANY

    def topics(self, journey: str) -> tuple[str, ...]:
        return ("attribute",)

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
class OnScore(Trigger):
    """`{score_crossed: {above: 50}}` or `{below: -100}`: crossing, never equality."""

    KIND: ClassVar[str] = "score_crossed"
    above: float | None = None
    below: float | None = None

    def topics(self, journey: str) -> tuple[str, ...]:
        return ("score",)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, ScoreChanged):
            return None
        up = self.above is not None and happened.old <= self.above < happened.new
        down = self.below is not None and happened.old >= self.below > happened.new
        if not up and not down:
            return None
        return Sparked(now, {"old": happened.old, "new": happened.new}, "score crossed")


@dataclass(frozen=True, slots=True)
class OnTag(Trigger):
    """`{tag_added: vip}`."""

    KIND: ClassVar[str] = "tag_added"
    tag: str

    def topics(self, journey: str) -> tuple[str, ...]:
        return (f"tag:{self.tag}",)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, TagAdded) and happened.tag == self.tag:
            return Sparked(now, {"tag": self.tag}, f"tag {self.tag} added")
        return None


@dataclass(frozen=True, slots=True)
class OnStage(Trigger):
    """`{stage_changed: {from: mql, to: sql}}`; either may be left out."""

    KIND: ClassVar[str] = "stage_changed"
    old: str | None = None
    new: str | None = None

    def topics(self, journey: str) -> tuple[str, ...]:
        return ("stage",)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if not isinstance(happened, StageChanged):
            return None
        if self.old not in (None, happened.old) or self.new not in (None, happened.new):
            return None
        label = f"stage {happened.new}" if happened.new else f"left stage {happened.old}"
        return Sparked(now, {"old": happened.old, "new": happened.new}, label)


@dataclass(frozen=True, slots=True)
class OnMessage(Trigger):
    """`{message_opened: {template: …, journey: …, channel: …}}`; each filter may be left out. Machine opens do not count."""

    KIND: ClassVar[str] = "message"
    state: str
    template: str | None = None
    journey: str | None = None
    channel: str | None = None

    def topics(self, journey: str) -> tuple[str, ...]:
        return (f"message:{self.state}",)

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


def parse_event(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    pattern = parse_pattern(raw, where, problems)
    return None if pattern is None else OnEvent(pattern)


def parse_attribute(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind, "from", "to"), where, problems)
    name = name_in(raw[kind], "a name", f"{where}.{kind}", problems)
    return None if name is None else OnAttribute(name, raw.get("from", _ANY), raw.get("to", _ANY))


def parse_tag(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind,), where, problems)
    name = name_in(raw[kind], "a name", f"{where}.{kind}", problems)
    return None if name is None else OnTag(name)


def parse_score(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind,), where, problems)
    where, before = f"{where}.{kind}", len(problems)
    limits = options(raw[kind], ("above", "below"), where, problems)
    if len(problems) == before and not limits:
        problems.append(Problem(where, "expected {above: number} or {below: number}"))
    for name, limit in limits.items():
        if not is_number(limit):
            problems.append(Problem(f"{where}.{name}", f"expected a number, found {shown(limit)}"))
    return OnScore(**limits) if len(problems) == before else None


def parse_stage(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind,), where, problems)
    where, before = f"{where}.{kind}", len(problems)
    ends = options(raw[kind], ("from", "to"), where, problems)
    for name, stage in ends.items():
        if not isinstance(stage, str):
            problems.append(Problem(f"{where}.{name}", f"expected the name of a stage, found {shown(stage)}"))
    return OnStage(ends.get("from"), ends.get("to")) if len(problems) == before else None


def parse_message(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind,), where, problems)
    where, before = f"{where}.{kind}", len(problems)
    filters = options(raw[kind], ("template", "journey", "channel"), where, problems)
    for name, value in filters.items():
        if not isinstance(value, str):
            problems.append(Problem(f"{where}.{name}", f"expected a name, found {shown(value)}"))
        elif name == "channel" and value not in CHANNELS:
            problems.append(Problem(f"{where}.{name}", f"{value!r} is not a channel{nearest(value, CHANNELS)}"))
    return OnMessage(kind.removeprefix("message_"), **filters) if len(problems) == before else None
