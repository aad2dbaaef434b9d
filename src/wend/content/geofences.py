"""Geofences: their documents, what is wrong with them, and their rows.

`{id, name, circle: {lat, lon, radius: 500m}, margin: 50m}` or `{id, name, polygon: <GeoJSON Polygon or MultiPolygon>}`. Degrees are
WGS 84. A polygon's edges are straight lines on a map of its surroundings (an equirectangular one about its middle), where distances
are true enough up to the largest fence allowed. The margin says how far outside somebody must be to have left.
Refused: edges that cross (with the place), what is smaller than 5 m or larger than 500 km, beyond 85° of latitude, or over the
180th meridian.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians
from typing import Any, cast

from wend.content.geometry import Area, area_of
from wend.core.condition.near import EARTH, meters_between, parse_distance
from wend.core.problems import Problem, nearest, shown
from wend.store.clock import now_ms
from wend.store.codec import decode_json, encode_json
from wend.store.postgres import Connection, fetch_all, sql

KEYS = ("id", "name", "circle", "polygon", "margin")
SMALLEST, LARGEST = 5.0, 250_000.0
"""Metres of radius; of a polygon, of the circle about it."""
MARGIN = 50.0
MOST_MARGIN = 50_000.0
POLAR = 85.0
MOST_CORNERS = 10_000
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEGREE = radians(1) * EARTH


class GeofencesRefused(ValueError):
    """Some documents have errors; `problems` holds all of them. Nothing was written."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Geofence:
    """A place on earth. `lat`, `lon`: its middle; `radius`: metres from there to its farthest point."""

    id: str
    name: str
    lat: float
    lon: float
    radius: float
    margin: float
    polygon: dict[str, Any] | None = None
    """None: it is the circle."""

    def place(self, lat: float, lon: float) -> str:
        """'inside', 'near' (outside by no more than the margin) or '' of a point in degrees."""
        away = meters_between(self.lat, self.lon, lat, lon)
        if away > self.radius * 1.1 + self.margin:
            return ""
        if self.polygon is None:
            return "inside" if away <= self.radius else "near" if away <= self.radius + self.margin else ""
        distance = self._area.distance((lon - self.lon) * self._scale, (lat - self.lat) * _DEGREE)
        return "inside" if distance == 0 else "near" if distance <= self.margin else ""

    def document(self) -> dict[str, Any]:
        """What `parse_geofence` reads."""
        shape = {"polygon": self.polygon} if self.polygon else {"circle": self._circle()}
        return {"id": self.id, "name": self.name, **shape, "margin": f"{self.margin:g}m"}

    def _circle(self) -> dict[str, Any]:
        return {"lat": self.lat, "lon": self.lon, "radius": f"{self.radius:g}m"}

    @cached_property
    def _scale(self) -> float:
        return _DEGREE * cos(radians(self.lat))

    @cached_property
    def _area(self) -> Area:
        assert self.polygon is not None
        return area_of(_moved(self.polygon, self.lat, self.lon))


def parse_geofence(raw: Any, where: str, problems: list[Problem]) -> Geofence | None:
    """Read a document; None after adding all that is wrong to `problems`."""
    before = len(problems)
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a geofence such as {{id: …, circle: …}}, found {shown(raw)}"))
        return None
    found = cast("dict[str, Any]", raw)
    at = f"{where}." if where else ""
    for key in found:
        if key not in KEYS:
            problems.append(Problem(f"{at}{key}", f"'{key}' is not part of a geofence{nearest(str(key), KEYS)}"))
    id, name = found.get("id"), found.get("name") or found.get("id")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        wish = "lower-case letters, digits, - and _ (at most 64)"
        problems.append(Problem(f"{at}id", f"expected {wish}, found {shown(id)}"))
    if not isinstance(name, str) or len(name) > 200:
        problems.append(Problem(f"{at}name", f"expected a text of at most 200 letters, found {shown(name)}"))
    margin = _meters(found.get("margin", f"{MARGIN:g}m"), f"{at}margin", problems, 0.0, MOST_MARGIN)
    if ("circle" in found) == ("polygon" in found):
        problems.append(Problem(f"{at}circle", "a geofence is either a circle or a polygon"))
        return None
    polygon = None
    if "circle" in found:
        middle = _circle(found["circle"], f"{at}circle", problems)
    else:
        polygon = found["polygon"]
        middle = _polygon(polygon, f"{at}polygon", problems)
    if middle is None or len(problems) > before:
        return None
    return Geofence(str(id), str(name), *middle, margin, polygon)


