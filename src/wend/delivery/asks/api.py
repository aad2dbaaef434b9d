"""`call_api`, carried out: the request is rendered, the service called, its answer cut to the parts that are kept.

What may be repeated: an answer that says "busy" (429) or "broken" (5xx), and a connection that never was. A call that may have
arrived is repeated only when it is idempotent: GET, PUT and DELETE are by definition, others when the service says so; every
call carries the effect id as `Idempotency-Key`. Otherwise it is `uncertain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from wend.content.liquid import LiquidProblem, Text
from wend.core.journey.picking import picked
from wend.delivery.asks.http import Caller, Lost, NotSent, Refused, Reply
from wend.delivery.asks.services import Service
from wend.delivery.outbox import Row, Settled
from wend.store.codec import decode_json, encode_json

ANSWER = 1_024
"""Bytes of JSON that are kept of one answer."""
FIRST_PAUSE = 1_000
LONGEST_PAUSE = 300_000
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
_BUSY = frozenset({408, 425, 429})
_QUOTED = 120


def may_repeat(row: Row, service: Service | None) -> bool:
    """Whether a call that may have arrived can be made once more."""
    return row.data["request"]["method"] in _REPEATABLE or (service is not None and service.idempotent)


async def call(row: Row, service: Service, values: Mapping[str, Any], caller: Caller, now: int) -> Settled:
    """Make the call of `row` (its try is counted already) at `now`; what becomes of it, `queued` when it is made again."""
    request: dict[str, Any] = row.data["request"]
    try:
        path, headers, body = _rendered(request, values)
    except LiquidProblem as problem:
        return failed(row, f"the request cannot be made: {problem}")
    headers = {"Accept": "application/json", "Idempotency-Key": row.effect_id, **headers}
    try:
        reply = await caller.call(service, request["method"], path, headers, body, int(request["timeout"]))
    except Refused as problem:
        return failed(row, f"{service.id}: {problem}")
    except NotSent as problem:
        return _again(row, service, service.hidden(f"{service.id}: {problem}"), now)
    except Lost as problem:
        why = service.hidden(f"{service.id}: {problem}")
        if may_repeat(row, service):
            return _again(row, service, why, now)
        return Settled(row, "uncertain", f"{why}; it may have been done", answer=("uncertain", None))
    return _answered(row, service, reply, now)


def failed(row: Row, why: str) -> Settled:
    """It will not be done."""
    return Settled(row, "refused", why, answer=("failed", None))


def _answered(row: Row, service: Service, reply: Reply, now: int) -> Settled:
    request: dict[str, Any] = row.data["request"]
    if reply.status in _BUSY or reply.status >= 500:
        return _again(
            row, service, f"{service.id} answered {reply.status}{_said(service, reply)}", now, reply.retry_after
        )
    if not 200 <= reply.status < 300:
        return failed(row, f"{service.id} answered {reply.status}{_said(service, reply)}")
    if "save" not in request:
        return Settled(row, "accepted", answer=("ok", None))
    if not reply.body.strip():
        return Settled(row, "accepted", answer=("ok", {}))
    try:
        value = decode_json(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return failed(row, f"{service.id} answered something that is no JSON{_said(service, reply)}")
    if request["save"]:
        value = picked(request["save"]).of(value)
    size = len(encode_json(value))
    if size > ANSWER:
        advice = (
            "pick fewer parts" if request["save"] else "pick the parts that are read with save: [title, items[:3].name]"
        )
        return failed(row, f"answer too big: {size:,} bytes would be kept (allowed {ANSWER:,}); {advice}")
    return Settled(row, "accepted", answer=("ok", value))


def _said(service: Service, reply: Reply) -> str:
    text = " ".join(reply.body[: 2 * _QUOTED].decode(errors="replace").split())[:_QUOTED]
    return f": {service.hidden(text)}" if text else ""


def _again(row: Row, service: Service, why: str, now: int, after: int = 0) -> Settled:
    """Back into the queue, until the attempts or the time to live are used up."""
    tries = row.tries + 1
    if tries > int(row.data["request"]["retries"]):
        return failed(row, f"{why} (attempt {tries})")
    spread = sum(row.effect_id.encode()) % 500
    pause = max(after, min(LONGEST_PAUSE, FIRST_PAUSE << min(tries - 1, 10)) + spread)
    if now + pause > row.expires_at:
        return failed(row, f"{why} (attempt {tries}; there is no time for another)")
    return Settled(row, "queued", why, not_before=now + pause)


def _rendered(request: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[str, dict[str, str], bytes | None]:
    path = Text(request["path"], path=True).render(values)
    headers = {name: Text(text).render(values) for name, text in request["headers"].items()}
    body: Any = request["body"]
    if body is None:
        return path, headers, None
    raw = Text(body).render(values).encode() if isinstance(body, str) else encode_json(_filled(body, values))
    return path, {"Content-Type": "application/json", **headers}, raw


def _filled(body: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(body, str):
        return Text(body).render(values)
    if isinstance(body, dict):
        return {name: _filled(one, values) for name, one in cast("dict[str, Any]", body).items()}
    if isinstance(body, list):
        return [_filled(one, values) for one in cast("list[Any]", body)]
    return body
