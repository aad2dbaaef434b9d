"""Publishing over people in flight by API: policy, mapping, impact, versions and differences, rolling back, publishing at an instant."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

from tests.api.conftest import DEADLINE, JOURNEY, World

from wend.api.acts.publishing import publish_due
from wend.engine.scheduled import publish_next, publish_scheduled
from wend.store.postgres import fetch_all

WAITING: dict[str, Any] = {
    "id": "waits",
    "name": "Waits",
    "entry": {"on": {"event": "Signed Up"}, "reentry": "once"},
    "nodes": {"pause": {"wait": "2h", "next": "done"}, "done": {"end": {}}},
    "start": "pause",
}


def with_nodes(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    document = deepcopy(WAITING) | more
    document["nodes"] = nodes | {"done": {"end": {}}}
    document["start"] = next(iter(nodes))
    return document


RENAMED = with_nodes({"rest": {"wait": "3h", "next": "done"}})


async def inside(world: World) -> None:
    """Ada waits at `pause`."""
    await world.publish(WAITING)
    await world.someone("ada")


async def post(world: World, path: str, status: int, document: Any = None, **params: Any) -> Any:
    answer = await world.client.post(f"/api/journeys/waits/{path}", json=document, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_rule_08_impact_tells_before_publishing_where_people_would_go(world: World) -> None:
    await inside(world)
    found = await post(world, "impact", 200, RENAMED, policy="move")
    assert (found["ok"], found["inside"]) == (False, 1)
    assert found["nodes"] == [
        {"node": "pause", "version": 1, "waiting": 1, "fate": "removed", "to": None, "at_once": 0}
    ]
    assert "1 wait at 'pause' of version 1" in found["problems"][0]["message"]
    found = await post(world, "impact", 200, RENAMED, policy="move", map="pause=rest")
    assert (found["ok"], found["at_once"], found["leaving"]) == (True, 0, 0)
    assert (found["nodes"][0]["fate"], found["nodes"][0]["to"]) == ("mapped", "rest")
    found = await post(world, "impact", 200, RENAMED, policy="exit")
    assert found["leaving"] == 1
    await post(world, "impact", 422, RENAMED, policy="move", map="pause")
    await post(world, "impact", 422, with_nodes({"pause": {"wiat": "3h"}}))


async def test_rule_08_publishing_moves_people_or_says_all_that_is_in_the_way(world: World) -> None:
    await inside(world)
    refused = await post(world, "publish", 409, RENAMED, policy="move")
    assert refused["type"] == "urn:wend:problem:people-inside"
    assert [one["field"] for one in refused["errors"]] == ["mapping.pause"]
    await post(world, "publish", 409, RENAMED, policy="keep", map="pause=rest")
    assert (await post(world, "publish", 200, RENAMED, policy="move", map="pause=rest"))["version"] == 2
    await world.settle()
    people = (await world.get("/api/journeys/waits/people", params={"node": "rest"}))["items"]
    assert [(one["known_as"], one["version"]) for one in people] == [("ada", 2)]
    assert "version 2" in people[0]["why"]
    assert (await post(world, "publish", 200, RENAMED))["changed"] is False
    assert (await post(world, "publish", 200, RENAMED, policy="exit"))["changed"] is True
    await world.settle()
    assert (await world.get("/api/journeys"))["items"][0]["inside"] == 0
    policies = [one["policy"] for one in (await world.get("/api/journeys/waits/versions"))["items"]]
    assert policies == ["exit", "move", "keep"]


async def test_versions_are_compared_and_rolled_back_to(world: World) -> None:
    await inside(world)
    longer = with_nodes(
        {"pause": {"wait": "9h", "next": "tag"}, "tag": {"add_tag": "x", "next": "done"}}, name="Longer"
    )
    await post(world, "publish", 200, longer)
    found = (await world.get("/api/journeys/waits/versions/1/diff"))["items"]
    assert [one["text"] for one in found] == [
        "~ name: 'Waits' → 'Longer'",
        "~ nodes.pause.wait: '2h' → '9h'",
        "~ nodes.pause.next: 'done' → 'tag'",
        "+ nodes.tag: {'add_tag': 'x', 'next': 'done'}",
    ]
    draft = with_nodes({"pause": {"wait": "9h", "next": "done"}}, name="Longer")
    await world.client.put("/api/journeys/waits/draft", json=draft)
    to_draft = (await world.get("/api/journeys/waits/versions/2/diff"))["items"]
    assert [one["text"] for one in to_draft] == [
        "~ nodes.pause.next: 'tag' → 'done'",
        "- nodes.tag: {'add_tag': 'x', 'next': 'done'}",
    ]
    assert (await world.get("/api/journeys/waits/versions/2/diff", params={"to": 2}))["items"] == []
    assert "versions 1 to 2" in (await world.get("/api/journeys/waits/versions/7/diff", 404))["detail"]
    back = await post(world, "versions/1/rollback", 200, policy="move")
    assert back["version"] == 3
    assert (await world.get("/api/journeys/waits"))["document"] == WAITING
    assert any("rolled back to version 1" in one["what"] for one in (await world.get("/api/audit"))["items"])
    page = await world.client.get("/journeys/waits/versions/2")
    assert page.status_code == 200 and "nodes.pause.wait" in page.text
    assert "/journeys/waits/versions/2" in (await world.client.get("/journeys/waits")).text
    assert (await world.client.get("/journeys/waits/versions/9")).status_code == 404


async def schedule(world: World, document: dict[str, Any], ahead: int = 3_600_000, **more: Any) -> tuple[int, int]:
    at = world.surface.clock.now_ms() + ahead
    found = await post(world, "schedule", 202, document, at=at, **more)
    return found["id"], at


async def test_a_scheduled_publication_happens_once_at_its_instant_however_many_processes_look(world: World) -> None:
    await inside(world)
    id, at = await schedule(world, RENAMED, policy="move", map="pause=rest")

    async def look(now: int) -> object:
        async with world.pool.connection() as conn:
            return await publish_next(conn, publish_due, now)

    assert await look(at - 1) is None
    done = await asyncio.gather(*(look(at) for _ in range(4)))
    assert sum(one is not None for one in done) == 1
    [found] = (await world.get("/api/journeys/waits/schedule"))["items"]
    assert (found["id"], found["status"], found["version"]) == (id, "published", 2)
    await world.settle()
    assert (await world.get("/api/journeys/waits/counts"))["nodes"]["rest"]["waiting"] == 1
    assert "Publications at an instant" in (await world.client.get("/journeys/waits")).text


async def test_what_cannot_be_published_when_it_is_due_is_shown_as_failed_and_nothing_of_it_is_applied(
    world: World,
) -> None:
    await inside(world)
    await schedule(world, RENAMED, policy="move")  # today's impact refuses it already, people may be gone by then
    async with world.pool.connection() as conn:
        await conn.execute("update scheduled set at = 1")
    running = asyncio.create_task(publish_scheduled(world.pool, world.surface.clock, publish_due, every=0.01))
    try:
        async with asyncio.timeout(DEADLINE):
            while (await world.get("/api/journeys/waits/schedule"))["items"][0]["status"] == "waiting":
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    [found] = (await world.get("/api/journeys/waits/schedule"))["items"]
    assert found["status"] == "failed" and "1 wait at 'pause'" in found["why"]
    assert (await world.get("/api/journeys/waits"))["version"] == 1
    assert any("failed" in one["what"] for one in (await world.get("/api/audit"))["items"])
    assert "scheduled publications failed" in (await world.client.get("/")).text


async def test_a_scheduled_publication_is_cancelled_while_it_waits(world: World) -> None:
    await inside(world)
    id, at = await schedule(world, RENAMED)
    path = f"/api/journeys/waits/schedule/{id}"
    assert (await world.client.delete(path)).json()["status"] == "cancelled"
    assert (await world.client.delete(path)).status_code == 409
    async with world.pool.connection() as conn:
        assert await publish_next(conn, publish_due, at) is None
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update scheduled set status = 'waiting'")
        assert await publish_next(conn, publish_due, at) is None, "in replay mode nothing happens"
        assert await fetch_all(conn, "select status from scheduled") == [("waiting",)]
    await post(world, "schedule", 422, RENAMED, at=1)
    await post(world, "schedule", 422, RENAMED, at=1 << 60)
    await post(world, "schedule", 422, with_nodes({"pause": {"wiat": "3h"}}), at=at)


async def test_the_impact_of_publishing_a_draft_needs_a_draft(world: World) -> None:
    await inside(world)
    await post(world, "impact", 409, policy="move")
    await post(world, "publish", 422, JOURNEY)
