"""Which geofences an event happened in: looked up when it is taken in, and stored with it (core/location.py).

Theory of operation. Each fence is entered under the hexagons (h3) that cover the circle about it and its margin, of a size that
makes them few; a location is looked up in its one hexagon of each size in use, and the few fences found there are asked exactly.
Every process keeps the fences; its owner has it look now and then whether they have changed.

A location is `context.location {latitude, longitude}`, or `lat` and `lon` of an event `Location Updated`. What a client itself sends
as `fences` is taken out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from wend.content.geofences import Geofence, list_geofences
from wend.core.location import CONTEXT, MAX_FENCES
from wend.intake.hexagons import cell_of, cover
from wend.store.postgres import Connection, fetch_one, sql

LOCATED = "Location Updated"
_EVENTS = frozenset({"track", "page", "screen"})


class Places:
    """The fences of a workspace, ready to be looked up."""

    def __init__(self, fences: Iterable[Geofence] = ()) -> None:
        self._state: tuple[int, int] | None = None
        self._take(fences)

    def look(self, lat: float, lon: float) -> tuple[list[str], list[str]]:
        """Ids of the fences that the point lies in, and of those it is near to; at most 100 each, in order."""
        inside: list[str] = []
        near: list[str] = []
        for size, cells in self._cells.items():
            for fence in cells.get(cell_of(lat, lon, size), ()):
                found = fence.place(lat, lon)
                if found:
                    (inside if found == "inside" else near).append(fence.id)
        return sorted(inside)[:MAX_FENCES], sorted(near)[:MAX_FENCES]

    def put(self, kind: str | None, name: Any, properties: Any, context: dict[str, Any]) -> None:
        """Write into the context of an event of this `kind` (track, page, screen) where it happened, if that is known."""
        context.pop(CONTEXT, None)
        point = _point(name, properties, context) if kind in _EVENTS else None
        if point is not None:
            inside, near = self.look(*point)
            context[CONTEXT] = {"at": list(point), "inside": inside, "near": near}

    async def refresh(self, conn: Connection) -> bool:
        """Look whether the fences have changed, and read them; False: they have not."""
        state = await fetch_one(conn, sql("geofence_state"))
        if state == self._state:
            return False
        fences = await list_geofences(conn)
        await asyncio.to_thread(self._take, fences)
        self._state = state
        return True

    def _take(self, fences: Iterable[Geofence]) -> None:
        cells: dict[int, dict[str, list[Geofence]]] = {}
        for fence in fences:
            size, found = cover(fence.lat, fence.lon, fence.radius + fence.margin)
            of_size = cells.setdefault(size, {})
            for cell in found:
                of_size.setdefault(cell, []).append(fence)
        self._cells = cells


def _point(name: Any, properties: Any, context: dict[str, Any]) -> tuple[float, float] | None:
    location: Any = context.get("location")
    if isinstance(location, dict):
        found = cast("dict[str, Any]", location)
        point = _degrees(found.get("latitude"), found.get("longitude"))
        if point is not None:
            return point
    if name == LOCATED and isinstance(properties, dict):
        found = cast("dict[str, Any]", properties)
        return _degrees(found.get("lat"), found.get("lon"))
    return None


def _degrees(lat: Any, lon: Any) -> tuple[float, float] | None:
    if type(lat) not in (int, float) or type(lon) not in (int, float) or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return float(lat), float(lon)
