"""What an operator does: parked inputs, stopped partitions, and numbers that tell the truth."""

from __future__ import annotations

from tests.api.conftest import JOURNEY, World
from tests.api.test_people_api import deliver

from wend.core.inputs import Event
from wend.store.codec import encode_input
from wend.store.log import partition_of


async def park(world: World, person: int, *names: str) -> None:
    """Set events of the person aside, as the engine does after an error."""
    async with world.pool.connection() as conn:
        for number, name in enumerate(names, 1):
            await conn.execute(
                "insert into parked (partition, profile_id, seq, at, kind, payload, reason, error, tries)"
                " values (%s, %s, %s, %s, 'event', %s::json, 'error', %s, 1)",
                (
                    partition_of(person, world.surface.partitions),
                    person,
                    1000 + number,
                    world.surface.clock.now_ms(),
                    encode_input(Event(name, world.surface.clock.now_ms())).decode(),
                    "Traceback …\nValueError: poisoned" if number == 1 else None,
                ),
            )


async def test_parked_inputs_are_listed_and_applied_again(world: World) -> None:
    await world.publish(JOURNEY | {"entry": {"on": {"event": "Late Event"}}})
    await world.someone("ada")
    person = int((await world.get("/api/profiles/ada"))["id"])
    await park(world, person, "Other Event", "Late Event")
    listed = (await world.get("/api/parked"))["items"]
    assert [(one["kind"], one["reason"], one["profile_id"]) for one in listed] == [("event", "error", str(person))] * 2
    assert listed[0]["error"].endswith("ValueError: poisoned")
    assert (await world.get("/api/parked", params={"reason": "merge"}))["items"] == []
    assert (await world.get("/api/health"))["trouble"]["parked"] == 2
    assert "stands still" in " ".join((await world.get("/api/profiles/ada/why/hello"))["sentences"])

    done = await world.client.post("/api/parked/ada/retry")
    assert done.json() == {"parked": 0}
    assert (await world.get("/api/journeys/hello/counts"))["started"] == 1
    assert (await world.client.post("/api/parked/ada/retry")).status_code == 404


async def test_an_input_that_is_given_up_is_kept_among_the_dead_letters(world: World) -> None:
    await world.publish(JOURNEY | {"entry": {"on": {"event": "Late Event"}}})
    await world.someone("ada")
    await park(world, int((await world.get("/api/profiles/ada"))["id"]), "Poisoned", "Late Event")
    assert (await world.client.post("/api/parked/ada/skip")).json() == {"parked": 0}
    letters = (await world.get("/api/dead-letters", params={"code": "skipped"}))["items"]
    assert "Poisoned" in letters[0]["body"]
    assert (await world.get("/api/journeys/hello/counts"))["started"] == 1


async def test_a_stopped_partition_is_shown_and_goes_on_when_it_is_told_to(world: World) -> None:
    async with world.pool.connection() as conn:
        await conn.execute(
            "update cursor set owner = 'stopped: 12 of 100 people failed', lease = 1::bigint << 60 where partition = 1"
        )
    health = await world.get("/api/health")
    assert health["partitions"]["stopped"] == {"1": "12 of 100 people failed"}
    assert health["partitions"]["claimed"] == 0
    assert "wend_partitions_stopped 1.0" in (await world.client.get("/metrics")).text
    assert "Partition 1 has stopped: 12 of 100 people failed" in (await world.as_somebody().get("/")).text
    assert (await world.client.post("/api/partitions/0/resume")).status_code == 404
    assert (await world.client.post("/api/partitions/1/resume")).status_code == 204
    assert (await world.get("/api/health"))["partitions"]["stopped"] == {}


async def test_a_refused_message_is_not_a_refused_start(world: World) -> None:
    mail = {"id": "hello-mail", "channel": "email", "subject": "Due {{ profile.due }}", "text": "x"}
    await world.publish(template=mail)
    await world.someone("ada")
    await deliver(world)
    counts = await world.get("/api/journeys/hello/counts")
    assert (counts["started"], counts["refused"]) == (1, 0)
    assert counts["nodes"]["mail"]["other"]["refused"] == 1
    health = await world.get("/api/health")
    assert health["outbox"] == {"refused": 1}
    assert health["state_bytes"]["mean"] > 0
