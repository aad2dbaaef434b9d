"""What clients send and how they are answered: each row of reference/segment-clients.md, and intake.md's paths and limits."""

import base64
import gzip
import json
from typing import Any

import msgspec
import pytest
from tests.intake.conftest import serving

from wend.intake import Limits, owns
from wend.store.codec import decode_input
from wend.store.log import message_hash

TRACK: dict[str, Any] = {"userId": "u1", "event": "Bought", "properties": {"total": 3}}
BASIC = "Basic " + base64.b64encode(b"%s:").decode()


def basic(key):
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


async def test_a_batch_becomes_rows_of_one_person(world):
    items = [{"type": "track", "event": f"E{n}", "userId": "u1", "messageId": f"m{n}"} for n in range(3)]
    answer = await world.post("/v1/batch", {"batch": items})
    assert (answer.status_code, answer.content) == (200, b'{"success": true}')
    assert answer.headers["content-type"] == "application/json"
    log = await world.log()
    assert [(kind, payload.get("name")) for _, kind, payload in log] == [
        ("identify", None),  # the first event of a new user id tells the core that the person is known
        ("event", "E0"),
        ("event", "E1"),
        ("event", "E2"),
    ]
    assert {person for person, _, _ in log} == {await world.person("user_id", "u1")}
    hashes = await world.rows("select message_hash from log where kind = 'event' order by seq")
    assert [row[0] for row in hashes] == [message_hash(f"m{n}") for n in range(3)]


async def test_every_kind_of_message_becomes_its_input_on_server_and_browser_paths(world):
    cases = {
        ("track", "t"): (TRACK, "event", {"name": "Bought", "properties": {"total": 3}}),
        ("page", "p"): (
            {"userId": "u1", "name": "Home", "category": "Shop", "context": {"page": {"path": "/"}}},
            "event",
            {
                "name": "Page Viewed",
                "properties": {"name": "Home", "category": "Shop"},
                "context": {"page": {"path": "/"}},
            },
        ),
        ("screen", "s"): (
            {"userId": "u1", "name": "Cart", "properties": {"x": 1, "name": "own"}},
            "event",
            {"name": "Screen Viewed", "properties": {"x": 1, "name": "own"}},
        ),
        ("identify", "i"): (
            {
                "userId": "u1",
                "anonymousId": "a1",
                "traits": {"plan": "pro"},
                "context": {"traits": {"plan": "x", "city": "Ulm"}},
            },
            "identify",
            {"traits": {"plan": "pro", "city": "Ulm"}, "user_id": "u1", "anonymous_id": "a1"},
        ),
        ("group", "g"): (
            {"userId": "u1", "groupId": 7, "traits": {"name": "ACME"}},
            "group",
            {"group_id": "7", "traits": {"name": "ACME"}},
        ),
    }
    for paths, (item, kind, payload) in cases.items():
        for path in paths:
            found_kind, found = await world.one(f"/v1/{path}", item)
            found.pop("at")
            assert (found_kind, found) == (kind, payload)
            decode_input(found_kind, msgspec.json.encode({**found, "at": 1}))
    for path in ("alias", "a"):
        assert (await world.post(f"/v1/{path}", {"userId": "u1", "previousId": "old"})).status_code == 200
    assert await world.person("anonymous_id", "old") == await world.person("user_id", "u1")


async def test_batches_are_taken_on_every_path_that_clients_use(world):
    for number, path in enumerate(
        ("/v1/batch", "/v1/b", "/v1/import", "/v1/batch/", f"/beacon/v1/batch?writeKey={world.key}")
    ):
        answer = await world.post(path, {"batch": [{**TRACK, "type": "track", "event": f"E{number}"}]})
        assert answer.content == b'{"success": true}'
    events = [payload for _, kind, payload in await world.log() if kind == "event"]
    assert [event["name"] for event in events] == ["E0", "E1", "E2", "E3", "E4"]
    assert [event.get("imported", False) for event in events] == [False, False, True, False, False]
    assert (await world.post("/v1/m", b"whatever", auth=None)).content == b'{"success": true}'


