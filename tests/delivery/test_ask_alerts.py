"""Alerts: in the product, by mail and to chats; at once or collected; each once."""

from __future__ import annotations

import json
from typing import Any

from tests.delivery.asking import answer, answers, ask, asks, saying, service, service_peer, settings
from tests.delivery.conftest import NOON, World

from wend.core.zone import next_local_time

ALERT: dict[str, Any] = {
    "text": "{{ profile.first_name }} is hot",
    "to": "sales",
    "channels": ["in_product"],
    "digest": None,
}
MINUTE = 60_000


async def tell(world: World, profile: Any = None, **request: Any) -> str:
    return await ask(world, profile or await world.person(), "alert", {**ALERT, **request})


async def alerts(world: World, *columns: str) -> list[tuple[Any, ...]]:
    """In the order in which they were asked for."""
    query = "select a.* from alert a join outbox o using (effect_id) order by o.outbox_seq, a.id"
    return [tuple(row[name] for name in columns) for row in await world.rows(query)]


async def test_an_alert_goes_every_way_at_once_and_nobody_is_answered(world: World, inbox: Any) -> None:
    await settings(world, team={"sales": {"email": ["a@example.com", "b@example.com"], "webhook": "chat"}})
    person = await world.person()
    async with service_peer(saying(answer(200, b"ok"))) as peer:
        await service(world, peer.port, id="chat", secrets={"path": "/hooks/1"}, secret_names=["path"])
        effect = await tell(
            world,
            person,
            channels=["in_product", "email", "webhook"],
            text="{{ profile.first_name }} <!channel> & more",
        )
        asking = asks(world, email=inbox["email"])
        await asking.drain()
        await asking.drain()
    assert await alerts(world, "channel", "target", "status") == [
        ("in_product", "sales", "shown"),
        ("email", "a@example.com", "sent"),
        ("email", "b@example.com", "sent"),
        ("webhook", "chat", "sent"),
    ]
    mails = await world.rows("select * from inbox order by recipient")
    assert [(one["recipient"], one["subject"]) for one in mails] == [
        ("a@example.com", "Ann <!channel> & more"),
        ("b@example.com", "Ann <!channel> & more"),
    ]
    assert f"http://127.0.0.1:8000/people/{person.id}, journey welcome" in mails[0]["body_text"]
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("POST", "/hooks/1")
    assert json.loads(heard.body)["text"].startswith("Ann &lt;!channel&gt; &amp; more\n")
    assert (await world.message(effect))["status"] == "accepted"
    assert await answers(world) == []


async def test_the_owner_is_an_address_or_a_team_and_who_cannot_be_told_is_named(world: World, inbox: Any) -> None:
    await settings(world, team={"anna": "anna@example.com"})
    for owner in ("bob@example.com", "anna", "nobody", None):
        person = await world.person(attributes={"first_name": "Ann", **({"owner": owner} if owner else {})})
        await tell(world, person, to="owner", channels=["email", "webhook"])
    await tell(world, to="saels", channels=["email"])
    await asks(world, email=inbox["email"]).drain()
    assert await alerts(world, "channel", "target", "status", "why") == [
        ("email", "bob@example.com", "sent", ""),
        ("webhook", "bob@example.com", "failed", "bob@example.com has no webhook"),
        ("email", "anna@example.com", "sent", ""),
        ("webhook", "anna", "failed", "anna has no webhook"),
        ("email", "owner", "failed", "the person's owner 'nobody' is neither an address nor a team of the settings"),
        ("webhook", "owner", "failed", "the person's owner 'nobody' is neither an address nor a team of the settings"),
        ("email", "owner", "failed", "the person has no owner"),
        ("webhook", "owner", "failed", "the person has no owner"),
        ("email", "saels", "failed", "there is no team 'saels' in the settings"),
    ]
    statuses = [row["status"] for row in await world.rows("select status from outbox order by outbox_seq")]
    assert statuses == ["accepted", "accepted", "refused", "refused", "refused"]


async def test_a_text_that_cannot_be_made_is_refused(world: World) -> None:
    effect = await tell(world, text="{{ profile.nickname }}")
    await asks(world).drain()
    row = await world.message(effect)
    assert (row["status"], "profile.nickname is undefined" in row["why"]) == ("refused", True)
    assert await alerts(world, "id") == []


async def test_a_digest_is_one_message_at_its_hour_with_everything_in_it_once(world: World, inbox: Any) -> None:
    await settings(
        world,
        team={"sales": "a@example.com"},
        alert_digest={"at": "17:00", "weekday": "wednesday"},
        zone="Europe/Berlin",
    )
    asking = asks(world, email=inbox["email"])
    for number in range(3):
        await tell(world, text=f"lead {number}", channels=["email", "in_product"], digest="daily")
    await tell(world, text="later", channels=["email"], digest="weekly")
    await asking.drain()
    assert await world.rows("select 1 from inbox") == []
    due = next_local_time(NOON, "17:00", "Europe/Berlin")
    world.clock.ms = due - 1
    await asking.drain()
    assert await world.rows("select 1 from inbox") == []
    world.clock.ms = due
    await asking.drain()
    await asks(world, email=inbox["email"]).drain()
    (mail,) = await world.rows("select * from inbox")
    assert (mail["recipient"], mail["subject"]) == ("a@example.com", "3 alerts")
    assert [mail["body_text"].count(f"lead {number} ") for number in range(3)] == [1, 1, 1]
    world.clock.ms = due + 2 * 86_400_000
    await asking.drain()
    assert [row["subject"] for row in await world.rows("select subject from inbox order by id")] == [
        "3 alerts",
        "later",
    ]


async def test_a_chat_that_is_away_is_tried_again_and_given_up_in_the_end(world: World) -> None:
    await settings(world, team={"sales": {"webhook": "chat"}})
    await service(world, 9, id="chat")
    await tell(world, channels=["webhook"])
    asking = asks(world)
    for _ in range(12):
        await asking.drain()
        world.clock.ms += 90 * MINUTE
    ((status, tries, why),) = await alerts(world, "status", "tries", "why")
    assert (status, tries) == ("failed", 10)
    assert why.startswith("no connection") and why.endswith("(attempt 10)")


async def test_a_chat_that_refuses_answers_wrongly_or_is_not_there(world: World) -> None:
    await settings(world, team={name: {"webhook": name} for name in ("no", "busy", "gone")})
    async with (
        service_peer(saying(answer(404))) as no,
        service_peer(saying(answer(503))) as busy,
    ):
        await service(world, no.port, id="no")
        await service(world, busy.port, id="busy")
        for name in ("no", "busy", "gone"):
            await tell(world, to=name, channels=["webhook"])
        await asks(world).drain()
    assert await alerts(world, "target", "status", "why") == [
        ("no", "failed", "no answered 404"),
        ("busy", "queued", "busy answered 503"),
        ("gone", "failed", "there is no service 'gone'"),
    ]


async def test_a_sender_that_died_with_an_alert_in_hand_leaves_it_uncertain(world: World) -> None:
    await settings(world, team={"sales": "a@example.com"})
    await tell(world, channels=["email"])
    asking = asks(world)
    await asking.drain()
    assert await alerts(world, "status", "why") == [("queued", "no provider is set up for email")]
    async with world.pool.connection() as conn:
        await conn.execute("update alert set status = 'sending', lease = %s", (world.clock.ms + 1_000,))
    await asking.drain()
    assert await alerts(world, "status") == [("sending",)]
    world.clock.ms += 1_000
    await asking.drain()
    assert await alerts(world, "status") == [("uncertain",)]
