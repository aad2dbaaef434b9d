"""The tracking API of the Segment spec over HTTP, as existing SDKs speak it (intake.md, reference/segment-clients.md).

A plain ASGI application without routes of a framework: it is the hot path, and every answer has to be exact.
Paths: server `/v1/{track,identify,page,screen,group,alias,batch,import}`, browser `/v1/{t,i,p,s,g,a,b}`, `/v1/m` (metrics
of the SDK itself: ignored), `/beacon/v1/batch`, `/pixel/v1/{track,page}`, settings, and REST under `/v1/accounts/`.
Slow, cut off and overlong requests: request.py and protocol.py.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from wend.core.problems import nearest
from wend.intake import answers
from wend.intake.answers import Answer
from wend.intake.body import BadBody, Batch, read_batch, read_object, unpack
from wend.intake.dead_letters import DeadLetter, letter
from wend.intake.documents import rudder_source, segment_settings
from wend.intake.door import Intake
from wend.intake.group_commit import Busy, Stopping
from wend.intake.instants import lenient_instant
from wend.intake.items import Envelope, Message, check_numbers, check_value
from wend.intake.pixel import pixel_item
from wend.intake.refused import Refused
from wend.intake.request import Gone, Receive, Request, Scope, Send
from wend.intake.rest import Rest
from wend.intake.writing import StoreAway, WrongMode
from wend.store.keys import Key

_log = logging.getLogger("wend.intake")

App = Callable[[Scope, Receive, Send], Awaitable[None]]

KINDS: Final = {
    **{f"/v1/{kind}": kind for kind in ("track", "identify", "page", "screen", "group", "alias")},
    "/v1/t": "track",
    "/v1/i": "identify",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/g": "group",
    "/v1/a": "alias",
}
BATCHES: Final = frozenset({"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"})
_POSTS: Final = {*KINDS, *BATCHES, "/v1/m"}
_GETS: Final = {"/pixel/v1/track", "/pixel/v1/page", "/sourceConfig"}


def owns(path: str) -> bool:
    """Whether a path belongs to this application; for whoever joins it with others under one server."""
    return path.startswith(("/v1/", "/beacon/", "/pixel/")) or path.rstrip("/") == "/sourceConfig"


def tracking_app(intake: Intake) -> App:
    """The ASGI application that posts into `intake`, which must be started. Every answer carries CORS headers."""
    return _Tracking(intake)


class Unknown(Exception):
    """No key, or one that may not do this."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Tracking:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._limits = intake.limits
        self._rest = Rest(intake)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Gone:
            return
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [*answer.headers, (b"content-length", str(len(answer.body)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    async def _answer(self, request: Request) -> Answer:
        wait = self._limits.retry_after
        try:
            return await self._route(request)
        except BadBody as error:
            return answers.error(error.status, error.code, error.message, close=error.status in (408, 413))
        except Unknown as error:
            return answers.error(401, error.code, error.message)
        except Busy:
            return answers.error(
                429, "queue_full", "Too much is waiting to be written; send again later.", retry_after=wait
            )
        except WrongMode:
            return answers.error(
                503, "replay_mode", "The workspace replays its history; send again later.", retry_after=30
            )
        except Stopping:
            return answers.error(503, "stopping", "This process is stopping; send again.", retry_after=wait, close=True)
        except StoreAway as error:
            _log.warning("store away: %s", error)
            return answers.error(503, "store_away", "The store cannot be reached; send again later.", retry_after=wait)
        except Gone:
            raise
        except Exception:  # noqa: BLE001 — the last line: whatever it is, the client gets an answer it can read
            _log.exception("an unexpected error at %s %s", request.method, request.path)
            return answers.error(500, "internal", "Something went wrong here; it was logged.")

    async def _route(self, request: Request) -> Answer:
        path, method = request.path, request.method
        if method == "OPTIONS":
            return answers.ALLOWED
        if path in _POSTS:
            if method != "POST":
                return _wrong_method("POST")
            if path == "/v1/m":
                await request.body(self._limits)
                return answers.OK
            if path in BATCHES:
                return await self._batch(request)
            return await self._single(request, KINDS[path])
        if path.startswith("/v1/accounts/"):
            return await self._rest.answer(request)
        settings_key = _project(path)
        if settings_key is not None or path in _GETS:
            if method not in ("GET", "HEAD"):
                return _wrong_method("GET")
            if settings_key is not None:
                await self._key(settings_key)
                return answers.json(segment_settings(settings_key, request.scheme, request.host), max_age=60)
            if path == "/sourceConfig":
                secret = request.basic_user() or request.query.get("writeKey", "") or request.bearer()
                key = await self._key(secret)
                return answers.json(rudder_source(key.id, key.name, secret, request.scheme, request.host), max_age=60)
            return await self._pixel(request, KINDS[path.removeprefix("/pixel")])
        hint = nearest(path, [*_POSTS, *_GETS])
        return answers.error(404, "not_found", f"There is nothing at {path[:100]!r}{hint}.")

    async def _key(self, secret: str) -> Key:
        if not secret:
            raise Unknown(
                "no_key", "No write key: send it as user name of HTTP Basic, as writeKey in the body, or as ?writeKey=."
            )
        key = await self._intake.key(secret)
        if key is None:
            raise Unknown("unknown_key", "This write key is not known, or was revoked.")
        if key.kind != "write":
            raise Unknown(
                "wrong_key", "This is an API key; the tracking API takes write keys (`wend key new --kind write`)."
            )
        return key

    async def _readable(self, request: Request) -> bytes:
        """The unpacked body. Of a client that is known, what cannot be unpacked is kept as a dead letter."""
        data = await request.body(self._limits)
        try:
            return unpack(data, self._limits.body_bytes)
        except BadBody as error:
            await self._keep_bad(request, error, data)
            raise

    async def _keep_bad(self, request: Request, error: BadBody, data: bytes) -> None:
        secret = request.basic_user() or request.query.get("writeKey", "") or request.bearer()
        if secret:
            await self._key(secret)
            await self._intake.take([], [letter(request.path, error.code, error.message, data)])

    async def _single(self, request: Request, kind: str) -> Answer:
        limits = self._limits
        data = await self._readable(request)
        try:
            item, suspicious = read_object(data, limits.depth)
        except BadBody as error:
            await self._keep_bad(request, error, data)
            raise
        secret = request.basic_user() or _text(item.get("writeKey")) or request.query.get("writeKey", "")
        await self._key(secret or request.bearer())
        self._intake.groups.check()
        raw = data
        try:
            if len(raw) > limits.item_bytes:
                raise Refused(
                    "item_too_large", f"The item has {len(raw)} bytes; at most {limits.item_bytes} are allowed."
                )
            if suspicious or raw.count(b"{") + raw.count(b"[") > limits.depth:
                check_value(item, limits.depth)
            message = self._intake.reader.read(item, Envelope(self._intake.clock.now_ms()), kind)
        except Refused as refused:
            return await self._refuse_one(request, refused, raw)
        if await self._intake.take([message]):
            return await self._refuse_one(request, _BY_STORE, raw)
        return answers.OK

    async def _refuse_one(self, request: Request, refused: Refused, raw: bytes) -> Answer:
        await self._intake.take([], [letter(request.path, refused.code, refused.message, raw)])
        return answers.error(400, refused.code, refused.message)

    async def _batch(self, request: Request) -> Answer:
        limits = self._limits
        data = await self._readable(request)
        try:
            batch, suspicious = read_batch(data, limits.depth)
        except BadBody as error:
            await self._keep_bad(request, error, data)
            raise
        secret = request.basic_user() or _batch_key(batch) or request.query.get("writeKey", "")
        await self._key(secret or request.bearer())
        self._intake.groups.check()
        try:
            envelope = self._envelope(batch, request.path)
            envelope.suspicious = suspicious
        except BadBody as error:
            await self._intake.take([], [letter(request.path, error.code, error.message, data)])
            raise
        messages: list[Message] = []
        places: list[int] = []
        rejected: list[dict[str, Any]] = []
        letters: list[DeadLetter] = []
        read = self._intake.reader.read_raw
        for index, item in enumerate(batch.batch):
            raw = bytes(item)
            try:
                messages.append(read(raw, envelope))
                places.append(index)
            except Refused as refused:
                rejected.append({"index": index, "code": refused.code, "message": refused.message})
                letters.append(letter(request.path, refused.code, refused.message, raw))
        late = await self._intake.take(messages, letters)
        if late:
            letters = [
                letter(request.path, _BY_STORE.code, _BY_STORE.message, bytes(batch.batch[places[i]])) for i in late
            ]
            await self._intake.take([], letters)
            rejected += [{"index": places[i], "code": _BY_STORE.code, "message": _BY_STORE.message} for i in late]
            rejected.sort(key=lambda one: one["index"])
        return answers.taken(rejected)

    def _envelope(self, batch: Batch, path: str) -> Envelope:
        limits = self._limits
        if len(batch.batch) > limits.batch_items:
            raise BadBody(
                400,
                "too_many_items",
                f"The batch has {len(batch.batch)} items; at most {limits.batch_items} are allowed.",
            )
        context = batch.context or {}
        if context or batch.integrations:
            try:
                check_value([context, batch.integrations], limits.depth + 1)
                check_numbers((context, batch.integrations))
            except Refused as refused:
                raise BadBody(400, refused.code, f"In the batch's context: {refused.message}") from refused
        sent = lenient_instant(batch.sent_at)
        if sent is None:
            sent = lenient_instant(batch.timestamp)  # analytics-node sets both to the instant of sending
        return Envelope(self._intake.clock.now_ms(), sent, context, batch.integrations, imported=path == "/v1/import")

    async def _pixel(self, request: Request, kind: str) -> Answer:
        """A pixel is always answered with a pixel: whoever shows it cannot act on anything else."""
        try:
            await self._key(request.query.get("writeKey", ""))
            raw = msgspec.json.encode(pixel_item(request.query))
            try:
                message = self._intake.reader.read_raw(raw, Envelope(self._intake.clock.now_ms()), kind)
                await self._intake.take([message])
            except Refused as refused:
                await self._intake.take([], [letter(request.path, refused.code, refused.message, raw)])
        except (Unknown, Busy, Stopping, WrongMode, StoreAway) as error:
            _log.warning("a pixel was not taken: %s", error or type(error).__name__)
        return answers.PIXEL


_BY_STORE: Final = Refused("refused_by_store", "The database refused this item.")


def _project(path: str) -> str | None:
    if path.startswith("/v1/projects/") and path.endswith("/settings"):
        return path[len("/v1/projects/") : -len("/settings")]
    return None


def _text(value: Any) -> str:
    return value if type(value) is str else ""


class _Keyed(msgspec.Struct):
    writeKey: Any = None


_keyed = msgspec.json.Decoder(_Keyed)


def _batch_key(batch: Batch) -> str:
    """The key in the body: of the batch, else of the first item that has one."""
    if found := _text(batch.write_key):
        return found
    for item in batch.batch:
        if b'"writeKey"' in bytes(item):
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                if found := _text(_keyed.decode(item).writeKey):
                    return found
    return ""


def _wrong_method(allowed: str) -> Answer:
    answer = answers.error(405, "wrong_method", f"Use {allowed} here.")
    return Answer(answer.status, answer.body, [*answer.headers, (b"allow", f"{allowed}, OPTIONS".encode())])
