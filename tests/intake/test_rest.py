"""REST in the style of WebEngage, on the same functions."""

from typing import Any

BASE = "/v1/accounts/my-license"


async def rest(world, what, content, key=None):
    return await world.post(
        f"{BASE}/{what}", content, auth=None, headers={"authorization": f"Bearer {key or world.api_key}"}
    )


async def test_users_and_events_become_inputs(world):
    user = {
        "userId": "u1",
        "firstName": "Ada",
        "email": "ada@example.com",
        "emailOptIn": True,
        "smsOptIn": False,
        "attributes": {"Points": 7},
    }
    answer = await rest(world, "users", user)
    assert (answer.status_code, answer.json()) == (201, {"response": {"status": "queued"}})
    event = {"userId": "u1", "eventName": "Bought", "eventTime": "2018-09-15T18:29:00-0800", "eventData": {"total": 3}}
    assert (await rest(world, "events", event, world.key)).status_code == 201
    log = await world.log()
    assert [kind for _, kind, _ in log] == ["identify", "consent", "consent", "event"]
    assert {person for person, _, _ in log} == {await world.person("email", "ada@example.com")}
    assert log[0][2]["traits"] == {"firstName": "Ada", "email": "ada@example.com", "Points": 7}
    assert [(row["channel"], row["state"]) for _, _, row in log[1:3]] == [
        ("email", "subscribed"),
        ("sms", "unsubscribed"),
    ]
    assert log[1][2]["source"].startswith("api key ")
    assert log[3][2] == {"name": "Bought", "at": 1_537_064_940_000, "properties": {"total": 3}}


async def test_bulk_calls_take_the_good_ones_and_list_the_others(world):
    users = [{"userId": "u1"}, {"firstName": "nobody"}, {"anonymousId": "a2", "email": 5}, {"userId": "u2"}]
    answer = await rest(world, "bulk-users", {"users": users})
    assert answer.status_code == 201
    assert [(one["index"], one["code"]) for one in answer.json()["rejected"]] == [
        (1, "no_user_anon_id"),
        (2, "invalid_trait"),
    ]
    answer = await rest(world, "bulk-events", {"events": [{"userId": "u1", "eventName": "A"}, {"userId": "u1"}]})
    assert [one["code"] for one in answer.json()["rejected"]] == ["invalid_event"]
    assert [payload.get("name", kind) for _, kind, payload in await world.log()] == ["identify", "identify", "A"]
    assert len(await world.rows("select 1 from dead_letter")) == 3


async def test_consent_needs_an_api_key(world):
    answer = await rest(world, "users", {"userId": "u1", "emailOptIn": True}, world.key)
    assert (answer.status_code, answer.json()["code"]) == (400, "consent_not_allowed")
    answer = await rest(world, "users", {"userId": "u1", "emailOptIn": "yes"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_consent")
    assert await world.log() == []


WRONG: list[tuple[str, Any, int, str]] = [
    ("users", b"{", 400, "malformed_json"),
    ("users", b"[]", 400, "invalid_body"),
    ("bulk-users", {"users": 5}, 400, "invalid_body"),
    ("bulk-users", {"users": [{}] * 2_501}, 400, "too_many_items"),
    ("events", {"userId": "u", "eventName": "x", "eventTime": "soon"}, 400, "invalid_timestamp"),
    ("events", {"userId": "u", "eventName": "x", "eventData": []}, 400, "invalid_properties"),
    ("events", {"userId": "u", "eventName": "a\0"}, 400, "nul_character"),
    ("users", {"userId": "u", "attributes": 1}, 400, "invalid_attributes"),
    ("users", {"userId": "u", "x": "y" * 33_000}, 400, "item_too_large"),
    ("nothing", {}, 404, "not_found"),
]


async def test_what_is_wrong_is_said(world):
    for what, content, status, code in WRONG:
        answer = await rest(world, what, content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await rest(world, what, content, "wrong")).status_code == (404 if status == 404 else 401)
    assert await world.log() == []
