"""Identifiers that two different users sent: listed, kept apart, or merged by an operator (intake.md, engine.md 13)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from tests.api.conftest import JOURNEY, World

from wend.core.inputs import Event
from wend.engine.maintenance import maintain
from wend.intake.items import Envelope, ItemReader
from wend.store.codec import encode_input
from wend.store.log import NewInput, append
from wend.store.postgres import fetch_all


def track(user: str, anonymous: str | None = None, event: str = "Seen", **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": user,
        "anonymousId": anonymous,
        "event": event,
        "properties": properties,
    }


async def clash(world: World, *devices: str) -> list[dict[str, Any]]:
    """Ada's devices are used by Bob, whose SDK was not reset; the open cases."""
    for device in devices or ("tablet",):
        await world.tell(track("ada", device), track("bob", device), track("bob", device, "Bought"))
    return (await world.get("/api/identity/conflicts"))["items"]


async def ids(world: World) -> tuple[str, str]:
    return (await world.get("/api/profiles/ada"))["id"], (await world.get("/api/profiles/bob"))["id"]


async def resolve(world: World, case: int, status: int = 200, **wanted: Any) -> Any:
    answer = await world.client.post(f"/api/identity/conflicts/{case}/resolve", json=wanted)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_refused_identifier_is_listed_once_with_both_people(world: World) -> None:
    assert (await world.get("/api/identity/conflicts")) == {"items": [], "next": None}
    (case,) = await clash(world)
    ada, bob = await ids(world)
    assert (case["namespace"], case["value"], case["status"]) == ("anonymous_id", "tablet", "open")
    assert case["person"] == {"id": bob, "user_ids": ["bob"]}
    assert case["owner"] == {"id": ada, "user_ids": ["ada"]}
    assert (await world.get("/api/health"))["trouble"]["identity_conflicts"] == 1


async def test_cases_come_in_pages_the_latest_first(world: World) -> None:
    await clash(world, "one", "two", "three")
    page = await world.get("/api/identity/conflicts", params={"limit": 2})
    assert [one["value"] for one in page["items"]] == ["three", "two"]
    rest = await world.get("/api/identity/conflicts", params={"limit": 2, "cursor": page["next"]})
    assert [one["value"] for one in rest["items"]] == ["one"]
    assert rest["next"] is None


async def test_two_who_are_kept_apart_stay_apart_and_the_case_does_not_come_back(world: World) -> None:
    (case,) = await clash(world)
    done = await resolve(world, case["id"], how="keep_apart")
    assert (done["status"], done["resolved_by"][:4]) == ("kept_apart", "key ")
    assert done["resolved_at"] > case["at"]
    assert await clash(world) == []
    assert [one["id"] for one in (await world.get("/api/identity/conflicts?status=kept_apart"))["items"]] == [
        case["id"]
    ]
    assert len((await world.get("/api/identity/conflicts?status=all"))["items"]) == 1
    assert (await world.get("/api/health"))["trouble"]["identity_conflicts"] == 0
    ada, bob = await ids(world)
    assert ada != bob
    again = await resolve(world, case["id"], 409, how="merge")
    assert "resolved already: kept_apart by key " in again["detail"]


