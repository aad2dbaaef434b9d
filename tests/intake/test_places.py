"""Locations and geofences at the door: h3 finds what plain geometry finds; clients cannot say where they are inside."""

from __future__ import annotations

import json
from math import cos, radians
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from wend.content.geofences import (
    Geofence,
    GeofencesRefused,
    delete_geofence,
    geofence_ids,
    list_geofences,
    parse_geofence,
    put_geofences,
    read_geojson,
)
from wend.core.problems import Problem
from wend.intake.items import Envelope, ItemReader
from wend.intake.limits import Limits
from wend.intake.places import Places
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

DEGREE = 111_195.08
STORE = {"id": "store", "name": "Store", "circle": {"lat": 52.52, "lon": 13.405, "radius": "500m"}, "margin": "100m"}


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*map(list, corners), list(corners[0])]]}


PARK = {"id": "park", "polygon": polygon((13.35, 52.51), (13.37, 52.51), (13.37, 52.52), (13.35, 52.52))}


def fence(raw: dict[str, Any]) -> Geofence:
    problems: list[Problem] = []
    found = parse_geofence(raw, "", problems)
    assert found is not None, problems
    return found


# --- lookups ---

middles = st.tuples(st.floats(-84, 84), st.floats(-179, 179))
sizes = st.one_of(st.floats(5, 300), st.floats(300, 20_000), st.floats(20_000, 250_000))


@st.composite
def fences_and_points(draw: st.DrawFn) -> tuple[list[Geofence], list[tuple[float, float]]]:
    fences: list[Geofence] = []
    points: list[tuple[float, float]] = []
    for number in range(draw(st.integers(1, 6))):
        lat, lon = draw(middles)
        radius, margin = draw(sizes), draw(st.sampled_from([0, 50, 5_000]))
        if draw(st.booleans()):
            raw: dict[str, Any] = {"circle": {"lat": lat, "lon": lon, "radius": radius}}
        else:
            wide, high = radius / DEGREE / cos(radians(lat)) / 2, radius / DEGREE / 2
            corners = [(lon - wide, lat), (lon, lat - high), (lon + wide, lat), (lon + wide / 4, lat + high / 4)]
            raw = {"polygon": polygon(*corners)}
        found = parse_geofence({"id": f"f{number}", "margin": f"{margin}m", **raw}, "", [])
        if found is not None:
            fences.append(found)
        for _ in range(4):
            away = (radius + margin) / DEGREE * draw(st.sampled_from([0.3, 0.95, 1.0, 1.05, 2]))
            turn_lat, turn_lon = draw(st.floats(-1, 1)), draw(st.floats(-1, 1))
            points.append(
                (
                    max(-90, min(90, lat + away * turn_lat)),
                    (lon + away * turn_lon / cos(radians(lat)) + 180) % 360 - 180,
                )
            )
    return fences, points


@given(fences_and_points())
def test_hexagons_find_what_asking_every_fence_finds(drawn: tuple[list[Geofence], list[tuple[float, float]]]) -> None:
    fences, points = drawn
    places = Places(fences)
    for lat, lon in points:
        asked = {one.id: one.place(lat, lon) for one in fences}
        inside, near = places.look(lat, lon)
        assert inside == sorted(id for id, found in asked.items() if found == "inside")
        assert near == sorted(id for id, found in asked.items() if found == "near")


@given(st.tuples(st.floats(52.505, 52.525), st.floats(13.34, 13.38)))
def test_a_polygon_is_what_plain_shapely_takes_it_for(point: tuple[float, float]) -> None:
    plain = shapely.from_geojson(json.dumps(PARK["polygon"]))
    lat, lon = point
    assert (fence(PARK).place(lat, lon) == "inside") is bool(plain.covers(shapely.Point(lon, lat)))


