"""Services, coupon pools and alerts by API, and what publishing says of them."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.api.conftest import World

from wend.reports import journeys
from wend.store.postgres import fetch_all
from wend.store.secrets import Secrets

SERVICE = {
    "url": "https://api.example.com/v1/",
    "headers": {"X-App": "wend"},
    "secret_headers": {"Authorization": "Bearer s3cr3t"},
    "secret_path": "/hidden",
    "rate": 5,
}


@pytest.fixture
def secrets(world: World) -> Secrets:
    world.surface.secrets = Secrets(Fernet.generate_key())
    return world.surface.secrets


async def test_a_service_is_set_up_changed_and_deleted_and_its_secrets_never_come_out(
    world: World, secrets: Secrets
) -> None:
    made = await world.client.put("/api/services/recommender", json=SERVICE)
    assert made.status_code == 200, made.text
    shown = made.json()
    assert shown | {"updated_at": 0} == {
        "id": "recommender",
        "url": "https://api.example.com/v1",
        "headers": {"X-App": "wend"},
        "secrets": ["Authorization", "path"],
        "rate": 5,
        "at_once": 8,
        "internal": False,
        "idempotent": False,
        "updated_at": 0,
    }
    changed = await world.client.put("/api/services/recommender", json={"internal": True})
    assert changed.json()["internal"] and changed.json()["secrets"] == ["Authorization", "path"]
    listed = await world.client.get("/api/services")
    assert [one["id"] for one in listed.json()["items"]] == ["recommender"]
    audited = await world.client.get("/api/audit")
    for said in (made.text, changed.text, listed.text, audited.text):
        assert "s3cr3t" not in said and "hidden" not in said
    async with world.pool.connection() as conn:
        assert b"s3cr3t" not in bytes(
            (await fetch_all(conn, "select value from secret where name = 'service:recommender'"))[0][0]
        )
    assert (await world.client.delete("/api/services/recommender")).status_code == 204
    gone = await world.client.delete("/api/services/recommender")
    assert gone.status_code == 404
    async with world.pool.connection() as conn:
        assert await fetch_all(conn, "select 1 from secret where name like 'service:%%'") == []


async def test_all_faults_of_a_service_are_named_at_once(world: World, secrets: Secrets) -> None:
    wrong: dict[str, Any] = {
        "url": "ftp://x",
        "haeders": {},
        "headers": {"a b": "x", "X": "a\nb"},
        "secret_headers": 5,
        "secret_path": "a?b",
        "rate": -1,
        "at_once": 0,
        "internal": "yes",
    }
    refused = await world.client.put("/api/services/Wrong!", json=wrong)
    assert refused.status_code == 422
    fields = [one["field"] for one in refused.json()["errors"]]
    assert fields == [
        "id", "haeders", "url", "headers", "headers.X", "secret_headers", "secret_path", "rate", "at_once", "internal",
    ]  # fmt: skip
    assert "did you mean 'headers'?" in refused.text
    new = await world.client.put("/api/services/new", json={})
    assert [one["message"] for one in new.json()["errors"]] == ["is missing"]
    password = await world.client.put("/api/services/new", json={"url": "https://a:b@example.com"})
    assert "use secret_headers" in password.text
    assert (await world.get("/api/services"))["items"] == []


async def test_without_a_master_key_no_service_is_set_up(world: World) -> None:
    assert (await world.client.put("/api/services/x", json=SERVICE)).status_code == 503


async def test_codes_are_uploaded_once_and_counted(world: World) -> None:
    assert (await world.client.put("/api/coupon-pools/summer", json={"lasting": 86_400_000})).status_code == 200
    csv = "name,code\nfirst,AAA-1\nsecond, AAA-2 \n,,\nthird,AAA-1\n"
    done = await world.client.post("/api/coupon-pools/summer/codes", files={"file": ("codes.csv", csv)})
    assert done.json() == {"new": 2, "there_already": 0}
    again = await world.client.post(
        "/api/coupon-pools/summer/codes", files={"file": ("codes.csv", "\ufeffAAA-2\nAAA-3\n")}
    )
    assert again.json() == {"new": 1, "there_already": 1}
    (pool,) = (await world.get("/api/coupon-pools"))["items"]
    assert (pool["id"], pool["issued"], pool["free"], pool["lasting"]) == ("summer", 0, 3, 86_400_000)


async def test_wrong_pools_and_files_change_nothing(world: World) -> None:
    wrong = await world.client.put("/api/coupon-pools/Summer", json={"pattern": "A-##", "lasting": 0, "expires": 5})
    assert [one["field"] for one in wrong.json()["errors"]] == ["id", "expires", "pattern", "lasting"]
    await world.client.put("/api/coupon-pools/made", json={"pattern": "HI-??????"})
    await world.client.put("/api/coupon-pools/summer", json={})

    async def upload(pool: str, text: str | bytes) -> tuple[int, str]:
        done = await world.client.post(f"/api/coupon-pools/{pool}/codes", files={"file": ("codes.csv", text)})
        return done.status_code, done.text

    assert await upload("sumer", "A") == (404, (await upload("sumer", "A"))[1])
    assert "did you mean 'summer'?" in (await upload("sumer", "A"))[1]
    assert "made by the pattern HI-??????" in (await upload("made", "A"))[1]
    assert "holds no code" in (await upload("summer", "code\n\n"))[1]
    assert (await upload("summer", b"\xff\xfe"))[0] == 422
    status, said = await upload("summer", "code\nGOOD\nwith space\n" + "x" * 41 + "\n")
    assert status == 422
    assert "row 3" in said and "row 4" in said
    assert [one["free"] for one in (await world.get("/api/coupon-pools"))["items"]] == [None, 0]
    await upload("summer", "A")
    uploaded = await world.client.put("/api/coupon-pools/summer", json={"pattern": "HI-??????"})
    assert "holds uploaded codes" in uploaded.text


async def test_alerts_are_listed_and_read_by_api_and_page(world: World) -> None:
    async with world.pool.connection() as conn:
        for n in range(3):
            await conn.execute(
                "insert into alert (effect_id, at, channel, target, text, profile_id, journey, node, status)"
                " values (%s, 1, 'in_product', 'sales', %s, 7, 'leads', 'tell', 'shown')",
                (f"e{n}", f"<b>lead {n}</b>"),
            )
    first = await world.get("/api/alerts", params={"limit": 2})
    assert [one["text"] for one in first["items"]] == ["<b>lead 2</b>", "<b>lead 1</b>"]
    assert (first["unread"], first["items"][0]["profile_id"]) == (3, "7")
    rest = await world.get("/api/alerts", params={"limit": 2, "cursor": first["next"]})
    assert (len(rest["items"]), rest["next"]) == (1, None)
    read = await world.client.post("/api/alerts/read", json={"ids": [first["items"][0]["id"]]})
    assert read.json() == {"read": 1}
    assert len((await world.get("/api/alerts", params={"unread": "true"}))["items"]) == 2
    reader = world.as_somebody()
    page = await reader.get("/alerts")
    assert page.status_code == 200
    assert "&lt;b&gt;lead 0&lt;/b&gt;" in page.text and "Mark all 2 as read" in page.text
    elsewhere = await reader.post("/alerts/read", headers={"Origin": "http://evil.test"})
    assert elsewhere.status_code == 403
    pressed = await reader.post("/alerts/read", headers={"Origin": "http://127.0.0.1"})
    assert pressed.status_code == 303
    assert (await world.get("/api/alerts"))["unread"] == 0


def asking(**nodes: Any) -> dict[str, Any]:
    return {
        "id": "asking",
        "name": "Asking",
        "entry": {"on": {"event": "Lead"}},
        "nodes": {**nodes, "done": {"end": {}}},
        "start": next(iter(nodes)),
    }


async def test_publishing_names_what_is_not_set_up_and_texts_that_cannot_be_filled(
    world: World, secrets: Secrets
) -> None:
    await world.client.put("/api/services/recommender", json=SERVICE)
    await world.client.put("/api/coupon-pools/summer", json={})
    await world.client.patch("/api/settings", json={"team": {"sales": "a@example.com"}, "audiences": ["buyers"]})
    wrong = asking(
        a={"call_api": {"service": "recomender", "path": "/{{ entry.sku }}/{{ nonsense.x }}"}, "ok": "b"},
        b={"issue_coupon": "sumer", "next": "c", "exhausted": "c"},
        c={"alert": {"to": "sale", "text": "{{ profile.name | upcas }} {{ unsubscribe_url }}"}, "next": "d"},
        d={"sync_audience": {"audience": "buyer"}, "next": "e"},
        e={"alert": {"text": "go {{ unsubscribe_url }}"}, "next": "done"},
    )
    refused = await world.client.post("/api/journeys/asking/publish", json=wrong)
    assert refused.status_code == 422
    said = {one["field"]: one["message"] for one in refused.json()["errors"]}
    assert "did you mean 'recommender'?" in said["nodes.a.call_api.service"]
    assert "did you mean 'summer'?" in said["nodes.b.issue_coupon.pool"]
    assert "did you mean 'sales'?" in said["nodes.c.alert.to"]
    assert "did you mean 'buyers'?" in said["nodes.d.sync_audience.audience"]
    texts = asking(
        a={"call_api": {"service": "recommender", "path": "/{{ nonsense.x }}"}, "ok": "c"},
        c={"alert": {"text": "{{ profile.name | upcas }}"}, "next": "e"},
        e={"alert": {"text": "go {{ unsubscribe_url }}"}, "next": "done"},
    )
    refused = await world.client.post("/api/journeys/asking/publish", json=texts)
    said = {one["field"]: one["message"] for one in refused.json()["errors"]}
    assert "'nonsense.x' is unknown" in said["nodes.a.call_api.path"]
    assert "there is no filter 'upcas'; did you mean 'upcase'?" in said["nodes.c.alert.text"]
    assert said["nodes.e.alert.text"] == "'unsubscribe_url' is there in messages only"


async def test_what_the_texts_of_nodes_read_is_kept_of_events(world: World, secrets: Secrets) -> None:
    await world.client.put("/api/services/recommender", json=SERVICE)
    sound = asking(
        a={"call_api": {"service": "recommender", "path": "/{{ entry.sku }}", "save_as": "related"}, "ok": "b"},
        b={"alert": {"text": "{{ event.total }} {{ orders }} {{ saved.related.title }}"}, "next": "done"},
    )
    done = await world.client.post("/api/journeys/asking/publish", json=sound)
    assert done.status_code == 200, done.text
    async with world.pool.connection() as conn:
        assert await journeys.reads(conn, "asking", 1) == {"entry": ["sku"], "event": ["total"], "facts": ["orders"]}