async def test_a_key_is_found_in_each_of_its_places_and_in_their_order(world):
    item = {**TRACK, "type": "track"}
    key = world.key
    good = [
        ("/v1/batch", {"batch": [item]}, basic(key)),  # RudderStack, analytics-node
        ("/v1/batch", {"batch": [item], "writeKey": key}, {}),  # Python SDKs of some versions
        ("/v1/batch", {"batch": [item, {**item, "writeKey": key}]}, {}),
        ("/v1/t", {**TRACK, "writeKey": key}, {}),  # analytics-next 1.70
        (f"/v1/batch?writeKey={key}", {"batch": [item]}, {}),  # beacons
        ("/v1/batch", {"batch": [item]}, {"authorization": f"Bearer {key}"}),
        ("/v1/batch", {"batch": [item], "writeKey": key}, {"authorization": "Bearer some-oauth-token"}),
        ("/v1/batch?writeKey=wrong", {"batch": [item], "writeKey": key}, {}),
        ("/v1/batch", {"batch": [item], "writeKey": "wrong"}, basic(key)),
        ("/v1/batch", {"batch": [item], "writeKey": key}, basic("")),
        ("/v1/batch", {"batch": [item], "writeKey": key}, {"authorization": "Basic %%%"}),
    ]
    for path, body, headers in good:
        answer = await world.post(path, body, auth=None, headers=headers)
        assert answer.content == b'{"success": true}', (path, body, headers)
    bad = [
        ({}, {}, "no_key"),
        ({"writeKey": "wrong"}, {}, "unknown_key"),
        ({"writeKey": key}, basic("wrong"), "unknown_key"),
        ({"writeKey": 5}, {}, "no_key"),
        ({"writeKey": world.api_key}, {}, "wrong_key"),
    ]
    count = len(await world.log())
    for body, headers, code in bad:
        assert await world.refused("/v1/batch", {"batch": [item], **body}, auth=None, headers=headers) == (401, code)
        assert await world.refused("/v1/track", {**TRACK, **body}, auth=None, headers=headers) == (401, code)
    assert len(await world.log()) == count


async def test_a_body_is_known_by_its_bytes_whatever_the_headers_say(world):
    plain = msgspec.json.encode({"batch": [{**TRACK, "type": "track"}]})
    half = gzip.compress(plain[:10]) + gzip.compress(plain[10:])
    cases = [
        (gzip.compress(plain), {"content-type": "application/x-www-form-urlencoded"}),  # rudder-sdk-node
        (gzip.compress(plain), {"content-encoding": "gzip"}),
        (plain, {"content-type": "text/plain"}),  # analytics-next
        (plain, {"content-encoding": "gzip"}),
        (b"\xef\xbb\xbf" + plain, {}),
        (half, {}),
        (b"\n  " + plain + b"\n", {}),
    ]
    for body, headers in cases:
        answer = await world.post("/v1/batch", body, headers=headers)
        assert answer.content == b'{"success": true}', headers
    assert len(await world.log()) == 1 + len(cases)


