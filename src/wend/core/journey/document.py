"""The journey document: one model for the canvas, YAML, Python and the API.

`parse` reads the raw document (plain dicts, lists, texts, numbers) and reports all faults at once; `dump` gives the very same raw
document back, so converting loses nothing. Whether the drawing as a whole makes sense is check.py's business.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.condition.syntax import parse as parse_condition
from wend.core.duration import parse_duration
from wend.core.journey.contract import Node
from wend.core.journey.fields import RESERVED, parse_settings
from wend.core.journey.nodes import NODES
from wend.core.journey.pattern import EventPattern, parse_pattern
from wend.core.journey.timing import Timing, parse_timing
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
    "layout",
)
ENTRY_KEYS = ("on", "where", "key", "reentry", "concurrency")
MAX_NODES = 1_000
MAX_DEPTH = 100
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
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
class Placed:
    """A node in the drawing: what it is and where its branches lead."""

    id: str
    node: Node
    branches: dict[str, str]
    timing: Timing | None = None

    def target(self, branch: str) -> str | None:
        """The node behind `branch`; an unconnected branch goes where its fallback goes."""
        while branch not in self.branches and branch in self.node.FALLBACK:
            branch = self.node.FALLBACK[branch]
        return self.branches.get(branch)


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
    raw: dict[str, Any] = field(default_factory=dict[str, Any])


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
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        problems.append(Problem("id", f"expected lower-case letters, digits, - and _ (at most 64), found {shown(id_)}"))
        id_ = ""
    entry = _mapping(raw_map.get("entry"), "entry", ENTRY_KEYS, problems)
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
    start = raw_map.get("start")
    if not isinstance(start, str):
        problems.append(Problem("start", f"expected the id of the first node, found {shown(start)}"))
        start = ""
    return Document(
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
        nodes=_nodes(raw_map.get("nodes"), problems),
        start=start,
        priority=_priority(raw_map.get("priority"), problems),
        control=_control(raw_map.get("control"), problems),
        raw=copy.deepcopy(raw_map),
    )


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


def _nodes(raw: Any, problems: list[Problem]) -> dict[str, Placed]:
    if not isinstance(raw, dict) or not raw:
        problems.append(Problem("nodes", f"expected at least one node, found {shown(raw)}"))
        return {}
    if len(cast("dict[Any, Any]", raw)) > MAX_NODES:
        problems.append(Problem("nodes", f"more than {MAX_NODES} nodes"))
        return {}
    found = {str(id_): _node(str(id_), one, problems) for id_, one in cast("dict[Any, Any]", raw).items()}
    return {id_: placed for id_, placed in found.items() if placed is not None}


def _node(id_: str, raw: Any, problems: list[Problem]) -> Placed | None:
    where = f"nodes.{id_}"
    if not _ID.fullmatch(id_):
        problems.append(Problem(where, "a node id is made of lower-case letters, digits, - and _ (at most 64)"))
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a node such as {{wait: 2h, next: …}}, found {shown(raw)}"))
        return None
    raw_map = cast("dict[str, Any]", raw)
    kinds = [name for name in raw_map if name in NODES]
    if len(kinds) != 1:
        strange = next((name for name in raw_map if nearest(name, NODES)), None)
        hint = nearest(strange, NODES) if strange is not None and not kinds else ""
        what = f"found {' and '.join(kinds or map(str, raw_map)) or 'nothing'}{hint}"
        problems.append(Problem(where, f"expected one kind of node, {what} (kinds: {', '.join(NODES)})"))
        return None
    kind = NODES[kinds[0]]
    node = _settings(kind, raw_map[kind.KIND], f"{where}.{kind.KIND}", problems)
    timing = parse_timing(raw_map["timing"], f"{where}.timing", problems) if "timing" in raw_map else None
    branches: dict[str, str] = {}
    for name, target in raw_map.items():
        if name == kind.KIND or name in RESERVED:
            continue
        branch = str(name)
        if node is not None and branch not in node.branches():
            allowed = node.branches()
            problems.append(
                Problem(
                    f"{where}.{branch}",
                    f"'{branch}' is not a branch of {kind.KIND}{nearest(branch, allowed)} (branches: {', '.join(allowed) or 'none'})",
                )
            )
        elif not isinstance(target, str):
            problems.append(Problem(f"{where}.{branch}", f"expected the id of a node, found {shown(target)}"))
        else:
            branches[branch] = target
    return None if node is None else Placed(id_, node, branches, timing)


def _settings(kind: type[Node], raw: Any, where: str, problems: list[Problem]) -> Node | None:
    if isinstance(raw, dict):
        raw_map: dict[str, Any] = kind.normalise(cast("dict[str, Any]", raw))
    elif raw is None:
        raw_map = {}
    elif kind.SHORT is not None:
        raw_map = kind.normalise({kind.SHORT: raw})
    else:
        problems.append(Problem(where, f"expected settings ({', '.join(kind.FIELDS)}), found {shown(raw)}"))
        return None
    before = len(problems)
    node = kind(parse_settings(raw_map, kind.FIELDS, where, problems))
    if len(problems) == before:
        problems.extend(Problem(f"{where}.{setting}", message) for setting, message in node.check_settings())
    return node if len(problems) == before else None
