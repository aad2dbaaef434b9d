"""An operator's hand on people by API: put in, taken out, let skip; by name, by segment, by node; refused with all faults at once."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.conftest import DEADLINE, World

from wend.engine.broadcast import Broadcasts
from wend.engine.segments import publish_segment
from wend.store.postgres import fetch_all

WAITING: dict[str, Any] = {
    "id": "waits",
    "name": "Waits",
    "entry": {"on": {"event": "Never"}},
    "nodes": {
        "pause": {"wait": "2h", "next": "rest"},
        "rest": {"wait": "2h", "next": "done"},
        "done": {"end": {}},
    },
    "start": "pause",
}


async def people(world: World, *names: str) -> None:
    await world.publish(WAITING)
    for name in names:
        await world.someone(name)


async def lay(world: World, status: int = 202, **wanted: Any) -> Any:
    answer = await world.client.post("/api/journeys/waits/people", json=wanted)
    assert answer.status_code == status, answer.text
    await world.settle()
    return answer.json()


async def at(world: World, node: str) -> list[str]:
    found = (await world.get("/api/journeys/waits/people", params={"node": node}))["items"]
    return sorted(one["known_as"] for one in found)


async def test_people_are_put_in_let_skip_and_taken_out_by_name(world: World) -> None:
    await people(world, "ada", "bob", "cyd")
    assert (await lay(world, action="put", people=["ada", "bob", "ada@example.com"]))["people"] == 2
    await lay(world, action="put", people=["cyd"], node="rest")
    assert (await at(world, "pause"), await at(world, "rest")) == (["ada", "bob"], ["cyd"])
    await lay(world, action="skip", people=["ada"])
    assert (await at(world, "pause"), await at(world, "rest")) == (["bob"], ["ada", "cyd"])
    await lay(world, action="out", node="rest")
    assert (await at(world, "pause"), await at(world, "rest")) == (["bob"], [])
    why = await world.get("/api/profiles/ada/why/waits")
    assert any("by key " in line for line in why["sentences"])
    said = [one["what"] for one in (await world.get("/api/audit"))["items"]]
    assert sum("operator: " in one for one in said) == 4


async def test_a_segment_is_told_in_chunks(world: World) -> None:
    await people(world, "ada", "bob")
    async with world.pool.connection() as conn:
        rows = await fetch_all(conn, "select profile_id from identifier where namespace = 'user_id'")
        count = await fetch_all(conn, "select count(*) from head")
        await publish_segment(conn, {"id": "vips", "list": True})
        for (id,) in rows:
            await conn.execute(
                "insert into membership (partition, segment, profile_id, since) values (%s, 'vips', %s, 1)",
                (id % count[0][0], id),
            )
    found = await lay(world, action="put", segment="vips")
    assert found["broadcast"] > 0
    walking = Broadcasts(world.pool, world.surface.clock, poll=0.01)
    running = asyncio.create_task(walking.run())
    try:
        async with asyncio.timeout(DEADLINE):
            while await at(world, "pause") != ["ada", "bob"]:
                await world.settle()
    finally:
        walking.stop()
        await running


async def test_everything_that_is_wrong_is_told_at_once_and_nobody_is_touched(world: World) -> None:
    await people(world, "ada")
    found = await lay(world, 422, action="put", people=["ada", "nobody", "none"], segment="vip", node="puase")
    assert [one["field"] for one in found["errors"]] == ["node", "segment", "segment", "people[1]", "people[2]"]
    assert "did you mean 'pause'" in found["errors"][0]["message"]
    assert [one["field"] for one in (await lay(world, 422, action="out"))["errors"]] == ["people"]
    assert (await lay(world, 422, action="kick", people=["ada"]))["errors"]
    await world.client.post("/api/journeys/waits/stop")
    assert "stopped" in (await lay(world, 422, action="put", people=["ada"]))["errors"][0]["message"]
    answer = await world.client.post("/api/journeys/nothing/people", json={"action": "out", "people": ["ada"]})
    assert "never published" in answer.json()["errors"][0]["message"]
    assert await at(world, "pause") == []
