"""Messages show what the catalogue has, without a query for each person; the settings in force are all that were published."""

from __future__ import annotations

from typing import Any

import pytest
from tests.delivery.conftest import World

from wend.content.catalogue import store
from wend.content.catalogue.product import Product
from wend.content.store import push_template
from wend.core.profile import Facts
from wend.engine.publish import publish_settings

TEXT = (
    "{% assign it = entry.product_id | product %}{{ it.title }} {{ it.price | money: it.currency }}:"
    "{% assign more = cart | related: 2 %}{% for one in more %} {{ one.title }}{% endfor %} {{ stage }} {{ rfm }} {{ abc }}"
)


async def test_products_are_fetched_for_the_whole_batch(
    world: World, inbox: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    things = [Product(id, id.title(), category="Light", price=5, currency="EUR") for id in ("lamp", "bulb", "torch")]
    async with world.pool.connection() as conn:
        await store.put_products(conn, things, 1)
        await publish_settings(conn, {"funnel": {"stages": [{"id": "visitor"}, {"id": "customer"}]}})
    await push(world, {"id": "shop", "channel": "sms", "text": TEXT})
    cart = [{"product_id": "lamp", "category": "Light", "quantity": 1, "at": 1}]
    facts = Facts(cart=cart, orders=1, revenue=5, last_order_at=world.clock.ms - 1)
    ids: list[str] = []
    for place in range(20):
        person = await world.person(facts=facts, stage="customer" if place % 2 else "")
        data = {"entry": {"product_id": "lamp"}, "event": {}, "saved": {}}
        ids.append(await world.queue(person, channel="sms", template="shop", data=data, address="+491701234567"))
    asked = 0
    find = store.find_products

    async def counted(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        return await find(*args)

    monkeypatch.setattr("wend.content.catalogue.shelf.find_products", counted)
    await world.sender(inbox).drain()
    texts = [row["body_text"] for row in await world.rows("select body_text from inbox order by effect_id")]
    assert len(texts) == 20 and {text.split(":")[0] for text in texts} == {"Lamp €5.00"}
    assert sorted(set(texts)) == [f"Lamp €5.00: Bulb Torch {stage} new c" for stage in ("customer", "visitor")]
    assert asked == 1, "one query for twenty people"


async def test_a_message_that_lacks_its_product_is_refused_with_the_reason(world: World, inbox: dict[str, Any]) -> None:
    await push(world, {"id": "shop", "channel": "sms", "text": TEXT})
    effect = await world.queue(
        await world.person(), channel="sms", template="shop", data={"entry": {"product_id": "gone"}}
    )
    await world.sender(inbox).drain()
    row = await world.message(effect)
    assert row["status"] == "refused" and "it.title" in row["why"]


async def test_settings_published_one_after_the_other_are_all_in_force(world: World, inbox: dict[str, Any]) -> None:
    night = {"sms": {"from": "00:00", "to": "23:59"}}
    async with world.pool.connection() as conn:
        await publish_settings(conn, {"quiet_hours": night, "rfm": {"money": [1, 2, 3, 4]}})
        await publish_settings(conn, {"rfm": {"money": [5, 6, 7, 8]}})
    await push(world, {"id": "text", "channel": "sms", "text": "Hi"})
    effect = await world.queue(await world.person(), channel="sms", template="text")
    await world.sender(inbox).drain()
    assert (await world.message(effect))["status"] == "queued", "the night holds it still"


async def push(world: World, document: dict[str, Any]) -> None:
    async with world.pool.connection() as conn:
        await push_template(conn, document)
