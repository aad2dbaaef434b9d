"""Shapes in the plane, by shapely: the one place that knows that library."""

from __future__ import annotations

import json
from typing import Any, cast

import shapely  # pyright: ignore[reportMissingTypeStubs]
from shapely.validation import explain_validity  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

_distance = cast("Any", shapely.distance)  # pyright: ignore[reportUnknownMemberType]


class Area:
    """A polygon, or several. Prepared when it is first asked: then a question takes a few microseconds."""

    def __init__(self, shape: Any) -> None:
        self._shape = shape
        self._prepared = False

    def fault(self) -> str:
        """What is wrong with it, or ''."""
        if self._shape.is_empty:
            return "has no area"
        if not self._shape.is_valid:
            why = explain_validity(self._shape)
            return f"is not a simple polygon: {why.replace('[', ' at [')}"
        return ""

    def distance(self, x: float, y: float) -> float:
        """How far the point is outside; 0: inside, or on the edge."""
        if not self._prepared:
            shapely.prepare(self._shape)
            self._prepared = True
        return float(_distance(self._shape, shapely.Point(x, y)))


def area_of(geometry: dict[str, Any]) -> Area:
    """The area of a GeoJSON Polygon or MultiPolygon. Raises ValueError when it has none, saying why."""
    text = json.dumps({"type": geometry["type"], "coordinates": geometry["coordinates"]})
    try:
        return Area(shapely.from_geojson(text))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise ValueError(f"is not a polygon: {error}") from None
