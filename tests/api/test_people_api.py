"""People by API: look-up, the whole profile, the timeline, consent, export and erasure; messages, inbox and previews."""

from __future__ import annotations

from tests.api.conftest import World

from wend.channels.inbox import InboxChannel
from wend.content.links import Links
from wend.core.consent import CHANNELS
from wend.delivery.render import SenderSettings
from wend.delivery.sender import Sender


async def deliver(world: World) -> None:
    """Hand over what is due, into the inbox."""
    channels = {name: InboxChannel(name, world.pool) for name in CHANNELS}
    links = Links(b"0123456789abcdef", "http://127.0.0.1")
    await Sender(world.pool, world.surface.clock, channels, links, SenderSettings(), world.surface.partitions).drain()
    await world.settle()


async def test_a_person_is_found_by_any_identifier(world: World) -> None:
    await world.someone("ada")
    by_user = await world.get("/api/profiles/ada")
    for other in ("ada@example.com", "ADA@example.com", by_user["id"]):
        assert (await world.get(f"/api/profiles/{other}"))["id"] == by_user["id"]
    found = (await world.get("/api/profiles", params={"q": "ada"}))["items"]
    assert [(one["id"], one["name"]) for one in found] == [(by_user["id"], "Ada")]
    assert (await world.get("/api/profiles", params={"q": "nobody"}))["items"] == []
    await world.get("/api/profiles/999", 404)
    await world.get("/api/profiles/99999999999999999999999", 404)


async def test_a_profile_tells_attributes_runs_and_reachability(world: World) -> None:
    await world.publish()
    await world.someone("ada", city="Berlin")
    whole = await world.get("/api/profiles/ada")
    assert whole["attributes"]["city"] == "Berlin"
    assert [(run["journey"], run["node"]) for run in whole["runs"]] == [("hello", "mail")]
    assert whole["reachability"]["email"]["transactional"] is True
    assert whole["reachability"]["email"]["marketing"] is False
    assert "consent" in whole["reachability"]["email"]["why_not"]


async def test_consent_is_recorded_with_its_proof(world: World) -> None:
    await world.someone("ada")
    wanted = {"state": "opted_in", "channel": "email", "source": "fair", "text": "v1", "ip": "192.0.2.1"}
    assert (await world.client.post("/api/profiles/ada/consent", json=wanted)).status_code == 202
    await world.settle()
    whole = await world.get("/api/profiles/ada")
    assert whole["consent"]["channels"]["email"]["state"] == "opted_in"
    assert whole["reachability"]["email"]["marketing"] is True
    exported = await world.get("/api/profiles/ada/export")
    assert exported["consent_proofs"][0]["ip"] == "192.0.2.1"
    wrong = await world.client.post("/api/profiles/ada/consent", json={"state": "opted_in", "channel": "emial"})
    assert "did you mean 'email'" in wrong.json()["detail"]


