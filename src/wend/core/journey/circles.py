"""Circles in a drawing: groups of nodes in which a run can go round."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Groups of nodes that can all reach each other (or a node that leads to itself). `graph`: node → the nodes that may follow.

    Tarjan's strongly connected components without recursion, so that a drawing of any size can be checked.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: list[list[str]] = []
    for first in graph:
        work = [] if first in order else [(first, iter(graph[first]))]
        while work:
            node, rest = work[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                path.append(node)
                on_path.add(node)
            for following in rest:
                if following not in order:
                    work.append((following, iter(graph[following])))
                    break
                if following in on_path:
                    low[node] = min(low[node], order[following])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    group = path[path.index(node) :]
                    del path[-len(group) :]
                    on_path.difference_update(group)
                    if len(group) > 1 or node in graph[node]:
                        found.append(group)
    return found


def way_round(graph: Mapping[str, Collection[str]], circle: Collection[str]) -> list[str]:
    """The shortest way from the first node of a circle back to it."""
    first = next(iter(circle))
    ways = [[first]]
    for way in ways:
        for following in graph[way[-1]]:
            if following == first:
                return [*way, first]
            if following in circle and all(following not in other for other in ways):
                ways.append([*way, following])
    raise ValueError(f"{first} is on no circle")