async def test_an_operators_merge_is_a_real_merge_and_both_user_ids_mean_the_one_who_stays(world: World) -> None:
    await world.publish()
    await world.someone("bob", phone="+49301234567")
    await world.tell({"type": "identify", "userId": "ada", "traits": {"city": "Ulm"}})
    case, other = await clash(world, "tablet", "phone")
    ada, bob = await ids(world)
    done = await resolve(world, case["id"], how="merge", survivor=ada)
    assert done["status"] == "merged"
    assert done["person"] == done["owner"] == {"id": ada, "user_ids": ["bob", "ada"]}
    await world.settle()
    whole = await world.get("/api/profiles/ada")
    assert whole["id"] == (await world.get("/api/profiles/bob"))["id"] == ada
    assert whole["merged"] == [bob]
    assert (whole["attributes"]["city"], whole["attributes"]["first_name"]) == ("Ulm", "Bob")
    assert [run["journey"] for run in whole["runs"]] == [JOURNEY["id"]], "their runs go on"
    await world.tell(track("bob", "tablet", "After"), track("ada", "phone", "After"))
    async with world.pool.connection() as conn:  # intake may still know Bob as he was: the tombstone forwards
        query = "select 1 from log where profile_id = %s and payload->>'name' = 'After'"
        assert len(await fetch_all(conn, query, (int(ada),))) == 2
    assert (await world.get("/api/identity/conflicts"))["items"] == [], "the other case of the two is resolved with it"
    assert (await resolve(world, other["id"], 409, how="keep_apart"))["detail"].startswith("conflict")
    audited = [one for one in (await world.get("/api/audit"))["items"] if "merged into" in one["what"]]
    assert [one["what"] for one in audited] == [f"person {bob} merged into {ada} (identity conflict {case['id']})"]
    assert "tablet" not in str(audited)


async def test_of_two_operators_at_once_one_resolves_the_case(world: World) -> None:
    (case,) = await clash(world)
    path = f"/api/identity/conflicts/{case['id']}/resolve"
    ways = ("merge", "keep_apart", "merge")
    answers = await asyncio.gather(*(world.client.post(path, json={"how": how}) for how in ways))
    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    async with world.pool.connection() as conn:
        assert len(await fetch_all(conn, "select 1 from alias")) <= 1


async def test_nothing_is_lost_or_doubled_while_people_are_merged_in_full_traffic(world: World) -> None:
    (case,) = await clash(world)
    merged = asyncio.Event()

    async def orders(user: str) -> None:
        for number in range(30):
            item = track(user, f"{user}-device", "Order Completed") | {"messageId": f"{user}-{number}"}
            reader = ItemReader(world.intake.limits)
            envelope = Envelope(world.surface.clock.now_ms())
            await world.intake.take([reader.read_raw(msgspec.json.encode(item), envelope)])
            if number == 10:
                merged.set()

    async def merge() -> None:
        await merged.wait()
        await resolve(world, case["id"], how="merge")

    await asyncio.gather(orders("ada"), orders("bob"), merge())
    await world.settle()
    whole = await world.get("/api/profiles/ada")
    assert whole["facts"]["orders"] == 60
    assert whole["id"] == (await world.get("/api/profiles/bob-device"))["id"]
    assert (await world.get("/api/parked"))["items"] == []


async def test_without_a_survivor_the_one_known_for_longer_stays(world: World) -> None:
    await world.tell(track("bob"))
    (case,) = await clash(world)
    _, bob = await ids(world)
    assert (await resolve(world, case["id"], how="merge"))["person"]["id"] == bob


async def test_a_chain_of_merges_leads_to_the_last_survivor(world: World) -> None:
    await world.tell(track("ada", "one"), track("bob", "one"), track("bob", "two"), track("eve", "two"))
    second, first = (await world.get("/api/identity/conflicts"))["items"]
    await resolve(world, first["id"], how="merge")
    await resolve(world, second["id"], how="merge")
    await world.settle()
    people = {(await world.get(f"/api/profiles/{user}"))["id"] for user in ("ada", "bob", "eve")}
    assert len(people) == 1


