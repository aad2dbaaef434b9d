"""What is wrong with an item or a body is answered with a code, kept as a dead letter, and hurts nothing else."""

import gzip
import json
from typing import Any

import msgspec

TRACK: dict[str, Any] = {"userId": "u1", "event": "Bought", "properties": {"total": 3}}
HUGE = "1" + "0" * 400


async def test_what_is_wrong_with_one_item_has_a_code_and_is_never_an_error_of_ours(world):
    item = {**TRACK, "type": "track"}
    cases: list[tuple[bytes, str]] = [
        (b'{"type":"track","event":"\\u0000","userId":"u"}', "nul_character"),
        (b'{"type":"track","event":"a","userId":"u\\u0000"}', "nul_character"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"\\u0000":1}}', "nul_character"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":"\\ud800"}}', "lone_surrogate"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":"\\udc00\\ud83d"}}', "lone_surrogate"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":"\xff"}}', "not_utf8"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":"\xed\xa0\x80"}}', "not_utf8"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":1e999}}', "number_out_of_range"),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":%s}}' % HUGE.encode(), "number_out_of_range"),
        (
            b'{"type":"track","event":"a","userId":"u","properties":{"x":%s}}' % (HUGE * 20).encode(),
            "number_out_of_range",
        ),
        (b'{"type":"track","event":"a","userId":"u","properties":{"x":18446744073709551616}}', "number_out_of_range"),
        (b'{"type":"track","event":"a","userId":%s}' % HUGE.encode(), "invalid_identifier"),
        (b'{"type":"track","event":"a","userId":"u","x":%s1%s}' % (b"[" * 70, b"]" * 70), "too_deep"),
        (b'{"type":"track","event":"a","userId":"u","x":%s1%s}' % (b'{"a":' * 3000, b"}" * 3000), "too_deep"),
        (msgspec.json.encode({**item, "messageId": "m" * 101}), "message_id_too_long"),
        (msgspec.json.encode({**item, "messageId": ["m"]}), "invalid_message_id"),
        (msgspec.json.encode({**item, "event": ""}), "invalid_event"),
        (msgspec.json.encode({**item, "event": " "}), "invalid_event"),
        (msgspec.json.encode({**item, "event": 5}), "invalid_event"),
        (msgspec.json.encode({**item, "event": "e" * 201}), "invalid_event"),
        (msgspec.json.encode({**item, "event": "wend_secret"}), "reserved_name"),
        (msgspec.json.encode({**item, "properties": [1]}), "invalid_properties"),
        (msgspec.json.encode({**item, "context": "x"}), "invalid_context"),
        (msgspec.json.encode({**item, "timestamp": "2026-02-30T00:00:00Z"}), "invalid_timestamp"),
        (msgspec.json.encode({**item, "userId": {"id": 1}}), "invalid_identifier"),
        (msgspec.json.encode({**item, "userId": True}), "invalid_identifier"),
        (msgspec.json.encode({**item, "userId": "u" * 256}), "invalid_identifier"),
        (msgspec.json.encode({**item, "type": "identify", "traits": {"email": 5}}), "invalid_trait"),
        (msgspec.json.encode({**item, "type": "identify", "traits": {"phone": []}}), "invalid_trait"),
        (msgspec.json.encode({**item, "type": "identify", "traits": {"wend_x": 1}}), "reserved_name"),
        (msgspec.json.encode({**item, "type": "identify", "traits": 1}), "invalid_traits"),
        (msgspec.json.encode({**item, "type": "identify", "context": {"traits": 1}}), "invalid_context"),
        (msgspec.json.encode({**item, "type": "group"}), "no_group_id"),
        (msgspec.json.encode({**item, "type": "alias"}), "no_previous_id"),
        (msgspec.json.encode({**item, "type": None}), "no_type"),
        (msgspec.json.encode({**item, "properties": {"x": "y" * 33_000}}), "item_too_large"),
    ]
    good = msgspec.json.encode({**item, "event": "Good"})
    for number, (bad, code) in enumerate(cases):
        answer = await world.post("/v1/batch", b'{"batch":[%s,%s,%s]}' % (good, bad, good))
        assert answer.status_code == 200, (bad[:100], answer.text)
        assert [(one["index"], one["code"]) for one in answer.json()["rejected"]] == [(1, code)], bad[:100]
        events = await world.rows("select count(*) from log where kind = 'event'")
        assert events == [(2 * (number + 1),)]
    for bad, code in cases:
        kind = (
            json.loads(bad, strict=False).get("type")
            if code not in ("not_utf8", "number_out_of_range", "too_deep")
            else "track"
        )
        status, found = await world.refused(f"/v1/{kind or 'nothing'}", bad)
        if kind is not None:
            assert (status, found) == (400, code), bad[:100]
    assert (await world.rows("select count(*) from log where kind = 'event'"))[0][0] == 2 * len(cases)
    assert (await world.rows("select count(*) from dead_letter"))[0][0] >= 2 * len(cases) - 1


