"""Checks that the branches of every `parallel` meet: all in the same `join`, or at an `end`, and no way leads around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from wend.core.journey.document import Document
from wend.core.problems import Problem

MOST_DEEP = 20
"""More parallels inside each other nobody can enter: there are 20 runs at most."""

_Open = tuple[str, ...]
"""The parallels whose branch a node is in, the innermost last."""


def meetings(document: Document, ways: Mapping[str, Set[str]]) -> Iterator[Problem]:
    """What is wrong with the parallels and joins of a drawing. `ways`: node → the nodes that may follow."""
    opened: dict[str, _Open] = {document.start: ()}
    met: dict[str, str] = {}
    joins: list[Problem] = []
    around: dict[str, Problem] = {}
    todo = [document.start]
    while todo:
        id_ = todo.pop(0)
        placed = document.nodes.get(id_)
        if placed is None or placed.node.KIND == "end":
            continue
        inside = opened[id_]
        if placed.node.KIND == "parallel":
            inside = (*inside, id_)
        elif placed.node.KIND == "join":
            if not inside:
                joins.append(Problem(f"nodes.{id_}", "no parallel leads to this join"))
            else:
                join = met.setdefault(inside[-1], id_)
                if join != id_:
                    why = f"the branches of '{inside[-1]}' meet in '{join}' already: one join for all of them"
                    joins.append(Problem(f"nodes.{id_}", why))
            inside = inside[:-1]
        for target in sorted(ways[id_]):
            if target not in opened:
                opened[target] = inside
                todo.append(target)
            elif opened[target] != inside and target not in around and not _over(document, target):
                around[target] = Problem(f"nodes.{target}", _around(target, opened[target], inside))
    # A way around a join makes joins of no parallel: the way is what has to be mended.
    yield from around.values() or joins


def _over(document: Document, id_: str) -> bool:
    placed = document.nodes.get(id_)
    return placed is not None and placed.node.KIND == "end"


def _around(target: str, one: _Open, other: _Open) -> str:
    names = " and ".join(f"'{name}'" for name in sorted({*one} ^ {*other}))
    return (
        f"'{target}' is reached from inside and from outside of {names}: the branches of a parallel may only meet in its join,"
        " or end"
    )


def unfinished(document: Document, quick: Mapping[str, Set[str]]) -> set[str]:
    """The joins at which somebody always rests: some branch of theirs takes its time. `quick`: node → what may follow at once."""
    found: set[str] = set()
    for id_, placed in document.nodes.items():
        if placed.node.KIND != "parallel":
            continue
        joins = [_joins_at_once(document, quick, target) for target in sorted(quick[id_])]
        everything = set[str]().union(*joins)
        found |= {join for join in everything if any(join not in reached for reached in joins)}
    return found


def _joins_at_once(document: Document, quick: Mapping[str, Set[str]], start: str) -> set[str]:
    """The joins that a branch beginning at `start` may come to without a rest."""
    seen, found = set[tuple[str, int]](), set[str]()
    todo = [(start, 0)]
    while todo:
        id_, deep = todo.pop()
        if (id_, deep) in seen or id_ not in quick:
            continue
        seen.add((id_, deep))
        kind = document.nodes[id_].node.KIND
        if kind == "join" and not deep:
            found.add(id_)
            continue
        # The join of a parallel inside this branch is on the way.
        deep += (kind == "parallel") - (kind == "join")
        todo += [(target, deep) for target in quick[id_] if deep <= MOST_DEEP]
    return found
