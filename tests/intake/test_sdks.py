"""The real SDKs, unchanged, against a real server (reference/segment-clients.md). They run in threads of their own."""

import asyncio
from datetime import UTC, datetime

import pytest
import rudderstack.analytics.client as rudder
import segment.analytics.client as segment

from wend.store.log import message_hash

WHEN = datetime(2026, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
WHEN_MS = 1_777_636_800_123


def use(client):
    """What a shop's code does with either SDK."""
    client.track(anonymous_id="a1", event="Product Viewed", properties={"name": "Würfel 🎲", "price": 3.5})
    client.identify("u1", traits={"email": "ada@example.com", "plan": None}, anonymous_id="a1", message_id="m-identify")
    client.track("u1", "Order Completed", {"total": 12}, timestamp=WHEN, message_id="m-order")
    client.page("u1", "Shop", "Home", {"url": "https://shop.example"})
    client.screen("u1", "App", "Cart")
    client.group("u1", "acme", {"name": "ACME"})
    client.alias("old-id", "u1")


@pytest.mark.parametrize(("sdk", "packed"), [(segment, False), (segment, True), (rudder, True), (rudder, False)])
async def test_everything_an_sdk_sends_arrives(world, sdk, packed):
    errors = []
    client = sdk.Client(world.key, host=world.url, gzip=packed, on_error=lambda error, items: errors.append(error))

    def run():
        use(client)
        client.flush()
        client.join()

    await asyncio.to_thread(run)
    assert errors == []
    log = await world.log()
    person = await world.person("user_id", "u1")
    assert {one for one, _, _ in log} == {person}
    assert await world.person("anonymous_id", "a1") == await world.person("anonymous_id", "old-id") == person
    assert [payload.get("name", kind) for _, kind, payload in log] == [
        "Product Viewed",
        "identify",
        "Order Completed",
        "Page Viewed",
        "Screen Viewed",
        "group",
    ]
    viewed, identified, ordered, page, screen, group = [payload for _, _, payload in log]
    assert viewed["properties"] == {"name": "Würfel 🎲", "price": 3.5}
    assert identified["traits"] == {"email": "ada@example.com", "plan": None}
    assert (identified["user_id"], identified["anonymous_id"]) == ("u1", "a1")
    assert ordered["properties"] == {"total": 12}
    # Their clocks say when they sent it; ours when it came: the difference is taken off.
    assert abs(ordered["at"] - WHEN_MS) < 30_000
    assert page["properties"] == {"url": "https://shop.example", "name": "Home", "category": "Shop"}
    assert screen["properties"] == {"name": "Cart", "category": "App"}
    assert (group["group_id"], group["traits"]) == ("acme", {"name": "ACME"})
    assert viewed["context"]["library"]["name"]
    hashes = dict(
        await world.rows("select kind, message_hash from log where message_hash is not null and kind <> 'event'")
    )
    assert hashes["identify"] == message_hash("m-identify")


@pytest.mark.parametrize("sdk", [segment, rudder])
async def test_a_refused_batch_is_not_sent_again_and_again(world, sdk):
    errors = []

    def run():
        client = sdk.Client("wrong key", host=world.url, on_error=lambda fault, _: errors.append(fault), max_retries=3)
        client.track("u1", "E")
        client.flush()
        client.join()

    await asyncio.to_thread(run)
    assert [(error.status, error.code) for error in errors] == [(401, "unknown_key")]
    assert await world.log() == []


async def test_more_than_one_batch_with_one_bad_item_arrives_but_for_that(world):
    errors = []
    client = segment.Client(world.key, host=world.url, on_error=lambda error, items: errors.append(error))

    def run():
        for number in range(250):
            client.track(f"u{number % 7}", f"E{number}", message_id="m" * 101 if number == 50 else f"m{number}")
        client.flush()
        client.join()

    await asyncio.to_thread(run)
    assert errors == []
    names = {payload["name"] for _, kind, payload in await world.log() if kind == "event"}
    assert names == {f"E{number}" for number in range(250)} - {"E50"}
    assert await world.rows("select code from dead_letter") == [("message_id_too_long",)]