@pytest.mark.parametrize(
    ("wanted", "status", "detail"),
    [
        ({"how": "keep_apart", "survivor": "5"}, 422, "only makes sense with 'merge'"),
        ({"how": "merge", "survivor": "5"}, 409, "person 5 is neither of the two; they are "),
        ({"how": "merge", "survivor": "x"}, 422, ""),
        ({"how": "guess"}, 422, ""),
        ({}, 422, ""),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    world: World, wanted: dict[str, Any], status: int, detail: str
) -> None:
    (case,) = await clash(world)
    assert detail in (await resolve(world, case["id"], status, **wanted))["detail"]
    assert len((await world.get("/api/identity/conflicts"))["items"]) == 1
    await resolve(world, 99_999, 404, how="keep_apart")
    ada, bob = await ids(world)
    assert ada != bob


async def test_the_page_lists_cases_and_says_how_to_resolve_them(world: World) -> None:
    client = world.as_somebody()
    assert "No such case." in (await client.get("/identity")).text
    await clash(world, "<b>tablet</b>")
    text = (await client.get("/identity")).text
    assert "anonymous_id &lt;b&gt;tablet&lt;/b&gt;" in text
    assert "wend identity resolve" in text
    assert ">ada</a>" in text
    assert ">bob</a>" in text
    assert "see /identity" in (await client.get("/")).text


# --- schema ---


async def test_types_of_properties_are_counted_in_samples_and_conflicts_are_shown(world: World) -> None:
    await world.tell(
        track("ada", price=5, size="L", tags=["a"]),
        track("bob", price="5,00", size="M", gone=None),
        {"type": "identify", "userId": "ada", "traits": {"age": 30, "address": {"city": "Ulm"}, "vip": True}},
        {"type": "group", "userId": "ada", "groupId": "acme", "traits": {"plan": "pro", "seats": 5}},
    )
    async with world.pool.connection() as conn:  # by whatever way it came: one row must not stop the sample
        await append(conn, [NewInput(5, "event", encode_input(Event("Nul", 1, {"x": "a\0b"})))])
    assert (await world.get("/api/schema"))["items"] == []
    await maintain(world.pool, world.surface.clock)
    found = (await world.get("/api/schema"))["items"]
    assert {(one["kind"], one["name"], one["property"]): one["types"] for one in found} == {
        ("event", "Seen", "price"): {"number": 1, "string": 1},
        ("event", "Seen", "size"): {"string": 2},
        ("event", "Seen", "tags"): {"array": 1},
        ("attribute", "", "age"): {"number": 1},
        ("attribute", "", "address"): {"object": 1},
        ("attribute", "", "vip"): {"boolean": 1},
        ("company", "", "plan"): {"string": 1},
        ("company", "", "seats"): {"number": 1},
    }
    conflicts = (await world.get("/api/schema", params={"conflicts": True}))["items"]
    assert [(one["property"], one["conflict"]) for one in conflicts] == [("price", True)]
    first = await world.get("/api/schema", params={"kind": "event", "name": "Seen", "limit": 2})
    assert [one["property"] for one in first["items"]] == ["price", "size"]
    rest = await world.get("/api/schema", params={"kind": "event", "limit": 2, "cursor": first["next"]})
    assert [one["property"] for one in rest["items"]] == ["tags"]
    text = (await world.as_somebody().get("/schema?conflicts=true")).text
    assert "number 1, string 1" in text
    assert ">size<" not in text


async def test_a_row_is_sampled_once_and_what_is_kept_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from wend.engine import observe

    await world.tell(track("ada", price=5))
    for _ in range(2):
        await maintain(world.pool, world.surface.clock)
    await world.tell(track("ada", price=6, a=1, b=1, c=1))
    await maintain(world.pool, world.surface.clock)
    found = (await world.get("/api/schema"))["items"]
    assert {one["property"]: one["types"]["number"] for one in found} == {"price": 2, "a": 1, "b": 1, "c": 1}
    monkeypatch.setattr(observe, "MOST", 2)
    await maintain(world.pool, world.surface.clock)
    assert len((await world.get("/api/schema"))["items"]) == 2
    async with world.pool.connection() as conn:
        later = world.surface.clock.now_ms() + observe.FORGET + 1000
        await observe.observe(conn, later)
        assert await fetch_all(conn, "select 1 from schema_seen") == []
