"""The funnel: stages that people go through, and moving between them.

Settings: `funnel: {stages: [{id: visitor}, {id: lead}, {id: mql, when: {score: {gte: 50}}}, …]}`, or the name of a preset (`leads`).
- The order of the list is the way forward. Whoever was never moved is at the first stage, if that one has no `when`.
- A stage with a `when` is entered at the instant at which its condition comes true; rules only ever move forward.
- Nodes and hands may move people to any stage, forward or back (`move`).
- Moving makes a `StageChanged`, which triggers and conditions hear.
Each `when` is a hidden segment of the plan (`hidden_id`); who already fulfils one when the setting is published is moved
silently: no trigger fires for what was true before (journey/classes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.condition.stage import order, stage_of
from wend.core.condition.syntax import parse as parse_condition
from wend.core.problems import Problem, join, nearest, shown
from wend.core.profile import Profile

MAX_STAGES = 30
PREFIX = "funnel:"
PRESETS: dict[str, dict[str, Any]] = {
    "leads": {
        "stages": [
            {"id": "visitor", "name": "Visitor"},
            {"id": "lead", "name": "Lead", "when": {"known": True}},
            {"id": "mql", "name": "Marketing qualified", "when": {"score": {"gte": 50}}},
            {
                "id": "sql",
                "name": "Sales qualified",
                "when": {"any": [{"event": "Demo Requested"}, {"tag": "sales-ready"}]},
            },
            {"id": "customer", "name": "Customer", "when": {"orders": {"gte": 1}}},
        ]
    }
}
"""Funnels that can be taken by name."""

_KEYS = ("id", "name", "when")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; `when` None: nobody comes here by a rule."""

    id: str
    name: str = ""
    when: Condition | None = None


def move(profile: Profile, stage: str, settings: Mapping[str, Any], *, only_forward: bool) -> tuple[str, str] | None:
    """Move the person to `stage`; (old, new), or None when nothing changed: there already, further on, or no such stage."""
    stages = order(settings)
    if stage not in stages:
        return None
    old = stage_of(profile, settings)
    if old == stage:
        return None
    if only_forward and old and stages.index(old) > stages.index(stage):
        return None
    profile.stage = stage
    return old, stage


def hidden_id(stage: str) -> str:
    """The id of the hidden segment of a stage's `when`."""
    return f"{PREFIX}{stage}"


def parse(raw: Any, where: str, problems: list[Problem]) -> tuple[Stage, ...]:
    """The stages of the setting `funnel` (None: there are none); faults are added to `problems`."""
    if raw is None:
        return ()
    if isinstance(raw, str):
        if raw not in PRESETS:
            allowed = ", ".join(PRESETS)
            problems.append(Problem(where, f"{shown(raw)} is no preset{nearest(raw, PRESETS)} (there are: {allowed})"))
            return ()
        raw = PRESETS[raw]
    stages: Any = cast("dict[str, Any]", raw).get("stages") if isinstance(raw, dict) else None
    if not isinstance(stages, list) or not 0 < len(cast("list[Any]", stages)) <= MAX_STAGES:
        wish = f"expected {{stages: […]}} with 1 to {MAX_STAGES} stages, or the name of a preset"
        problems.append(Problem(where, f"{wish} ({', '.join(PRESETS)}), found {shown(raw)}"))
        return ()
    for name in cast("dict[str, Any]", raw):
        if name != "stages":
            problems.append(Problem(join(where, name), f"'{name}' is not part of a funnel{nearest(name, ('stages',))}"))
    found: list[Stage] = []
    for at, one in enumerate(cast("list[Any]", stages)):
        stage = _stage(one, f"{where}.stages[{at}]", problems)
        if stage is not None:
            if any(other.id == stage.id for other in found):
                problems.append(Problem(f"{where}.stages[{at}].id", f"there are two stages '{stage.id}'"))
            found.append(stage)
    return tuple(found)


def _stage(raw: Any, where: str, problems: list[Problem]) -> Stage | None:
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a stage such as {{id: lead}}, found {shown(raw)}"))
        return None
    stage = cast("dict[str, Any]", raw)
    for name in stage:
        if name not in _KEYS:
            problems.append(Problem(join(where, name), f"'{name}' is not part of a stage{nearest(name, _KEYS)}"))
    name = stage.get("name", "")
    if not isinstance(name, str):
        problems.append(Problem(join(where, "name"), f"expected a text, found {shown(name)}"))
    when = parse_condition(stage["when"], join(where, "when"), problems) if "when" in stage else None
    id: Any = stage.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= 40 or not set(id) <= _LETTERS:
        problems.append(
            Problem(join(where, "id"), f"expected lower-case letters, digits, - and _ (at most 40), found {shown(id)}")
        )
        return None
    return Stage(id, str(name), when)