def test_near_is_outside_by_less_than_the_margin() -> None:
    store, north = fence(STORE), 500 / DEGREE
    assert store.place(52.52 + north * 0.99, 13.405) == "inside"
    assert store.place(52.52 + north * 1.01, 13.405) == store.place(52.52 + north * 1.19, 13.405) == "near"
    assert store.place(52.52 + north * 1.21, 13.405) == ""
    park = fence({**PARK, "margin": "100m"})
    assert [park.place(52.51 - metres / DEGREE, 13.36) for metres in (-1, 99, 101)] == ["inside", "near", ""]


# --- items ---


def context_of(item: dict[str, Any], *fences: dict[str, Any]) -> dict[str, Any]:
    reader = ItemReader(Limits(), places=Places(map(fence, fences)))
    message = reader.read({"userId": "u", "type": "track", "event": "Go", **item}, Envelope(1_700_000_000_000))
    return json.loads(message.entries[0].payload).get("context", {})


HERE = {"latitude": 52.52, "longitude": 13.405}


@pytest.mark.parametrize(
    "item",
    [
        {"context": {"location": HERE}},
        {"type": "page", "context": {"location": HERE}},
        {"event": "Location Updated", "properties": {"lat": 52.52, "lon": 13.405}},
        {"context": {"location": HERE, "fences": {"inside": ["park"]}}},
        {"context": {"location": HERE}, "fences": {"inside": ["park"]}},
    ],
)
def test_an_event_with_a_location_tells_where_it_happened(item: dict[str, Any]) -> None:
    found = context_of(item, STORE, PARK)
    assert found["fences"] == {"at": [52.52, 13.405], "inside": ["store"], "near": []}


@pytest.mark.parametrize(
    "item",
    [
        {"context": {"fences": {"at": [1, 2], "inside": ["store"], "near": []}}},
        {"fences": {"at": [1, 2], "inside": ["store"], "near": []}},
        {"context": {"location": {"latitude": "52", "longitude": 13}}},
        {"context": {"location": {"latitude": 152, "longitude": 13}}},
        {"context": {"location": {"latitude": True, "longitude": 13}}},
        {"context": {"location": "Berlin"}},
        {"properties": {"lat": 52.52, "lon": 13.405}},
        {"event": "Location Updated", "properties": {"lat": 52.52}},
        {"event": "Location Updated", "properties": None},
    ],
)
def test_nobody_else_says_where_somebody_is(item: dict[str, Any]) -> None:
    assert "fences" not in context_of(item, STORE)


def test_without_fences_the_location_is_kept_all_the_same() -> None:
    assert context_of({"context": {"location": HERE}})["fences"] == {"at": [52.52, 13.405], "inside": [], "near": []}


# --- documents ---

