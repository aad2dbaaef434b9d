"""Calls of services: which addresses may be called, what never shows, and replays."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.delivery.asking import (
    Heard,
    answer,
    ask,
    asks,
    call,
    saying,
    service,
    service_peer,
    the_answer,
)
from tests.delivery.conftest import NOON, World

from wend.delivery.asks.guard import Forbidden, Unknown, address_of, forbidden


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.1.1", "0.0.0.0", "::1", "fc00::1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "::",
    ],
)  # fmt: skip
def test_addresses_of_our_own_network_are_refused(address: str) -> None:
    assert forbidden(address, internal=False)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"]
)
def test_metadata_addresses_are_refused_even_to_internal_services(address: str) -> None:
    assert "metadata" in forbidden(address, internal=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_addresses_of_the_world_are_allowed(address: str) -> None:
    assert forbidden(address, internal=False) == ""


def test_an_operator_may_allow_private_addresses() -> None:
    for address in ("127.0.0.1", "10.0.0.1", "::1", "fd12::1"):
        assert forbidden(address, internal=True) == ""
    assert forbidden("nonsense", internal=True) == "no address"


async def test_a_name_that_leads_into_our_network_is_refused_and_one_that_leads_nowhere_is_tried_again() -> None:
    with pytest.raises(Forbidden, match=r"localhost is at (127\.0\.0\.1|::1), which is inside our own network"):
        await address_of("localhost", 80, internal=False)
    with pytest.raises(Unknown, match="cannot be looked up"):
        await address_of("nobody.invalid", 80, internal=False)
    with pytest.raises(Unknown, match="cannot be looked up"):
        await address_of("a" * 70 + ".test", 80, internal=False)


async def test_a_private_address_is_not_called_unless_the_operator_says_so(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port, internal=False)
        effect = await call(world)
        await asks(world).drain()
    assert "an operator can mark the service as internal" in (await the_answer(world, effect)).why
    assert peer.heard == []


async def test_secrets_appear_neither_in_logs_nor_in_reasons(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def echoing(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(400, {"you said": heard.headers["authorization"], "at": heard.target}))

    async with service_peer(echoing) as peer:
        await service(world, peer.port, secrets={"headers": {"Authorization": "Bearer s3cr3t"}, "path": "/hooks/t0k3n"})
        effect = await call(world)
        await asks(world).drain()
    why = (await the_answer(world, effect)).why
    assert why == 'recommender answered 400: {"you said": "***", "at": "/***"}'
    assert "s3cr3t" not in caplog.text and "t0k3n" not in caplog.text
    assert "s3cr3t" not in repr(asks(world)._services)  # pyright: ignore[reportPrivateUsage]


async def test_secrets_that_cannot_be_read_stop_the_call(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port, secrets={"headers": {"Authorization": "x"}})
        async with world.pool.connection() as conn:
            await conn.execute("update secret set value = 'x'")
        effect = await call(world)
        await asks(world).drain()
    assert "was written with another master key" in (await the_answer(world, effect)).why


async def test_in_a_replay_nothing_is_called_and_everything_is_answered_at_its_own_instant(world: World) -> None:
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        effect = await call(world, row={"at": NOON - 5_000})
        alert = await ask(
            world, await world.person(), "alert", {"text": "x", "to": "owner", "channels": ["email"], "digest": None}
        )
        assert await asks(world).drain() == 0
        assert await asks(world, virtual=True).drain() == 2
    found = await the_answer(world, effect)
    assert (found.state, found.value, found.at) == ("ok", {}, NOON - 5_000)
    assert (await world.message(alert))["status"] == "accepted"
    assert peer.heard == []
    assert await world.rows("select 1 from alert") == []
