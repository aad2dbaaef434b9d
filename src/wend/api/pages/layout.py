"""Where the boxes of a drawing go: a small layered layout. Pure: nodes and edges in, coordinates out.

Depth-first from the start: edges that close a circle are set aside, each node's layer is one below its lowest parent. An edge that
passes layers gets a narrow place in each, shared by all that lead to the same node, so that no line runs under a box. Each layer is
put in order by the middle of its neighbours, sweeping down and up a few times; siblings keep the order of their branches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

BOX = (226, 82)
GAP = (30, 62)
_VIA = 18  # width of the place where an edge passes a layer
_SWEEPS = 8
_MARGIN = 28

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another, by a branch."""

    source: str
    target: str
    label: str


@dataclass(slots=True)
class Drawing:
    """Left upper corner of every box, the points that each edge passes between its ends, and the size of the whole."""

    width: float = 0
    height: float = 0
    at: dict[str, Point] = field(default_factory=dict)
    via: dict[Edge, list[Point]] = field(default_factory=dict)
    back: set[Edge] = field(default_factory=set)
    """Edges that lead upwards (loops)."""


def arrange(start: str, nodes: list[str], edges: list[Edge]) -> Drawing:
    """Place `nodes`; those that cannot be reached stand beside the start."""
    outgoing: dict[str, list[Edge]] = {node: [] for node in nodes}
    for edge in edges:
        if edge.source in outgoing and edge.target in outgoing:
            outgoing[edge.source].append(edge)
    order, back = _depth_first([start, *nodes], outgoing)
    layer = _layers(order, outgoing, back)
    rows: dict[int, list[str]] = {depth: [] for depth in range(max(layer.values(), default=0) + 1)}
    for node in order:
        rows[layer[node]].append(node)
    links: list[tuple[str, str]] = []
    passed: dict[Edge, list[str]] = {}
    for node in order:
        for edge in outgoing[node]:
            if edge not in back:
                passed[edge] = _pass(edge, layer, rows)
                path = [edge.source, *passed[edge], edge.target]
                links += pairwise(path)
    _untangle(rows, list(dict.fromkeys(links)))
    drawing = _place(rows, list(dict.fromkeys(links)), set(nodes), bool(back))
    middles = {item: (x, y) for item, (x, y) in drawing.at.items() if item not in outgoing}
    drawing.at = {node: drawing.at[node] for node in order}
    drawing.via = {edge: [middles[item] for item in items] for edge, items in passed.items()}
    drawing.back = back
    return drawing


def _depth_first(starts: list[str], outgoing: dict[str, list[Edge]]) -> tuple[list[str], set[Edge]]:
    """Nodes in the order a depth-first walk meets them (children before later siblings), and the edges that close circles."""
    order: list[str] = []
    state: dict[str, int] = {}
    back: set[Edge] = set()
    for first in starts:
        if first in state or first not in outgoing:
            continue
        state[first] = 1
        order.append(first)
        stack = [(first, iter(outgoing[first]))]
        while stack:
            node, left = stack[-1]
            edge = next(left, None)
            if edge is None:
                state[node] = 2
                stack.pop()
            elif state.get(edge.target) == 1:
                back.add(edge)
            elif edge.target not in state:
                state[edge.target] = 1
                order.append(edge.target)
                stack.append((edge.target, iter(outgoing[edge.target])))
    return order, back


def _layers(order: list[str], outgoing: dict[str, list[Edge]], back: set[Edge]) -> dict[str, int]:
    incoming = dict.fromkeys(order, 0)
    for node in order:
        for edge in outgoing[node]:
            incoming[edge.target] += edge not in back
    layer = dict.fromkeys(order, 0)
    ready = [node for node in order if not incoming[node]]
    for node in ready:  # grows while it is walked
        for edge in outgoing[node]:
            if edge in back:
                continue
            layer[edge.target] = max(layer[edge.target], layer[node] + 1)
            incoming[edge.target] -= 1
            if not incoming[edge.target]:
                ready.append(edge.target)
    return layer