BOW = polygon((0, 0), (0.01, 0.01), (0.01, 0), (0, 0.01))


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("x", "expected a geofence"),
        ({**STORE, "id": "A B"}, "id: expected lower-case letters"),
        ({**STORE, "name": 5}, "name: expected a text"),
        ({**STORE, "radius": 5}, "radius: 'radius' is not part of a geofence"),
        ({**STORE, "margin": "10"}, "margin: '10' is no distance"),
        ({**STORE, "margin": "90km"}, "margin: 90000 m is out of range: 0 m to 50000 m"),
        ({**STORE, **PARK}, "circle: a geofence is either a circle or a polygon"),
        ({"id": "a"}, "circle: a geofence is either a circle or a polygon"),
        ({"id": "a", "circle": {"lat": 1}}, "circle: expected {lat: 52.52, lon: 13.405, radius: 500m}"),
        (
            {"id": "a", "circle": {"lat": 91, "lon": 0, "radius": 50}},
            "circle.lat: expected degrees, -85 to 85, found 91",
        ),
        ({"id": "a", "circle": {"lat": 1, "lon": "x", "radius": 50}}, "circle.lon: expected degrees, -180 to 180"),
        (
            {"id": "a", "circle": {"lat": 1, "lon": 2, "radius": 1}},
            "circle.radius: 1 m is out of range: 5 m to 250000 m",
        ),
        ({"id": "a", "circle": {"lat": 1, "lon": 2, "radius": "300km"}}, "circle.radius: 300000 m is out of range"),
        ({"id": "a", "polygon": BOW}, "polygon: is not a simple polygon: Self-intersection at [0.005 0.005]"),
        ({"id": "a", "polygon": polygon((0, 0), (5, 0), (5, 5))}, "polygon: too large"),
        ({"id": "a", "polygon": polygon((0, 0), (1e-6, 0), (1e-6, 1e-6))}, "polygon: too small"),
        ({"id": "a", "polygon": polygon((0, 95), (1, 0), (1, 1))}, "polygon: the corner [0, 95] is out of range"),
        ({"id": "a", "polygon": polygon((179.9, 0), (-179.9, 0), (179.9, 0.1))}, "polygon: reaches over the 180th"),
        (
            {"id": "a", "polygon": {"type": "Polygon", "coordinates": [[[0, 0], [0.01, 0]]]}},
            "polygon: is not a polygon",
        ),
        ({"id": "a", "polygon": {"type": "Polygon", "coordinates": [[0, "x"]]}}, "polygon: expected a GeoJSON Polygon"),
        ({"id": "a", "polygon": {"type": "LineString", "coordinates": []}}, "polygon: expected a GeoJSON Polygon"),
        (
            {"id": "a", "polygon": polygon(*((0, at / 1e6) for at in range(10_001)))},
            "polygon: 10002 corners are too many",
        ),
    ],
)
def test_what_is_wrong_with_a_geofence_is_said(raw: Any, fault: str) -> None:
    problems: list[Problem] = []
    assert parse_geofence(raw, "", problems) is None
    assert any(str(one).startswith(fault) for one in problems), [str(one) for one in problems]


def test_a_geojson_file_becomes_documents() -> None:
    features = [
        {"type": "Feature", "properties": {"name": "Tier Garten!"}, "geometry": PARK["polygon"]},
        {
            "type": "Feature",
            "id": 7,
            "properties": {"radius": "1km", "margin": "10m"},
            "geometry": {"type": "Point", "coordinates": [1, 2]},
        },
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    one, two = map(fence, read_geojson(b"\xef\xbb\xbf" + text))
    assert (one.id, one.name) == ("tier-garten", "Tier Garten!")
    assert (two.id, two.lat, two.lon, two.radius, two.margin) == ("7", 2, 1, 1000, 10)
    assert [each["id"] for each in read_geojson(json.dumps(features[0]).encode())] == ["tier-garten"]
    for bad, why in ((b"{", "not JSON"), (b"\xff", "not UTF-8"), (b'{"type": "Point"}', "expected a GeoJSON Feat")):
        with pytest.raises(ValueError, match=why):
            read_geojson(bad)


async def test_fences_are_kept_all_or_none_and_seen_by_every_process(database_url: str) -> None:
    await migrate(database_url, partitions=4)
    places = Places()
    async with make_pool(database_url, smallest=1, largest=2) as pool, pool.connection() as conn:
        assert await places.refresh(conn)
        with pytest.raises(GeofencesRefused) as refused:
            await put_geofences(conn, [STORE, STORE, {"id": "x", "polygon": BOW}])
        assert [one.where for one in refused.value.problems] == ["[1].id", "[2].polygon"]
        assert await geofence_ids(conn) == []
        await put_geofences(conn, [STORE, PARK])
        assert await geofence_ids(conn) == ["park", "store"]
        assert places.look(52.52, 13.405) == ([], [])
        assert await places.refresh(conn)
        assert places.look(52.52, 13.405) == (["store"], [])
        assert not await places.refresh(conn)
        assert await list_geofences(conn) == [fence(PARK), fence(STORE)]
        assert await delete_geofence(conn, "store") and not await delete_geofence(conn, "store")
        assert await places.refresh(conn)
        assert places.look(52.52, 13.405) == ([], [])
