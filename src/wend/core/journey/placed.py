"""A node in the drawing: its kind, its settings, its clock, and where its branches lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from wend.core.journey.contract import Node
from wend.core.journey.fields import RESERVED, parse_settings
from wend.core.journey.nodes import NODES
from wend.core.journey.timing import Timing, parse_timing
from wend.core.problems import Problem, nearest, shown

MAX_NODES = 1_000
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""Ids of journeys and nodes."""


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


def parse_nodes(raw: Any, problems: list[Problem]) -> dict[str, Placed]:
    """The nodes of a drawing, by id; those of which nothing can be made are left out."""
    if not isinstance(raw, dict) or not raw:
        problems.append(Problem("nodes", f"expected at least one node, found {shown(raw)}"))
        return {}
    if len(cast("dict[Any, Any]", raw)) > MAX_NODES:
        problems.append(Problem("nodes", f"more than {MAX_NODES} nodes"))
        return {}
    found = {
        str(id_): parse_node(str(id_), one, f"nodes.{id_}", problems)
        for id_, one in cast("dict[Any, Any]", raw).items()
    }
    return {id_: placed for id_, placed in found.items() if placed is not None}


def parse_node(id_: str, raw: Any, where: str, problems: list[Problem]) -> Placed | None:
    """One node, which stands at `where`; None after adding to `problems` when nothing can be made of it."""
    if not ID.fullmatch(id_):
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
