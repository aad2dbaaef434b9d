"""Business events and geofences over the API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.conftest import World

from wend.engine.broadcast import Broadcasts

WISHES = {"attribute": "wishlist", "contains": "$about"}
DROP: dict[str, Any] = {
    "id": "drop",
    "entry": {"on": {"business_event": "Price Dropped"}},
    "nodes": {"tag": {"add_tag": {"tag": "told"}, "next": "done"}, "done": {"end": None}},
    "start": "tag",
}
PLACE = {"name": "Store", "circle": {"lat": 52.52, "lon": 13.405, "radius": "500m"}}


async def tell(world: World, status: int = 202, **more: Any) -> Any:
    answer = await world.client.post("/api/business-events", json={"name": "Price Dropped", "about": "p1", **more})
    assert answer.status_code == status, answer.text
    return answer.json()


async def carry(world: World, number: int) -> dict[str, Any]:
    broadcasts = Broadcasts(world.pool, world.surface.clock)
    while (found := await world.get(f"/api/broadcasts/{number}"))["ended_at"] is None:
        await broadcasts.look()
    await world.settle()
    return found


async def tags(world: World, user: str) -> list[str]:
    return (await world.get(f"/api/profiles/{user}"))["tags"]


async def test_everybody_who_wishes_for_the_thing_is_told(world: World) -> None:
    on = {"business_event": "Price Dropped", "linked": WISHES, "where": {"property": "price", "lt": 10}}
    await world.publish({**DROP, "entry": {"on": on}})
    await world.someone("ada", wishlist=["p1", "p2"])
    await world.someone("bob", wishlist=["p2"])
    told = await tell(world, properties={"price": 5})
    assert told["journeys"] == ["drop"]
    found = await carry(world, told["broadcast"])
    assert (found["told"], found["what"], found["done"]) == (1, "Price Dropped about p1", found["parts"])
    assert (await tags(world, "ada"), await tags(world, "bob")) == (["told"], [])
    assert [one["id"] for one in (await world.get("/api/broadcasts"))["items"]] == [told["broadcast"]]
    await world.get("/api/broadcasts/99", 404)


@pytest.mark.parametrize("linked", [WISHES, {"profiles": ["bob@example.com"]}, {"segment": "fans"}])
async def test_the_call_may_say_who_is_meant(world: World, linked: dict[str, Any]) -> None:
    await world.publish(DROP)
    await world.someone("ada")
    await world.someone("bob", wishlist=["p1"])
    assert (await world.client.put("/api/segments/fans", json={"list": True})).status_code == 200
    assert (await world.client.post("/api/segments/fans/members", json={"ids": ["bob"]})).status_code in (200, 202)
    await world.settle()
    told = await tell(world, linked=linked)
    assert (await carry(world, told["broadcast"]))["told"] == 1
    assert (await tags(world, "ada"), await tags(world, "bob")) == ([], ["told"])


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"name": "Price Droped"}, "name", "did you mean 'Price Dropped'?"),
        ({}, "linked", "is missing: the trigger of journey 'drop' does not say either who is meant"),
        ({"linked": {"segmnt": "x"}}, "linked", "'segmnt' is no form of condition"),
        ({"linked": {"segment": "fans"}}, "linked", "fans"),
        ({"linked": {"profiles": ["nobody"]}}, "linked.profiles[0]", "nobody is known as 'nobody'"),
        ({"linked": {"profiles": []}}, "linked.profiles", "expected 1 to 10000"),
        (
            {"linked": {"event": "Viewed", "where": {"property": "id", "is": "$about"}}},
            "linked",
            "what people did is remembered from when a published trigger or segment asks for it",
        ),
    ],
)
async def test_what_cannot_be_told_is_refused_with_the_reason(
    world: World, more: dict[str, Any], field: str, message: str
) -> None:
    await world.publish(DROP)
    errors = (await tell(world, 422, **more))["errors"]
    assert any(one["field"] == field and message in one["message"] for one in errors), errors


async def test_geofences_are_put_read_imported_and_deleted(world: World) -> None:
    stored = await world.client.put("/api/geofences/store", json=PLACE)
    assert stored.status_code == 200 and stored.json()["radius"] == 500, stored.text
    feature = {
        "type": "Feature",
        "properties": {"name": "Park", "radius": 100},
        "geometry": {"type": "Point", "coordinates": [1, 2]},
    }
    imported = await world.client.post(
        "/api/geofences/import", json={"type": "FeatureCollection", "features": [feature]}
    )
    assert imported.json() == {"stored": ["park"]}, imported.text
    assert [one["id"] for one in (await world.get("/api/geofences"))["items"]] == ["park", "store"]
    assert (await world.get("/api/geofences/store"))["document"]["margin"] == "50m"
    assert "did you mean 'store'" in (await world.get("/api/geofences/stor", 404))["detail"]
    assert (await world.client.delete("/api/geofences/park")).status_code == 204
    assert (await world.client.delete("/api/geofences/park")).status_code == 404


async def test_a_faulty_geofence_is_refused_with_every_fault(world: World) -> None:
    answer = await world.client.put("/api/geofences/store", json={"circle": {"lat": 99, "lon": 0, "radius": 1}, "x": 1})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["x", "circle.lat", "circle.radius"]
    for path, body in (("store", {"id": "other"}), ("import", {"type": "Point"})):
        call = world.client.put if path == "store" else world.client.post
        assert (await call(f"/api/geofences/{path}", json=body)).status_code == 422
    assert (await world.get("/api/geofences"))["items"] == []


async def test_a_geofence_in_use_is_not_deleted_and_one_that_is_missing_stops_a_publish(world: World) -> None:
    journey = {**DROP, "entry": {"on": {"geofence_entered": "store"}}}
    refused = await world.client.post("/api/journeys/drop/publish", json=journey)
    assert refused.status_code == 422 and "there is no geofence 'store'" in refused.text
    await world.client.put("/api/geofences/store", json=PLACE)
    await world.publish(journey)
    kept = await world.client.delete("/api/geofences/store")
    assert kept.status_code == 409 and "journey 'drop'" in kept.text


async def test_who_comes_into_a_geofence_is_heard(world: World) -> None:
    await world.client.put("/api/geofences/store", json=PLACE)
    await world.publish({**DROP, "entry": {"on": {"geofence_entered": "store"}}})
    async with world.pool.connection() as conn:
        await world.intake.places.refresh(conn)
    here = {"location": {"latitude": 52.52, "longitude": 13.405}}
    from wend.intake.items import Envelope

    item = {"type": "track", "userId": "ada", "event": "App Opened", "context": here}
    await world.intake.take([world.intake.reader.read(item, Envelope(world.surface.clock.now_ms()))])
    await world.settle()
    assert await tags(world, "ada") == ["told"]


async def test_a_rule_that_never_comes_stops_a_publish(world: World) -> None:
    on = {"date": {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}}
    refused = await world.client.post("/api/journeys/drop/publish", json={**DROP, "entry": {"on": on}})
    assert refused.status_code == 422
    assert any(
        one["field"] == "entry.on.date.rrule" and "never comes" in one["message"] for one in refused.json()["errors"]
    )
