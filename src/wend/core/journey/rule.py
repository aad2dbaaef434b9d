"""The short form of a journey: `rule: {on, if, do: [actions]}`, triggers, a condition and actions, no waits and no branches.

It is read as what it stands for: `if` is the condition on the trigger, each action a node that leads to the next (also when it
fails), the last one to an end. The document keeps the short form, and faults name its places: `rule.do[2].send.template`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from wend.core.journey.nodes import NODES
from wend.core.journey.placed import Placed, parse_node
from wend.core.problems import Problem, nearest, shown

_ENTRY = ("on", "key", "reentry", "concurrency")
KEYS = ("on", "if", "do", *_ENTRY[1:])
MAX_ACTIONS = 50
DONE = "done"
_NOT_BESIDE = ("entry", "nodes", "start")
_SAYS = ("title", "note")


@dataclass(slots=True)
class Rule:
    """A rule, as the journey it stands for."""

    entry: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Placed] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)
    """The nodes as they would stand in a drawing."""
    start: str = DONE
    places: dict[str, str] = field(default_factory=dict)
    """Where of the drawing → where in the rule."""


def parse_rule(document: dict[str, Any], problems: list[Problem]) -> Rule:
    """Read `rule:` of a document. Faults are added to `problems`; those of its entry name places in `entry`: see `renamed`."""
    for name in _NOT_BESIDE:
        if name in document:
            problems.append(Problem(name, f"a rule has no '{name}': write it under `rule`, or draw a journey"))
    rule = Rule(places={"entry.where": "rule.if", **{f"entry.{name}": f"rule.{name}" for name in _ENTRY}})
    raw = document["rule"]
    if not isinstance(raw, dict):
        problems.append(Problem("rule", f"expected {{on: …, if: …, do: [actions]}}, found {shown(raw)}"))
        return rule
    settings = cast("dict[str, Any]", raw)
    for name in settings:
        if name not in KEYS:
            allowed = ", ".join(KEYS)
            hint = nearest(name, KEYS)
            problems.append(Problem(f"rule.{name}", f"'{name}' is not part of a rule{hint} (allowed: {allowed})"))
    rule.entry = {name: settings[name] for name in _ENTRY if name in settings}
    if settings.get("if") is not None:
        rule.entry["where"] = settings["if"]
    _actions(rule, settings.get("do"), problems)
    return rule


def renamed(problems: list[Problem], places: dict[str, str]) -> list[Problem]:
    """The problems with the names of places in the drawing replaced by those in the rule."""
    return [replace(one, where=_renamed(one.where, places)) for one in problems]


def _renamed(where: str, places: dict[str, str]) -> str:
    for drawn, place in places.items():
        if where == drawn or where.startswith((f"{drawn}.", f"{drawn}[")):
            return place + where[len(drawn) :]
    return where


def _actions(rule: Rule, raw: Any, problems: list[Problem]) -> None:
    actions = cast("list[Any]", raw) if isinstance(raw, list) else []
    if not 0 < len(actions) <= MAX_ACTIONS:
        found = f"found {len(actions)}" if actions else f"found {shown(raw)}"
        problems.append(Problem("rule.do", f"expected a list of 1 to {MAX_ACTIONS} actions, {found}"))
        actions = []
    ids = _ids(actions)
    rule.start = [*ids, DONE][0]
    for at, (id_, action) in enumerate(zip(ids, actions, strict=True)):
        where = f"rule.do[{at}]"
        rule.places[f"nodes.{id_}"] = where
        following = [*ids, DONE][at + 1]
        rule.drawn[id_] = {"next": following}  # also when nothing can be made of it: those behind it can be reached
        before = len(problems)
        placed = parse_node(id_, action, where, problems)
        if placed is None:
            continue
        problems += _unfit(placed, cast("dict[str, Any]", action), where) if len(problems) == before else ()
        branches = dict.fromkeys(placed.node.branches(), following)
        rule.nodes[id_] = replace(placed, branches=branches)
        rule.drawn[id_] = {**action, **branches}
    end = {"end": None}
    rule.drawn[DONE] = end
    done = parse_node(DONE, end, "rule", problems)
    assert done is not None
    rule.nodes[DONE] = done


def _ids(actions: list[Any]) -> list[str]:
    """Each action is called by its kind, and numbered when it is not the first of it."""
    ids: list[str] = []
    for action in actions:
        kinds = [name for name in cast("dict[Any, Any]", action) if name in NODES] if isinstance(action, dict) else []
        kind, times = str(kinds[0]) if kinds else "action", 1
        while (id_ := kind if times == 1 else f"{kind}-{times}") in ids:
            times += 1
        ids.append(id_)
    return ids


def _unfit(placed: Placed, action: dict[str, Any], where: str) -> list[Problem]:
    """What an action may not be, or say, in a rule."""
    kind, why = placed.node.KIND, "a rule neither waits nor branches; draw a journey for that"
    if placed.node.GROUP != "action":
        return [Problem(f"{where}.{kind}", f"'{kind}' is no action: {why}")]
    return [
        Problem(f"{where}.{name}", f"'{name}' is not allowed here: {why}")
        for name in action
        if name != kind and name not in _SAYS
    ]
