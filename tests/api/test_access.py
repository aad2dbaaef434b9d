"""Who may ask what, and how errors look."""

from __future__ import annotations

from tests.api.conftest import World

PROBLEM = "application/problem+json"


async def test_without_a_key_the_api_says_how_to_get_one(world: World) -> None:
    answer = await world.as_somebody().get("/api/journeys")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "wend key new" in answer.json()["detail"]


async def test_a_write_key_opens_nothing_here(world: World) -> None:
    made = await world.client.post("/api/keys", json={"kind": "write"})
    answer = await world.as_somebody(authorization=f"Bearer {made.json()['secret']}").get("/api/journeys")
    assert answer.status_code == 401


async def test_scopes_include_those_below(world: World) -> None:
    made = (await world.client.post("/api/keys", json={"kind": "api", "scopes": ["read"]})).json()
    reader = world.as_somebody(authorization=f"Bearer {made['secret']}")
    assert (await reader.get("/api/journeys")).status_code == 200
    refused = await reader.put("/api/templates/x", json={})
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:wend:problem:scope"


async def test_an_unknown_scope_is_refused_with_the_nearest_one(world: World) -> None:
    answer = await world.client.post("/api/keys", json={"kind": "api", "scopes": ["raed"]})
    assert answer.status_code == 422
    assert "did you mean 'read'" in answer.json()["errors"][0]["message"]


async def test_a_revoked_key_stops_working_at_once(world: World) -> None:
    made = (await world.client.post("/api/keys", json={"kind": "api"})).json()
    holder = world.as_somebody(authorization=f"Bearer {made['secret']}")
    assert (await holder.get("/api/journeys")).status_code == 200
    assert (await world.client.delete(f"/api/keys/{made['id']}")).status_code == 204
    assert (await holder.get("/api/journeys")).status_code == 401
    listed = {one["id"]: one for one in (await world.get("/api/keys"))["items"]}
    assert listed[made["id"]]["revoked_at"]
    assert "secret" not in listed[made["id"]]


async def test_faults_of_a_body_name_their_field(world: World) -> None:
    answer = await world.client.post("/api/keys", json={"kind": "wrote", "name": 3})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    assert {one["field"] for one in answer.json()["errors"]} == {"kind", "name"}


async def test_unknown_addresses_and_broken_json_are_problems_too(world: World) -> None:
    nowhere = await world.client.get("/api/nowhere")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, PROBLEM)
    broken = await world.client.post("/api/journeys/check", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.headers["content-type"]) == (422, PROBLEM)
    wrong = await world.client.delete("/api/journeys")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, PROBLEM)


async def test_a_cursor_that_is_not_ours_is_refused(world: World) -> None:
    for cursor in ("x", "!!!", "WzFd", "WyJhIiwxXQ", "W251bGxd", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LCIiXQ"):
        answer = await world.client.get("/api/messages", params={"cursor": cursor})
        assert answer.status_code == 400, cursor
        assert answer.json()["type"] == "urn:wend:problem:cursor"


async def test_a_repeated_call_with_an_idempotency_key_is_done_once(world: World) -> None:
    headers = {"Idempotency-Key": "make-1"}
    first = await world.client.post("/api/keys", json={"kind": "write", "name": "once"}, headers=headers)
    again = await world.client.post("/api/keys", json={"kind": "write", "name": "once"}, headers=headers)
    assert again.status_code == first.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert sum(one["name"] == "once" for one in (await world.get("/api/keys"))["items"]) == 1


async def test_an_idempotency_key_belongs_to_one_request(world: World) -> None:
    headers = {"Idempotency-Key": "make-2"}
    await world.client.post("/api/keys", json={"kind": "write", "name": "a"}, headers=headers)
    other = await world.client.post("/api/keys", json={"kind": "write", "name": "b"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:wend:problem:key-reused"


async def test_a_refused_call_may_be_mended_and_repeated_with_a_new_key_only(world: World) -> None:
    headers = {"Idempotency-Key": "make-3"}
    bad = await world.client.put("/api/templates/mail", json={"channel": "emial"}, headers=headers)
    assert bad.status_code == 422
    again = await world.client.put("/api/templates/mail", json={"channel": "emial"}, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == PROBLEM


async def test_pages_are_open_on_loopback_only_to_names_of_this_machine(world: World) -> None:
    nobody = world.as_somebody()
    assert (await nobody.get("/journeys")).status_code == 200
    rebound = await nobody.get("/journeys", headers={"Host": "evil.example"})
    assert rebound.status_code == 403
    world.surface.loopback = False
    closed = await nobody.get("/journeys")
    assert closed.status_code == 403
    assert "WEND_PASSWORD" in closed.text


async def test_pages_ask_for_the_password_where_there_is_one(world: World) -> None:
    world.surface.password = "let me in ü"
    nobody = world.as_somebody()
    asked = await nobody.get("/journeys")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic")
    assert (await nobody.get("/journeys", auth=("x", "wrong"))).status_code == 401
    assert (await nobody.get("/journeys", headers={"Authorization": "Basic %%%"})).status_code == 401
    assert (await nobody.get("/journeys", auth=("anybody", "let me in ü"))).status_code == 200


async def test_pages_may_run_nothing_and_ask_nobody_else(world: World) -> None:
    answer = await world.as_somebody().get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