async def test_the_timeline_merges_what_they_did_what_was_decided_and_what_was_sent(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    await deliver(world)
    items = []
    cursor = None
    while True:
        page = await world.get(
            "/api/profiles/ada/timeline", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        )
        assert len(page["items"]) <= 2
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    whole = (await world.get("/api/profiles/ada/timeline", params={"limit": 100}))["items"]
    assert items == whole
    assert [one["at"] for one in items] == sorted((one["at"] for one in items), reverse=True)
    assert {one["source"] for one in items} == {"input", "step", "message"}
    assert any(one["text"] == "Signed Up" for one in items)
    assert any("message of mail was accepted" in one["text"] for one in items)


async def test_messages_are_listed_by_journey_person_status_and_channel(world: World) -> None:
    await world.publish()
    for user in ("ada", "bob", "carl"):
        await world.someone(user)
    await deliver(world)
    listed = await world.get("/api/messages", params={"journey": "hello", "limit": 2})
    rest = await world.get("/api/messages", params={"journey": "hello", "limit": 2, "cursor": listed["next"]})
    addresses = [one["address"] for one in (*listed["items"], *rest["items"])]
    assert sorted(addresses) == ["ada@example.com", "bob@example.com", "carl@example.com"]
    assert rest["next"] is None
    assert [one["address"] for one in (await world.get("/api/messages", params={"profile": "bob"}))["items"]] == [
        "bob@example.com"
    ]
    assert (await world.get("/api/messages", params={"status": "refused"}))["items"] == []
    assert (await world.get("/api/messages", params={"channel": "sms"}))["items"] == []
    story = await world.get(f"/api/messages/{listed['items'][0]['effect_id']}")
    assert [one["kind"] for one in story["timeline"]] == ["sent", "outcome"]
    assert story["timeline"][1]["branch"] == "accepted"
    await world.get("/api/messages/nothing", 404)


async def test_the_inbox_shows_what_would_have_been_sent(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    await deliver(world)
    caught = (await world.get("/api/inbox", params={"recipient": "ada@example.com"}))["items"]
    assert [one["subject"] for one in caught] == ["Hello Ada"]
    whole = await world.get(f"/api/inbox/{caught[0]['id']}")
    assert "Your lamp waits." in whole["body_html"]
    assert (await world.get("/api/inbox", params={"recipient": "bob@example.com"}))["items"] == []
    await world.get("/api/inbox/99999", 404)
    await world.get("/api/inbox/99999999999999999999999", 404)


async def test_a_template_is_shown_as_somebody_would_get_it(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    shown = (await world.client.post("/api/templates/hello-mail/preview", json={"profile": "ada"})).json()
    assert (shown["subject"], shown["to"]) == ("Hello Ada", "ada@example.com")
    made_up = await world.client.post("/api/templates/hello-mail/preview", json={"attributes": {"first_name": "Zoë"}})
    assert made_up.json()["subject"] == "Hello Zoë"
    assert (await world.client.post("/api/templates/nothing/preview", json={})).status_code == 404
    assert (await world.get("/api/messages"))["items"] != []  # only the journey's; a preview sends nothing


async def test_template_versions_are_kept_and_errors_name_their_place(world: World) -> None:
    first = {"id": "mail", "channel": "email", "subject": "One", "text": "x"}
    assert (await world.client.put("/api/templates/mail", json=first)).json() == {
        "id": "mail", "version": 1, "changed": True, "warnings": [],
    }  # fmt: skip
    assert (await world.client.put("/api/templates/mail", json=first)).json()["changed"] is False
    assert (await world.client.put("/api/templates/mail", json=first | {"subject": "Two"})).json()["version"] == 2
    assert (await world.get("/api/templates/mail", params={"version": 1}))["document"]["subject"] == "One"
    bad = await world.client.put("/api/templates/mail", json=first | {"subject": "{{ x", "tekst": "y"})
    assert bad.status_code == 422
    assert {one["field"] for one in bad.json()["errors"]} == {"subject", "tekst"}
    other = await world.client.put("/api/templates/mail", json=first | {"id": "other"})
    assert other.status_code == 422
    assert "did you mean 'mail'" in (await world.get("/api/templates/mial", 404))["detail"]


async def test_an_erased_person_is_gone(world: World) -> None:
    await world.someone("ada")
    taken = await world.client.delete("/api/profiles/ada")
    assert taken.status_code == 202
    await world.settle()
    await world.get("/api/profiles/ada", 404)
    assert any("to be erased" in one["what"] for one in (await world.get("/api/audit"))["items"])


async def test_refused_and_parked_inputs_are_shown(world: World) -> None:
    assert (await world.get("/api/parked"))["items"] == []
    assert (await world.client.post("/api/parked/1/retry")).status_code == 404
    async with world.pool.connection() as conn:
        await conn.execute(
            "insert into dead_letter (at, source, code, message, body) values (1, '/v1/track', 'no_user', 'x', '{}'),"
            " (2, '/v1/track', 'too_large', 'y', '{}')"
        )
    letters = await world.get("/api/dead-letters", params={"limit": 1})
    assert [one["code"] for one in letters["items"]] == ["too_large"]
    rest = await world.get("/api/dead-letters", params={"cursor": letters["next"]})
    assert [one["code"] for one in rest["items"]] == ["no_user"]
    assert [one["code"] for one in (await world.get("/api/dead-letters", params={"code": "no_user"}))["items"]] == [
        "no_user"
    ]


async def test_health_says_what_is_missing(world: World) -> None:
    answer = await world.client.get("/readyz")
    assert answer.status_code == 503
    checks = {one["name"]: one["ok"] for one in answer.json()["checks"]}
    assert checks == {"database": True, "clock": True, "partitions": False, "mode": True}
    whole = await world.get("/api/health")
    assert whole["ready"] is False
    assert whole["trouble"]["parked"] == 0
    assert (await world.client.get("/healthz")).json() == {"status": "alive"}
    metrics = (await world.client.get("/metrics")).text
    assert "wend_partitions 2.0" in metrics
