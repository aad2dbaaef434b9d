"""The journey document: one model for the canvas, YAML, Python and the API.

`parse` reads the raw document (plain dicts, lists, texts, numbers) and reports all faults at once; `dump` gives the very same raw
document back, so converting loses nothing. Whether the drawing as a whole makes sense is check.py's business.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.condition.syntax import parse as parse_condition
from wend.core.duration import parse_duration
from wend.core.journey.pattern import EventPattern, parse_pattern
from wend.core.journey.placed import ID, Placed, parse_nodes
from wend.core.journey.rule import parse_rule, renamed
from wend.core.journey.triggers import Trigger, parse_triggers
from wend.core.problems import Problem, nearest, shown
from wend.core.sample import parse_share
from wend.core.zone import is_date_only, parse_instant

KEYS = (
    "id",
    "name",
    "description",
    "priority",
    "control",
    "entry",
    "active",
    "exit_when",
    "goal",
    "nodes",
    "start",
    "rule",
    "layout",
)
ENTRY_KEYS = ("on", "where", "key", "reentry", "concurrency")
MAX_DEPTH = 100
_PATTERN_KEYS = frozenset({"event", "where"})


@dataclass(frozen=True, slots=True)
class Reentry:
    """always · once · after (counted from the end of the last run; ms) · restart (a new trigger starts the run over)."""

    kind: str = "always"
    after: int = 0


@dataclass(frozen=True, slots=True)
class Exit:
    """Leaves at once: on one of the events, or when a condition is true."""

    patterns: tuple[EventPattern, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """Counted only. `within` ms of the start of the run; `value` names a property to sum."""

    pattern: EventPattern
    within: int | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A journey as drawn. `raw` is what it was read from."""

    id: str
    name: str
    triggers: tuple[Trigger, ...]
    where: Condition | None
    key: str | None
    reentry: Reentry
    many: bool
    active: tuple[int | None, int | None]
    exit: Exit
    goal: Goal | None
    nodes: dict[str, Placed]
    start: str
    priority: int = 50
    """0–100: of two journeys that want the last place of a frequency cap, or act at the same instant, the higher one."""
    control: int = 0
    """So many of 1,000,000 buckets are the control group, which gets no messages of this journey."""
    raw: dict[str, Any] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)
    """The nodes as drawn, also those that could not be read; of a rule those that it stands for."""
    places: dict[str, str] = field(default_factory=dict)
    """Of a rule: where of the drawing → where in the rule, for problems."""


def dump(document: Document) -> dict[str, Any]:
    """The raw document, equal to the one that `parse` read."""
    return copy.deepcopy(document.raw)


def parse(raw: Any, problems: list[Problem]) -> Document | None:
    """Read a raw document. Faults are added to `problems`; None when nothing can be made of it."""
    if not isinstance(raw, dict):
        problems.append(Problem("", f"expected a journey document (a mapping), found {type(raw).__name__}"))
        return None
    if _deeper(raw, MAX_DEPTH):
        problems.append(Problem("", f"nested deeper than {MAX_DEPTH} levels"))
        return None
    raw_map = cast("dict[str, Any]", raw)
    for name in raw_map:
        if name not in KEYS:
            problems.append(
                Problem(
                    str(name),
                    f"'{name}' is not part of a journey{nearest(str(name), KEYS)} (allowed: {', '.join(KEYS)})",
                )
            )
    for name in ("name", "description"):
        if not isinstance(raw_map.get(name, ""), str):
            problems.append(Problem(name, f"expected a text, found {shown(raw_map[name])}"))
    id_ = raw_map.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        problems.append(Problem("id", f"expected lower-case letters, digits, - and _ (at most 64), found {shown(id_)}"))
        id_ = ""
    rule = parse_rule(raw_map, problems) if "rule" in raw_map else None
    entry = rule.entry if rule else _mapping(raw_map.get("entry"), "entry", ENTRY_KEYS, problems)
    triggers = () if "on" not in entry else parse_triggers(entry["on"], "entry.on", problems)
    if "on" not in entry:
        problems.append(Problem("entry.on", "is missing: what starts the journey?"))
    where = None
    if entry.get("where") is not None:
        where = parse_condition(entry["where"], "entry.where", problems, inside=frozenset({"event"}))
    key = entry.get("key")
    if key is not None and (not isinstance(key, str) or not key):
        problems.append(Problem("entry.key", f"expected the name of a property, found {shown(key)}"))
        key = None
    many = _concurrency(entry, problems)
    if many and key is not None:
        problems.append(
            Problem(
                "entry.concurrency", "'many' cannot be combined with a key: a key already allows one run for each value"
            )
        )
    start = rule.start if rule else raw_map.get("start")
    if not isinstance(start, str):
        problems.append(Problem("start", f"expected the id of the first node, found {shown(start)}"))
        start = ""
    document = Document(
        id=id_,
        name=str(raw_map.get("name", id_)),
        triggers=triggers,
        where=where,
        key=key,
        reentry=_reentry(entry.get("reentry"), problems),
        many=many,
        active=_active(raw_map.get("active"), problems),
        exit=_exit(raw_map.get("exit_when"), problems),
        goal=_goal(raw_map.get("goal"), problems),
        nodes=rule.nodes if rule else parse_nodes(raw_map.get("nodes"), problems),
        start=start,
        priority=_priority(raw_map.get("priority"), problems),
        control=_control(raw_map.get("control"), problems),
        raw=copy.deepcopy(raw_map),
        drawn=rule.drawn if rule else _drawn(raw_map.get("nodes")),
        places=rule.places if rule else {},
    )
    problems[:] = renamed(problems, document.places)
    return document