async def test_what_is_wrong_with_a_whole_body_is_answered_400_and_kept(world):
    deep = b'{"batch":[],"context":%s1%s}' % (b'{"a":' * 70, b"}" * 70)
    cases = [
        (b"", "empty_body"),
        (b"   ", "empty_body"),
        (b"{", "malformed_json"),
        (b"not json", "malformed_json"),
        (b'{"batch":[}', "malformed_json"),
        (b'{"batch":[]} x', "malformed_json"),
        (b"[" * 100_000, "invalid_body"),
        (b"\xff\xfe{\x00}\x00", "malformed_json"),
        (b'{"batch":[],"context":{"x":"\xff"}}', "not_utf8"),
        (b"[]", "invalid_body"),
        (b"null", "invalid_body"),
        (b'{"batch":{}}', "invalid_body"),
        (b'{"batch":[],"context":5}', "invalid_body"),
        (b'{"batch":[],"context":{"x":1e999}}', "number_out_of_range"),
        (b'{"batch":[],"context":{"x":"\\u0000"}}', "nul_character"),
        (b'{"batch":[],"context":{"x":%s}}' % HUGE.encode(), "number_out_of_range"),
        (deep, "too_deep"),
        (b"{}", "invalid_body"),
        (b"\x1f\x8b rubbish", "invalid_gzip"),
        (gzip.compress(b'{"batch":[]}')[:-6], "invalid_gzip"),
        (gzip.compress(b'{"batch":[]}') + b"tail", "invalid_gzip"),
        (b'{"batch":[%s]}' % b",".join([b"{}"] * 2_501), "too_many_items"),
    ]
    for body, code in cases:
        assert await world.refused("/v1/batch", body) == (400, code), body[:60]
    assert await world.log() == []
    kept = await world.rows("select code from dead_letter order by id")
    assert [row[0] for row in kept] == [code for _, code in cases]
    assert (await world.post("/v1/batch", {"batch": []})).content == b'{"success": true}'
    assert (await world.post("/v1/batch", b'{"batch":[%s]}' % b",".join([b"{}"] * 2_500))).status_code == 200


async def test_too_large_bodies_get_413_however_they_are_packed(world):
    big = b'{"batch":["%s"]}' % (b"x" * 10_000_000)
    assert await world.refused("/v1/batch", big) == (413, "body_too_large")
    assert await world.refused("/v1/batch", gzip.compress(big)) == (413, "body_too_large")
    bomb = gzip.compress(bytes(50_000_000), 9) * 10
    assert await world.refused("/v1/batch", bomb) == (413, "body_too_large")
    many = [{**TRACK, "type": "track", "properties": {"x": "y" * 30_000}} for _ in range(135)]
    body = msgspec.json.encode({"batch": many})
    assert len(body) > 4_000_000
    assert (await world.post("/v1/batch", body)).content == b'{"success": true}'