def _meters(raw: Any, where: str, problems: list[Problem], least: float, most: float) -> float:
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = f"{raw:f}m"
        meters = 0.0 if raw in ("0m", "0.000000m") else parse_distance(raw)
    except ValueError as wrong:
        problems.append(Problem(where, str(wrong)))
        return 0.0
    if not least <= meters <= most:
        problems.append(Problem(where, f"{meters:g} m is out of range: {least:g} m to {most:g} m are allowed"))
    return meters


def _circle(raw: Any, where: str, problems: list[Problem]) -> tuple[float, float, float] | None:
    found = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    if set(found) != {"lat", "lon", "radius"}:
        problems.append(Problem(where, f"expected {{lat: 52.52, lon: 13.405, radius: 500m}}, found {shown(raw)}"))
        return None
    before = len(problems)
    for name, most in (("lat", POLAR), ("lon", 180.0)):
        if not _degrees(found[name], most):
            problems.append(
                Problem(f"{where}.{name}", f"expected degrees, -{most:g} to {most:g}, {_found(found[name])}")
            )
    radius = _meters(found["radius"], f"{where}.radius", problems, SMALLEST, LARGEST)
    return (float(found["lat"]), float(found["lon"]), radius) if len(problems) == before else None


def _degrees(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most


def _found(value: Any) -> str:
    return f"found {shown(value)}"


def _polygon(raw: Any, where: str, problems: list[Problem]) -> tuple[float, float, float] | None:
    """The middle and the radius of the circle about it."""
    found = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    corners: list[tuple[float, float]] = []
    if found.get("type") not in ("Polygon", "MultiPolygon") or not _rings(found.get("coordinates"), corners):
        wish = "a GeoJSON Polygon or MultiPolygon with rings of [longitude, latitude]"
        problems.append(Problem(where, f"expected {wish}, found {shown(raw)}"))
        return None
    for lon, lat in corners:
        if not (_degrees(lon, 180.0) and _degrees(lat, POLAR)):
            wish = f"longitude -180 to 180, latitude -{POLAR:g} to {POLAR:g}, in this order"
            problems.append(Problem(where, f"the corner [{shown(lon)}, {shown(lat)}] is out of range: {wish}"))
            return None
    if len(corners) > MOST_CORNERS:
        problems.append(Problem(where, f"{len(corners)} corners are too many; at most {MOST_CORNERS} are allowed"))
        return None
    west, east = min(lon for lon, _ in corners), max(lon for lon, _ in corners)
    if east - west > 180:
        problems.append(Problem(where, "reaches over the 180th meridian: make it two polygons, one on each side"))
        return None
    lat, lon = (min(lat for _, lat in corners) + max(lat for _, lat in corners)) / 2, (west + east) / 2
    radius = max(meters_between(lat, lon, other, east_of) for east_of, other in corners)
    if not SMALLEST <= radius <= LARGEST:
        size = "small" if radius < SMALLEST else "large"
        problems.append(
            Problem(
                where,
                f"too {size}: {radius:g} m from its middle to its edge; {SMALLEST:g} to {LARGEST:g} m are allowed",
            )
        )
        return None
    try:
        fault = area_of(found).fault()
    except ValueError as error:
        fault = str(error)
    if fault:
        problems.append(Problem(where, fault))
        return None
    return lat, lon, radius


def _rings(raw: Any, corners: list[tuple[Any, Any]]) -> bool:
    """Gather the corners of nested lists; False when they are no such lists."""
    if not isinstance(raw, list) or not raw:
        return False
    items = cast("list[Any]", raw)
    if all(isinstance(one, int | float) for one in items):
        if len(items) < 2:
            return False
        corners.append((items[0], items[1]))
        return True
    return all(_rings(one, corners) for one in items)


def _moved(polygon: dict[str, Any], lat: float, lon: float) -> dict[str, Any]:
    """The same in metres from its middle."""
    scale = _DEGREE * cos(radians(lat))

    def moved(raw: list[Any]) -> list[Any]:
        if isinstance(raw[0], list):
            return [moved(one) for one in cast("list[list[Any]]", raw)]
        return [(raw[0] - lon) * scale, (raw[1] - lat) * _DEGREE]

    return {"type": polygon["type"], "coordinates": moved(polygon["coordinates"])}


def read_geojson(text: bytes) -> list[dict[str, Any]]:
    """The documents in a GeoJSON file: its features with a polygon, or a point and a `radius` among their properties; `id`, `name`
    and `margin` are taken from the properties, else made of the name or the number. Raises ValueError saying what is wrong."""
    try:
        raw = json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    found = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    features: Any = found.get("features") if found.get("type") == "FeatureCollection" else [raw]
    if not isinstance(features, list) or (found.get("type") not in ("FeatureCollection", "Feature")):
        raise ValueError("expected a GeoJSON FeatureCollection, or one Feature")
    return [_feature(one, number) for number, one in enumerate(cast("list[Any]", features), 1)]


def _feature(raw: Any, number: int) -> dict[str, Any]:
    feature = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    properties = cast("dict[str, Any]", feature.get("properties") or {})
    geometry: Any = feature.get("geometry") or {}
    name = properties.get("name")
    id = properties.get("id") or feature.get("id") or re.sub(r"[^a-z0-9]+", "-", str(name or f"fence-{number}").lower())
    document: dict[str, Any] = {"id": str(id).strip("-"), "name": name or str(id)}
    if "margin" in properties:
        document["margin"] = properties["margin"]
    coordinates: Any = geometry.get("coordinates")
    if geometry.get("type") == "Point" and isinstance(coordinates, list) and len(cast("list[Any]", coordinates)) >= 2:
        return document | {"circle": {"lon": coordinates[0], "lat": coordinates[1], "radius": properties.get("radius")}}
    return document | {"polygon": geometry}


async def put_geofences(conn: Connection, documents: list[Any], *, named: bool = True) -> list[Geofence]:
    """Check and store documents, inside the caller's transaction; all or none. Raises GeofencesRefused.

    `named`: say in problems which document of several it is.
    """
    problems: list[Problem] = []
    seen: set[str] = set()
    found: list[Geofence] = []
    for place, one in enumerate(documents):
        where = f"[{place}]" if named else ""
        fence = parse_geofence(one, where, problems)
        if fence is not None:
            if fence.id in seen:
                problems.append(Problem(f"{where}.id", f"there are two geofences '{fence.id}'"))
            seen.add(fence.id)
            found.append(fence)
    if problems:
        raise GeofencesRefused(problems)
    now = await now_ms(conn)
    for fence in found:
        kept = encode_json(fence.document()).decode()
        await conn.execute(sql("geofence_put"), (fence.id, fence.name, kept, fence.margin, now, now))
    return found


async def list_geofences(conn: Connection) -> list[Geofence]:
    """All geofences by id."""
    found: list[Geofence] = []
    for row in await fetch_all(conn, sql("geofence_list")):
        fence = parse_geofence(decode_json(row[2]), "", [])
        assert fence is not None, "it was checked when it was stored"
        found.append(fence)
    return found


async def geofence_ids(conn: Connection) -> list[str]:
    """The ids of all geofences."""
    return [row[0] for row in await fetch_all(conn, sql("geofence_ids"))]


async def delete_geofence(conn: Connection, id: str) -> bool:
    """Take a geofence away, inside the caller's transaction; False: there was none. Whoever is inside leaves with their next
    location."""
    return (await conn.execute(sql("geofence_delete"), (id,))).rowcount == 1