def _pass(edge: Edge, layer: dict[str, int], rows: dict[int, list[str]]) -> list[str]:
    """The places by which an edge passes the layers between its ends, made where they are missing."""
    places: list[str] = []
    for depth in range(layer[edge.source] + 1, layer[edge.target]):
        place = f"\0{edge.target}\0{depth}"
        if place not in rows[depth]:
            rows[depth].append(place)
        places.append(place)
    return places


def _untangle(rows: dict[int, list[str]], links: list[tuple[str, str]]) -> None:
    """Order each row by the mean position of its neighbours in the rows around it. Sorting is stable: ties keep branch order."""
    above: dict[str, list[str]] = {item: [] for row in rows.values() for item in row}
    below: dict[str, list[str]] = {item: [] for item in above}
    for upper, lower in links:
        below[upper].append(lower)
        above[lower].append(upper)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = above if down else below
        for depth in sorted(rows, reverse=not down):
            place = {item: at for row in rows.values() for at, item in enumerate(row)}
            shift = {item: at / 1000 for upper in above for at, item in enumerate(below[upper])} if down else {}
            mean = {
                item: sum(place[one] for one in near[item]) / len(near[item]) + shift.get(item, 0)
                if near[item]
                else float(place[item])
                for item in rows[depth]
            }
            rows[depth].sort(key=mean.__getitem__)


def _place(rows: dict[int, list[str]], links: list[tuple[str, str]], nodes: set[str], loops: bool) -> Drawing:
    """Coordinates: each item under the middle of what leads to it where there is room. Places of edges get their middle point."""
    wide = {item: BOX[0] if item in nodes else _VIA for row in rows.values() for item in row}
    margin = _MARGIN + (46 if loops else 0)
    inner = max((sum(wide[item] for item in row) + GAP[0] * (len(row) - 1) for row in rows.values()), default=0)
    drawing = Drawing(inner + 2 * margin, max(rows, default=0) * (BOX[1] + GAP[1]) + BOX[1] + 2 * _MARGIN)
    above: dict[str, list[str]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
    middle: dict[str, float] = {}
    for depth in sorted(rows):
        row = rows[depth]
        centre = drawing.width / 2
        wanted = [
            sum(middle[one] for one in above[item]) / len(above[item]) if item in above else centre for item in row
        ]
        widths = [wide[item] for item in row]
        for item, x in zip(row, _spread(wanted, widths, margin, drawing.width - margin), strict=True):
            middle[item] = x
            y = _MARGIN + depth * (BOX[1] + GAP[1])
            drawing.at[item] = (x - BOX[0] / 2, y) if item in nodes else (x, y + BOX[1] / 2)
    return drawing


def _spread(wanted: list[float], widths: list[int], low: float, high: float) -> list[float]:
    """Middles near `wanted`, in order, a gap apart, within [low, high] (which has room for all)."""
    count = len(wanted)
    # Room that must be kept on the left and on the right of each middle.
    left_room = [sum(widths[:at]) + GAP[0] * at + widths[at] / 2 for at in range(count)]
    right_room = [sum(widths[at + 1 :]) + GAP[0] * (count - 1 - at) + widths[at] / 2 for at in range(count)]
    kept = [min(max(x, low + left_room[at]), high - right_room[at]) for at, x in enumerate(wanted)]
    forward, backward = list(kept), list(kept)
    for at in range(1, count):
        forward[at] = max(kept[at], forward[at - 1] + (widths[at - 1] + widths[at]) / 2 + GAP[0])
    for at in range(count - 2, -1, -1):
        backward[at] = min(kept[at], backward[at + 1] - (widths[at + 1] + widths[at]) / 2 - GAP[0])
    return [(a + b) / 2 for a, b in zip(forward, backward, strict=True)]
