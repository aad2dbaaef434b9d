"""Journeys by API: drafts, publishing, life, counts, people at a node, starts, and why."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.api.conftest import JOURNEY, World


def changed(**nodes: Any) -> dict[str, Any]:
    journey = deepcopy(JOURNEY)
    journey["nodes"] |= nodes
    return journey


async def test_publishing_says_all_errors_at_once_and_keeps_nothing(world: World) -> None:
    broken = changed(
        mail={"send": {"channel": "emial", "template": "hello-mail"}, "next": "pause"},
        done={"wait": "2 hours and a bit", "next": "nowhere"},
    )
    answer = await world.client.post("/api/journeys/hello/publish", json=broken)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:wend:problem:journey"
    by_field = {one["field"]: one["message"] for one in problem["errors"]}
    assert "did you mean 'email'" in by_field["nodes.mail.send.channel"]
    assert any(field.startswith("nodes.done") for field in by_field)
    assert (await world.get("/api/journeys"))["items"] == []


async def test_a_missing_template_is_named_before_publishing(world: World) -> None:
    checked = (await world.client.post("/api/journeys/check", json=JOURNEY)).json()
    assert checked["ok"] is False
    assert checked["problems"][0]["field"] == "nodes.mail.send.template"
    assert "hello-mail" in checked["problems"][0]["message"]


async def test_an_unknown_variable_in_a_template_is_reported_before_publishing(world: World) -> None:
    mail = {"id": "hello-mail", "channel": "email", "subject": "Hi {{ profil.first_name }}", "text": "x"}
    assert (await world.client.put("/api/templates/hello-mail", json=mail)).status_code == 200
    answer = await world.client.post("/api/journeys/hello/publish", json=JOURNEY)
    assert answer.status_code == 422
    assert "profile" in answer.json()["errors"][0]["message"]


async def test_a_draft_may_be_incomplete_and_is_published_when_it_is_whole(world: World) -> None:
    await world.client.put(
        "/api/templates/hello-mail", json={"id": "hello-mail", "channel": "email", "subject": "x", "text": "y"}
    )
    draft = {"id": "hello", "name": "Hello", "entry": {"on": {"event": "Signed Up"}}}
    kept = await world.client.put("/api/journeys/hello/draft", json=draft)
    assert kept.status_code == 200
    assert kept.json()["ok"] is False
    assert (await world.client.post("/api/journeys/hello/publish")).status_code == 422
    assert (await world.client.put("/api/journeys/hello/draft", json=JOURNEY)).json()["ok"] is True
    assert (await world.client.post("/api/journeys/hello/publish")).json()["version"] == 1
    assert (await world.get("/api/journeys/hello"))["draft"] is None


async def test_publishing_what_is_live_changes_nothing(world: World) -> None:
    await world.publish()
    again = (await world.client.post("/api/journeys/hello/publish", json=JOURNEY)).json()
    assert (again["version"], again["changed"]) == (1, False)
    other = (await world.client.post("/api/journeys/hello/publish", json=JOURNEY | {"name": "Other"})).json()
    assert (other["version"], other["changed"]) == (2, True)
    assert [one["version"] for one in (await world.get("/api/journeys/hello/versions"))["items"]] == [2, 1]
    assert (await world.get("/api/journeys/hello/versions/1"))["name"] == JOURNEY["name"]


async def test_life_goes_only_where_it_leads(world: World) -> None:
    await world.publish()
    for act, status in (("pause", "paused"), ("resume", "live"), ("sunset", "sunset"), ("stop", "stopped")):
        assert (await world.client.post(f"/api/journeys/hello/{act}")).json()["status"] == status
    refused = await world.client.post("/api/journeys/hello/pause")
    assert refused.status_code == 409
    assert "stopped" in refused.json()["detail"]
    assert (await world.client.post("/api/journeys/hello/exlpode")).status_code == 422


async def test_an_unknown_journey_is_missed_with_the_nearest_name(world: World) -> None:
    await world.publish()
    assert "did you mean 'hello'" in (await world.get("/api/journeys/helo", 404))["detail"]


async def test_counts_and_people_at_a_node_tell_where_somebody_is_and_why(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    counts = await world.get("/api/journeys/hello/counts")
    assert (counts["started"], counts["inside"]) == (1, 1)
    assert counts["nodes"]["mail"]["waiting"] == 1  # the message waits to be handed over
    people = (await world.get("/api/journeys/hello/people", params={"node": "mail"}))["items"]
    assert [one["known_as"] for one in people] == ["ada"]
    assert "handed to delivery" in people[0]["why"]
    assert (await world.get("/api/journeys"))["items"][0]["inside"] == 1


async def test_people_at_a_node_come_in_pages(world: World) -> None:
    await world.publish()
    for number in range(5):
        await world.someone(f"user{number}")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"node": "mail", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await world.get("/api/journeys/hello/people", params=params)
        seen += [one["known_as"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"user{number}" for number in range(5)]


async def test_a_person_is_started_by_call_where_the_journey_allows_it(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    refused = await world.client.post("/api/journeys/hello/starts", json={"profile": "ada"})
    assert refused.status_code == 409
    await world.publish(JOURNEY | {"id": "by-call", "entry": {"on": "api"}})
    taken = await world.client.post("/api/journeys/by-call/starts", json={"profile": "ada", "data": {"x": 1}})
    assert taken.status_code == 202
    await world.settle()
    assert (await world.get("/api/journeys/by-call/counts"))["started"] == 1


async def test_why_speaks_of_people_inside_refused_and_never_entered(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    inside = await world.get("/api/profiles/ada/why/hello")
    assert inside["status"] == "inside"
    assert "is in 'hello' now, at mail" in inside["sentences"][0]
    assert any("started by event Signed Up" in line for line in inside["sentences"])

    await world.tell(
        {"type": "track", "userId": "ada", "messageId": "3", "event": "Signed Up", "properties": {"plan": "pro"}}
    )
    again = await world.get("/api/profiles/ada/why/hello")
    assert any("started nothing" in line and "already inside" in line for line in again["sentences"])

    await world.tell({"type": "track", "userId": "bob", "messageId": "4", "event": "Came Back"})
    never = await world.get("/api/profiles/bob/why/hello")
    assert never["status"] == "never"
    assert any("no event Signed Up of theirs was received" in line for line in never["sentences"])

    await world.tell(
        {"type": "track", "userId": "bob", "messageId": "5", "event": "Signed Up", "properties": {"plan": "free"}}
    )
    other = await world.get("/api/profiles/bob/why/hello")
    assert any("property plan is 'pro' does not hold: it was 'free'" in line for line in other["sentences"])

    await world.get("/api/profiles/nobody/why/hello", 404)
    await world.get("/api/profiles/ada/why/nothing", 404)


async def test_settings_are_checked_and_in_force_after_they_were_published(world: World) -> None:
    bad = await world.client.patch("/api/settings", json={"quite_hours": {}, "lateness": "3d", "zone": "Berlin"})
    assert bad.status_code == 422
    assert {one["field"] for one in bad.json()["errors"]} == {"quite_hours", "lateness", "zone"}
    wanted = {"zone": "Europe/Berlin", "quiet_hours": {"sms": {"from": "21:00", "to": "08:00"}}}
    assert (await world.client.patch("/api/settings", json=wanted)).status_code == 200
    assert (await world.get("/api/settings"))["settings"] == wanted
    assert any("settings changed" in one["what"] for one in (await world.get("/api/audit"))["items"])
