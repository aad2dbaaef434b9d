"""An order that comes in at any door is told how long what was bought will last, and a journey can wait for it."""

from __future__ import annotations

import json

import httpx2
from tests.core.journey.story import Story, journey, shown
from tests.intake.conftest import World

from wend.content.catalogue.product import Product
from wend.content.catalogue.store import put_products
from wend.core.inputs import Event

ORDER = {"products": [{"product_id": "food"}], "total": 5}


async def test_orders_are_told_at_every_door(world: World) -> None:
    async with world.pool.connection() as conn:
        await put_products(conn, [Product("food", "Food", replenish=30 * 86_400_000)], 1)
        await world.intake.replenishment.refresh(conn)
    sent = [
        {"type": "track", "userId": "a", "event": name, "properties": ORDER} for name in ("Order Completed", "Other")
    ]
    assert (await world.client.post("/v1/batch", json={"batch": sent}, auth=(world.key, ""))).status_code == 200
    rest = {"userId": "a", "eventName": "Order Completed", "eventData": ORDER}
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {world.api_key}"}) as client:
        assert (await client.post(f"{world.url}/v1/accounts/x/events", json=rest)).status_code == 201
    rows = [
        json.loads(row[0])
        for row in await world.rows("select payload::text from log where kind = 'event' order by seq")
    ]
    told = [row["properties"] for row in rows]
    assert [one.get("replenish_after") for one in told] == ["30 d", None, "30 d"]
    assert told[0]["products"] == [{"product_id": "food", "replenish_after": "30 d"}]


def test_a_journey_waits_for_the_products_own_interval() -> None:
    wait = {"w": {"wait": {"entry": "replenish_after"}, "next": "over"}}
    known = {"event": "Order Completed", "where": {"property": "replenish_after", "exists": True}}
    story = Story(journey(wait, on=known))
    story.tell(Event("Order Completed", story.now, dict(ORDER)))
    assert not story.profile.runs
    story.event("Order Completed", replenish_after="30 d")
    assert shown(story.wakes_at) == "2026-04-01 10:00"