def _drawn(raw: Any) -> dict[str, Any]:
    return {str(id_): one for id_, one in cast("dict[Any, Any]", raw).items()} if isinstance(raw, dict) else {}


def _deeper(raw: Any, levels: int) -> bool:
    """Whether lists and mappings are nested deeper than so many levels. Without recursion: it guards against it."""
    level: list[Any] = [raw]
    for _ in range(levels):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(cast("dict[Any, Any]", one).values())
            elif isinstance(one, list):
                inner.extend(cast("list[Any]", one))
        if not inner:
            return False
        level = inner
    return True


def _mapping(raw: Any, where: str, allowed: tuple[str, ...], problems: list[Problem]) -> dict[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected {', '.join(allowed)}, found {shown(raw)}"))
        return {}
    raw_map = cast("dict[str, Any]", raw)
    for name in raw_map:
        if name not in allowed:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(str(name), allowed)}"))
    return raw_map


def _concurrency(entry: dict[str, Any], problems: list[Problem]) -> bool:
    raw = entry.get("concurrency", "one")
    if raw not in ("one", "many"):
        problems.append(Problem("entry.concurrency", f"expected one or many, found {shown(raw)}"))
    return raw == "many"


_PRIORITIES = {"low": 25, "normal": 50, "high": 75}


def _priority(raw: Any, problems: list[Problem]) -> int:
    if raw is None:
        return _PRIORITIES["normal"]
    if isinstance(raw, str) and raw in _PRIORITIES:
        return _PRIORITIES[raw]
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 100:
        return raw
    problems.append(Problem("priority", f"expected low, normal, high or a number from 0 to 100, found {shown(raw)}"))
    return _PRIORITIES["normal"]


def _control(raw: Any, problems: list[Problem]) -> int:
    share = 0 if raw is None else parse_share(raw)
    if share is None:
        problems.append(Problem("control", f"expected a part of all people such as 10%, found {shown(raw)}"))
    return share or 0


def _reentry(raw: Any, problems: list[Problem]) -> Reentry:
    kinds = ("always", "once", "restart")
    if raw is None or raw in kinds:
        return Reentry(raw or "always")
    if isinstance(raw, dict) and list(cast("dict[str, Any]", raw)) == ["after"]:
        try:
            return Reentry("after", parse_duration(cast("dict[str, Any]", raw)["after"]))
        except ValueError as error:
            problems.append(Problem("entry.reentry.after", str(error)))
            return Reentry()
    hint = nearest(raw, kinds) if isinstance(raw, str) else ""
    problems.append(
        Problem("entry.reentry", f"expected always, once, restart or {{after: 7d}}, found {shown(raw)}{hint}")
    )
    return Reentry()


def _active(raw: Any, problems: list[Problem]) -> tuple[int | None, int | None]:
    span = _mapping(raw, "active", ("from", "to"), problems)
    ends: list[int | None] = []
    for name in ("from", "to"):
        found = span.get(name)
        instant = None if found is None else parse_instant(found, "UTC")
        if found is not None and instant is None:
            problems.append(Problem(f"active.{name}", f"expected a date such as 2026-11-01, found {shown(found)}"))
        if instant is not None and name == "to" and is_date_only(found):
            instant += 86_400_000  # a last day is meant whole
        ends.append(instant)
    if ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]:
        problems.append(Problem("active", f"ends before it begins: {shown(span['from'])} to {shown(span['to'])}"))
    return ends[0], ends[1]


def _exit(raw: Any, problems: list[Problem]) -> Exit:
    if raw is None:
        return Exit()
    raw_list = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    patterns: list[EventPattern] = []
    conditions: list[Condition] = []
    for at, one in enumerate(raw_list):
        where = f"exit_when[{at}]" if isinstance(raw, list) else "exit_when"
        if isinstance(one, str) or (isinstance(one, dict) and _PATTERN_KEYS >= one.keys() >= {"event"}):
            pattern = parse_pattern(one, where, problems)
            patterns += [pattern] if pattern is not None else []
        else:
            condition = parse_condition(one, where, problems, inside=frozenset({"journey"}))
            conditions += [condition] if condition is not None else []
    return Exit(tuple(patterns), tuple(conditions))


def _goal(raw: Any, problems: list[Problem]) -> Goal | None:
    if raw is None:
        return None
    pattern = parse_pattern(raw, "goal", problems, also=frozenset({"within", "value"}))
    if pattern is None:
        return None
    settings = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    within, value = settings.get("within"), settings.get("value")
    if value is not None and not isinstance(value, str):
        problems.append(Problem("goal.value", f"expected the name of a property, found {shown(value)}"))
    try:
        return Goal(pattern, None if within is None else parse_duration(within), value)
    except ValueError as error:
        problems.append(Problem("goal.within", str(error)))
        return Goal(pattern)