async def test_preflight_lists_the_headers_of_all_browser_sdks_on_every_path(world):
    wanted = "authorization, content-type, x-retry-count, anonymousid, sentat, rsa-retry-attempt, rsa-retry-reason, " \
        "rsa-since-first-attempt, rsa-since-last-attempt"  # fmt: skip
    for path in (
        "/v1/batch",
        "/v1/t",
        "/v1/m",
        "/beacon/v1/batch",
        "/v1/projects/x/settings",
        "/sourceConfig/",
        "/v1/unknown",
    ):
        headers = {"origin": "https://shop.example", "access-control-request-headers": wanted}
        answer = await world.client.options(path, headers=headers)
        assert answer.status_code == 200
        allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert allowed >= {name.strip() for name in wanted.split(",")}
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) >= 86_400
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
    for answer in (await world.post("/v1/t", TRACK), await world.post("/v1/t", b"{")):
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_browser_sdks_get_the_settings_that_make_them_post_to_us(world):
    settings = (await world.client.get(f"/v1/projects/{world.key}/settings")).json()
    assert settings["integrations"]["Segment.io"] == {
        "apiKey": world.key,
        "apiHost": f"127.0.0.1:{world.port}/v1",
        "protocol": "http",
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
        "maybeBundledConfigIds": {},
        "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
    }
    for path, headers in ((f"/sourceConfig/?p=web&writeKey={world.key}", {}), ("/sourceConfig", basic(world.key))):
        answer = await world.client.get(path, headers=headers)
        source = answer.json()["source"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (source["enabled"], source["destinations"], source["writeKey"]) == (True, [], world.key)
    for path in ("/v1/projects/wrong/settings", "/sourceConfig/?writeKey=wrong", "/sourceConfig"):
        answer = await world.client.get(path)
        assert (answer.status_code, set(answer.json())) == (401, {"code", "message"})


async def test_a_pixel_is_always_answered_with_a_pixel(world):
    base = f"/pixel/v1/track?writeKey={world.key}&anonymousId=%22a1%22"
    for query in (
        "&event=Opened&properties.total=3&properties.product.id=p1&context.page.url=u&..=1",
        "&event=",
        "&event=%00",
    ):
        answer = await world.client.get(base + query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.content.startswith(b"GIF89a")
    await world.client.get(f"/pixel/v1/page?writeKey={world.key}&userId=u1&name=Home")
    assert (await world.client.get("/pixel/v1/track?writeKey=wrong&event=x&userId=u")).content.startswith(b"GIF89a")
    log = [(kind, payload) for _, kind, payload in await world.log()]
    assert log[0][1]["properties"] == {"total": "3", "product": {"id": "p1"}}
    assert log[0][1]["context"] == {"channel": "web", "page": {"url": "u"}}
    assert [payload.get("name") for _, payload in log] == ["Opened", None, "Page Viewed"]
    assert await world.person("anonymous_id", "a1")
    assert [row[0] for row in await world.rows("select code from dead_letter order by id")] == [
        "invalid_event",
        "nul_character",
    ]


async def test_bad_items_are_listed_and_kept_and_the_good_ones_taken(world):
    batch = [
        {**TRACK, "type": "track"},
        {"type": "trak", "userId": "u1"},
        7,
        {"type": "track", "event": "x"},
        {**TRACK, "type": "track", "event": "Last"},
    ]
    answer = await world.post("/v1/batch", {"batch": batch})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert [(one["index"], one["code"]) for one in body["rejected"]] == [
        (1, "unknown_type"),
        (2, "invalid_item"),
        (3, "no_user_anon_id"),
    ]
    assert "did you mean 'track'" in body["rejected"][0]["message"]
    events = [payload["name"] for _, kind, payload in await world.log() if kind == "event"]
    assert events == ["Bought", "Last"]
    letters = await world.rows("select source, code, body from dead_letter order by id")
    assert [row[1] for row in letters] == ["unknown_type", "invalid_item", "no_user_anon_id"]
    assert letters[0][0] == "/v1/batch"
    assert json.loads(letters[0][2]) == batch[1]


async def test_unknown_paths_and_methods_are_answered_like_everything_else(world):
    assert await world.refused("/v1/nothing", {}) == (404, "not_found")
    for method, path in (("GET", "/v1/batch"), ("PUT", "/v1/t"), ("POST", f"/v1/projects/{world.key}/settings")):
        answer = await world.client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (405, "wrong_method")
        assert "OPTIONS" in answer.headers["allow"]
    for path in ("/v1/t", "/beacon/v1/batch", "/pixel/v1/track", "/sourceConfig", "/sourceConfig/"):
        assert owns(path)
    assert not any(owns(path) for path in ("/", "/api/journeys", "/sourceConfigs", "/v1"))


async def test_context_and_integrations_of_a_batch_reach_every_item_and_unknown_fields_stay(world):
    batch = {
        "context": {"library": {"name": "x"}, "locale": "de"},
        "integrations": {"All": True, "Mixpanel": False},
        "batch": [
            {
                **TRACK,
                "type": "track",
                "context": {"locale": "fr", "device": {"token": "t"}},
                "_metadata": {"a": 1},
                "channel": "web",
            },
            {
                **TRACK,
                "type": "track",
                "integrations": {"All": False},
                "context": None,
                "properties": None,
                "anonymousId": None,
            },
        ],
    }
    assert (await world.post("/v1/batch", batch)).content == b'{"success": true}'
    first, second = [payload for _, kind, payload in await world.log() if kind == "event"]
    assert first["context"] == {
        "library": {"name": "x"},
        "locale": "fr",
        "device": {"token": "t"},
        "_metadata": {"a": 1},
        "channel": "web",
        "integrations": {"All": True, "Mixpanel": False},
    }
    assert second["context"] == {"library": {"name": "x"}, "locale": "de", "integrations": {"All": False}}
    assert "properties" not in second


async def test_consent_cannot_be_set_with_a_write_key(world):
    traits = {"consent": {"email": "subscribed"}, "email_opt_in": True, "emailOptIn": True, "unsubscribed": False}
    context = {"consent": {"categoryPreferences": {"marketing": True}}, "messaging_subscriptions": [{"type": "EMAIL"}]}
    await world.one("/v1/identify", {"userId": "u1", "traits": traits, "context": context})
    assert [kind for _, kind, _ in await world.log()] == ["identify"]


@pytest.mark.parametrize("limits", [Limits(item_bytes=200, body_bytes=1_000, batch_items=2)])
async def test_limits_are_configurable(database_url, limits):
    async with serving(database_url, limits) as world:
        long = {**TRACK, "type": "track", "properties": {"x": "y" * 200}}
        assert await world.refused("/v1/track", long) == (400, "item_too_large")
        assert await world.refused("/v1/batch", {"batch": [1, 2, 3]}) == (400, "too_many_items")
        assert await world.refused("/v1/batch", b" " * 1_001) == (413, "body_too_large")
