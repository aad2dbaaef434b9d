"""`/api/segments` and its pages: publishing with progress, lists, members, deleting; problems name what is wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.conftest import DEADLINE, JOURNEY, World

from wend.engine.live import Worker

BUYERS: dict[str, Any] = {"name": "Buyers", "condition": {"event": "Signed Up", "count": {"gte": 1}}}
FRIENDS: dict[str, Any] = {"name": "Friends", "list": True}


async def in_force(world: World, segment: str) -> Any:
    """Run a worker until the segment's latest version is in force everywhere."""
    worker = Worker(world.pool, world.surface.clock)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(DEADLINE):
            while (await world.get(f"/api/segments/{segment}"))["status"] == "warming" or await world.behind():
                await asyncio.sleep(0.02)
    finally:
        worker.stop()
        await running
    return await world.get(f"/api/segments/{segment}")


async def test_a_segment_is_published_back_filled_shown_and_deleted(world: World) -> None:
    await world.someone()
    done = await world.client.put("/api/segments/buyers", json=BUYERS)
    assert (done.status_code, done.json()) == (
        200,
        {"id": "buyers", "version": 1, "changed": True, "warnings": []},
    )
    again = await world.client.put("/api/segments/buyers", json=BUYERS)
    assert again.json()["changed"] is False
    [warming] = (await world.get("/api/segments"))["items"]
    assert (warming["status"], warming["live_version"], warming["size"]) == ("warming", 0, 0)
    assert warming["progress"] | {"partitions": 0} == {
        "version": 1, "stage": "reading the log", "partitions": 0, "done": 0, "people": 0, "of": 1, "matched": 0, "read": 0,
    }  # fmt: skip
    assert "reading the log" in (await world.client.get("/segments")).text
    shown = await in_force(world, "buyers")
    assert (shown["size"], shown["progress"], shown["document"]) == (1, None, {"id": "buyers", **BUYERS})
    [member] = (await world.get("/api/segments/buyers/members"))["items"]
    assert member["known_as"] == "ada"
    assert "Buyers" in (await world.client.get(f"/people/{member['profile_id']}")).text
    page = (await world.client.get("/segments/buyers")).text
    assert "ada" in page and "count:" in page
    assert (await world.client.delete("/api/segments/buyers")).status_code == 204
    problem = await world.get("/api/segments/buyer", status=404)
    assert "buyer" in problem["detail"]
    assert (await world.client.get("/segments/buyers")).status_code == 404


async def test_what_is_wrong_is_told_with_its_place_and_strange_names_with_the_nearest(world: World) -> None:
    await world.someone()
    wrong = await world.client.put("/api/segments/x", json={"condition": {"any": [{"segmnt": "y"}, {"segment": "y"}]}})
    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["errors"]] == ["condition.any.0"]
    unknown = await world.client.put("/api/segments/x", json={"condition": {"segment": "y"}})
    assert unknown.json()["errors"][0]["message"].startswith("there is no segment 'y'")
    other = await world.client.put("/api/segments/x", json={"id": "y", "list": True})
    assert other.status_code == 422
    strange = {"condition": {"all": [{"event": "Signed Upp"}, {"attribute": "emial", "exists": True}]}}
    done = await world.client.put("/api/segments/x", json=strange)
    assert [one["message"].split("; ")[1] for one in done.json()["warnings"]] == [
        "did you mean 'Signed Up'?",
        "did you mean 'email'?",
    ]


async def test_people_are_put_on_lists_and_taken_off_by_any_identifier(world: World) -> None:
    await world.someone("ada")
    await world.someone("bob")
    await world.client.put("/api/segments/friends", json=FRIENDS)
    done = await world.client.post(
        "/api/segments/friends/members", json={"ids": ["ada", "bob@example.com", "eve", "ada"]}
    )
    assert done.status_code == 202
    assert (done.json()["taken"], [one["id"] for one in done.json()["refused"]]) == (2, ["eve"])
    await world.settle()
    first = await world.get("/api/segments/friends/members", params={"limit": 1})
    second = await world.get("/api/segments/friends/members", params={"limit": 1, "cursor": first["next"]})
    assert {first["items"][0]["known_as"], second["items"][0]["known_as"]} == {"ada", "bob"} and second["next"] is None
    gone = await world.client.request("DELETE", "/api/segments/friends/members", json={"ids": ["ada"]})
    assert gone.json()["taken"] == 1
    await world.settle()
    assert (await world.get("/api/segments/friends"))["size"] == 1


async def test_nobody_is_put_into_a_segment_that_has_a_condition(world: World) -> None:
    await world.client.put("/api/segments/buyers", json=BUYERS)
    refused = await world.client.post("/api/segments/buyers/members", json={"ids": ["ada"]})
    assert refused.status_code == 409 and "its condition" in refused.json()["detail"]


async def test_a_journey_says_which_segment_it_lacks_and_keeps_the_one_it_uses(world: World) -> None:
    await world.client.put("/api/segments/friends", json=FRIENDS)
    where = {"segment": "frends"}
    journey = {**JOURNEY, "entry": {**JOURNEY["entry"], "where": where}}
    checked = await world.client.post("/api/journeys/check", json=journey)
    assert "there is no segment 'frends'; did you mean 'friends'?" in checked.text
    where["segment"] = "friends"
    await world.publish(journey)
    refused = await world.client.delete("/api/segments/friends")
    assert refused.status_code == 409 and f"journey '{JOURNEY['id']}'" in refused.json()["detail"]
