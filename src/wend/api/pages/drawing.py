"""A journey as SVG, read only: a box for each node with title, one line of plain English and counts; a line for each branch."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import quote

from wend.api.pages.frame import journey_path, number
from wend.api.pages.html import Html, tag
from wend.api.pages.layout import BOX, Drawing, Edge, arrange
from wend.core.journey.document import Document, Placed
from wend.reports.journeys import JourneyCounts, NodeCounts

_TITLE, _SUMMARY = 25, 31  # characters that fit into a box


def draw(document: Document, counts: JourneyCounts) -> Html:
    """The whole drawing. Counts of a node link to the people who rest there."""
    edges = [edge for placed in document.nodes.values() for edge in _edges(placed)]
    drawing = arrange(document.start, list(document.nodes), edges)
    lines = [_line(drawing, edge, edges) for edge in edges if edge.source in drawing.at and edge.target in drawing.at]
    boxes = [_box(document, placed, drawing, counts) for placed in document.nodes.values()]
    arrow = tag(
        "defs",
        tag(
            "marker",
            tag("path", d="M0,0 L8,4 L0,8 Z", class_="arrow"),
            id="arrow", viewBox="0 0 8 8", refX="7", refY="4", markerWidth="8", markerHeight="8", orient="auto",
        ),
    )  # fmt: skip
    svg = tag(
        "svg",
        tag("title", f"Drawing of {document.name}"),
        arrow,
        lines,
        boxes,
        width=f"{drawing.width:.0f}",
        height=f"{drawing.height:.0f}",
        viewBox=f"0 0 {drawing.width:.0f} {drawing.height:.0f}",
        role="group",
        aria_label=f"Drawing of {document.name}",
    )
    return tag("div", svg, class_="drawing", tabindex="0", role="region", aria_label="Journey drawing, scrollable")


def _edges(placed: Placed) -> list[Edge]:
    """One line for all branches that lead to the same node. Without a label when that is all of them."""
    found: dict[str, list[str]] = {}
    for branch in placed.node.branches():
        target = placed.target(branch)
        if target is not None:
            found.setdefault(target, []).append(branch)
    if len(found) == 1:
        return [Edge(placed.id, target, "") for target in found]
    labels = {target: [one.replace("_", " ") for one in names if one != "next"] for target, names in found.items()}
    return [Edge(placed.id, target, ", ".join(labels[target])) for target in found]


def _line(drawing: Drawing, edge: Edge, edges: list[Edge]) -> Html:
    siblings = [one for one in edges if one.source == edge.source]
    share = (siblings.index(edge) + 1) / (len(siblings) + 1)
    x, y = drawing.at[edge.source][0] + BOX[0] * share, drawing.at[edge.source][1] + BOX[1]
    end = (drawing.at[edge.target][0] + BOX[0] / 2, drawing.at[edge.target][1] - 2)
    if edge in drawing.back:
        side = max(drawing.at[edge.source][0], drawing.at[edge.target][0]) + BOX[0] + 36
        path = f"M{x:.0f},{y:.0f} C{x:.0f},{y + 40:.0f} {side:.0f},{y + 40:.0f} {side:.0f},{(y + end[1]) / 2:.0f}"
        path += f" S{end[0] + 40:.0f},{end[1] - 40:.0f} {end[0] + 20:.0f},{end[1]:.0f}"
    else:
        path = f"M{x:.0f},{y:.0f}"
        points = [(x, y)]
        for via_x, via_y in drawing.via.get(edge, []):
            points += [(via_x, via_y - BOX[1] / 2), (via_x, via_y + BOX[1] / 2)]
        points.append(end)
        for (x1, y1), (x2, y2) in pairwise(points):
            bend = (y2 - y1) / 2
            straight = x1 == x2
            path += (
                f" L{x2:.0f},{y2:.0f}"
                if straight
                else f" C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} {x2:.0f},{y2:.0f}"
            )
    shown = _short(edge.label, _SUMMARY)
    # Neighbours' labels stand at different heights, or long ones would lie over each other.
    label_y = y + 15 + (siblings.index(edge) % 2) * 13
    label = (
        tag("text", shown, x=f"{x:.0f}", y=f"{label_y:.0f}", class_="label", text_anchor="middle") if shown else None
    )
    return tag("g", tag("path", d=path, class_="edge", marker_end="url(#arrow)"), label)


def _box(document: Document, placed: Placed, drawing: Drawing, counts: JourneyCounts) -> Html:
    x, y = drawing.at[placed.id]
    at = counts.nodes.get(placed.id, NodeCounts())
    title = _title(document, placed)
    summary = placed.node.summary()
    state = "box broken" if at.failed else "box busy" if at.waiting > 0 else "box"
    people = f"{journey_path(document.id)}?node={quote(placed.id, safe='')}#people"
    passed = at.ended if placed.node.KIND == "end" else at.passed
    told = (
        f"{number(max(0, at.waiting))} waiting · {number(passed)} {'ended' if placed.node.KIND == 'end' else 'passed'}"
    )
    told += f" · {number(at.failed)} failed" if at.failed else ""
    spoken = f"{title}: {summary}. {told}. Show the people there."
    marks: list[Html] = []
    if placed.id == document.start:
        marks.append(tag("text", "start", x=x + 8, y=y - 6, class_="small"))
    return tag(
        "g",
        marks,
        tag(
            "rect",
            tag("title", f"{title} – {summary}"),
            x=f"{x:.1f}",
            y=f"{y:.1f}",
            width=BOX[0],
            height=BOX[1],
            rx=9,
            class_=state,
        ),
        tag("text", _short(title, _TITLE), x=f"{x + 12:.1f}", y=f"{y + 23:.1f}", class_="title"),
        tag("text", _short(summary, _SUMMARY), x=f"{x + 12:.1f}", y=f"{y + 43:.1f}", class_="small"),
        tag(
            "a",
            tag("text", told, x=f"{x + 12:.1f}", y=f"{y + 67:.1f}"),
            href=people,
            aria_label=spoken,
            id=f"node-{placed.id}",
        ),
    )


def _title(document: Document, placed: Placed) -> str:
    title = document.drawn[placed.id].get("title")
    return str(title) if title else placed.id.replace("_", " ").replace("-", " ")


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
