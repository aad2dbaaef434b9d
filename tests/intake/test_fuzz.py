"""Any bytes to any path get a documented answer; never a 500, never a shape that an SDK cannot read."""

import asyncio
import base64
import gzip

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.intake import tracking_app

PATHS = [
    "/v1/batch",
    "/v1/track",
    "/v1/i",
    "/v1/alias",
    "/v1/accounts/x/users",
    "/v1/accounts/x/bulk-events",
    "/v1/m",
    "/v1/zzz",
]
DOCUMENTED = {200, 201, 400, 401, 404, 405, 413}

_words = st.sampled_from(
    ["track", "identify", "alias", "u1", "", "null", "\0", "2026-01-01", "m" * 101, "\u2028", "email"]
)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _words
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words | st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
_names = st.sampled_from(
    [
        *("type", "event", "name", "category", "properties", "traits", "context", "userId", "anonymousId", "messageId"),
        *("timestamp", "originalTimestamp", "sentAt", "groupId", "previousId", "integrations", "writeKey"),
        *("users", "events", "eventName", "eventTime", "eventData", "attributes", "emailOptIn"),
    ]
)
_item = st.dictionaries(_names, _json, max_size=8)
_batch = st.fixed_dictionaries(
    {"batch": st.lists(_item | _json, max_size=5)}, optional={"context": _json, "sentAt": _json}
)


@st.composite
def _bodies(draw):
    body = draw(st.binary(max_size=300) | (_item | _batch | _json).map(msgspec.json.encode))
    if draw(st.booleans()):  # a few bytes broken
        at = draw(st.integers(0, len(body)))
        body = (
            body[:at]
            + draw(st.sampled_from([b"", b"\\ud800", b"\\u0000", b"\xff", b"[" * 99, b"1e999", b'"', b"}"]))
            + body[at:]
        )
    return gzip.compress(body) if draw(st.booleans()) else body


async def test_any_body_gets_a_documented_answer(world):
    app = tracking_app(world.intake)
    loop = asyncio.get_running_loop()
    seen: set[int] = set()

    async def ask(method, path, query, headers, body):
        events = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event):
            events.append(event)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": headers,
            "scheme": "http",
        }
        await app(scope, receive, send)
        return events

    @settings(max_examples=250)
    @given(
        _bodies(),
        st.sampled_from(PATHS),
        st.sampled_from(["POST"] * 9 + ["GET"]),
        st.sampled_from(["write"] * 4 + ["api", "none", "bearer", "rubbish"]),
        st.binary(max_size=20),
    )
    def check(body, path, method, who, rubbish):
        headers = {
            "write": [(b"authorization", b"Basic " + base64.b64encode(world.key.encode() + b":"))],
            "api": [(b"authorization", f"Bearer {world.api_key}".encode())],
            "bearer": [(b"authorization", b"bearer " + rubbish)],
            "rubbish": [(b"authorization", rubbish), (b"content-length", rubbish)],
            "none": [],
        }[who]
        start, end = asyncio.run_coroutine_threadsafe(ask(method, path, rubbish, headers, body), loop).result(60)
        seen.add(start["status"])
        assert start["status"] in DOCUMENTED
        answer = msgspec.json.decode(end["body"])
        if start["status"] >= 400:
            assert set(answer) == {"code", "message"}
            assert all(isinstance(text, str) for text in answer.values())

    await asyncio.to_thread(check)
    assert {200, 400, 401, 404} <= seen
    for (payload,) in await world.rows("select payload from log"):
        msgspec.json.decode(payload)
