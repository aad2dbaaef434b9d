"""Hexagons that cover the earth, by h3: the one place that knows that library. Sizes go from 0 (1,281 km an edge) to 15 (0.6 m)."""

from __future__ import annotations

from typing import Any, cast

import h3

_h3 = cast("Any", h3)
_EDGES: tuple[float, ...] = tuple(_h3.average_hexagon_edge_length(size, unit="m") for size in range(16))
_RINGS = 3
"""Rings about the hexagon in the middle: they reach farther than two edges, distorted as hexagons are."""


def cell_of(lat: float, lon: float, size: int) -> str:
    """The hexagon in which a point lies."""
    return _h3.latlng_to_cell(lat, lon, size)


def cover(lat: float, lon: float, reach: float) -> tuple[int, list[str]]:
    """Hexagons of one size that cover the circle of `reach` metres about a point: at most 37."""
    size = max((size for size, edge in enumerate(_EDGES) if 2 * edge >= reach), default=0)
    return size, list(_h3.grid_disk(cell_of(lat, lon, size), _RINGS))
