"""Services that journeys may call: setting them up, with all faults at once; secrets go in and never come out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from wend.api.acts.audit import audit
from wend.core.problems import Problem, nearest, shown
from wend.delivery.asks.services import SECRET, Service, load_services
from wend.store.clock import now_ms
from wend.store.codec import decode_json, encode_json
from wend.store.postgres import Connection, sql
from wend.store.secrets import SecretError, Secrets

FIELDS = ("url", "headers", "secret_headers", "secret_path", "rate", "at_once", "internal", "idempotent")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,4000}")
_PATH = re.compile(r"/[^\x00-\x20\x7f?#\\]*")
_MOST_AT_ONCE = 200


class Refused(ValueError):
    """The service has faults; `problems` holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


async def put(conn: Connection, secrets: Secrets, id: str, given: Mapping[str, Any], *, who: str) -> Service:
    """Set up a service, or change what is given of it; what is not given stays. Raises Refused."""
    before = (await load_services(conn, secrets)).get(id)
    problems = list(_problems(id, given, before))
    if problems:
        raise Refused(problems)
    held = await _held(conn, secrets, id)
    if "secret_headers" in given:
        held["headers"] = given["secret_headers"] or {}
    if "secret_path" in given:
        held["path"] = given["secret_path"] or ""
    url = str(given["url"]).rstrip("/") if "url" in given else cast(Service, before).base_url
    old = before or Service(id, url)
    row = {
        "id": id,
        "base_url": url,
        "headers": encode_json(given.get("headers", old.headers)).decode(),
        "secret_names": [*held.get("headers", {}), *(["path"] if held.get("path") else [])],
        "rate": float(given.get("rate", old.rate)),
        "at_once": given.get("at_once", old.at_once),
        "internal": given.get("internal", old.internal),
        "idempotent": given.get("idempotent", old.idempotent),
        "now": await now_ms(conn),
    }
    await conn.execute(sql("service_put"), row)
    await secrets.put(conn, SECRET + id, encode_json(held))
    await audit(
        conn, who, f"service {id} set up", {"url": url, "internal": row["internal"], "secrets": row["secret_names"]}
    )
    return (await load_services(conn))[id]


async def delete(conn: Connection, id: str, *, who: str) -> bool:
    """Take a service away, with its secrets; False: there was none. Journeys that call it go on by `failed`."""
    if id not in await load_services(conn):
        return False
    await conn.execute(sql("service_delete"), {"id": id})
    await audit(conn, who, f"service {id} deleted")
    return True


async def _held(conn: Connection, secrets: Secrets, id: str) -> dict[str, Any]:
    try:
        raw = await secrets.get(conn, SECRET + id)
    except SecretError:
        return {}  # written with a lost key: they must be entered again
    return {} if raw is None else decode_json(raw)


def _problems(id: str, given: Mapping[str, Any], before: Service | None) -> Iterator[Problem]:
    if not _ID.fullmatch(id):
        yield Problem("id", f"expected lower-case letters, digits, - and _ (at most 64), found {shown(id)}")
    for name in given:
        if name not in FIELDS:
            yield Problem(name, f"is not a setting of a service{nearest(name, FIELDS)} (allowed: {', '.join(FIELDS)})")
    if "url" in given:
        yield from _url(given["url"])
    elif before is None:
        yield Problem("url", "is missing")
    for name in ("headers", "secret_headers"):
        yield from _headers(name, given.get(name))
    path = given.get("secret_path")
    if path and not (isinstance(path, str) and _PATH.fullmatch(path)):
        yield Problem("secret_path", "expected the part of the address that is secret, for example /services/T0/B0/abc")
    rate = given.get("rate", 0)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 10_000:
        yield Problem("rate", f"expected calls a second, 0 for no limit, found {shown(rate)}")
    many = given.get("at_once", 1)
    if isinstance(many, bool) or not isinstance(many, int) or not 1 <= many <= _MOST_AT_ONCE:
        yield Problem("at_once", f"expected 1 to {_MOST_AT_ONCE} calls at once, found {shown(many)}")
    for name in ("internal", "idempotent"):
        if not isinstance(given.get(name, False), bool):
            yield Problem(name, f"expected true or false, found {shown(given[name])}")


def _url(raw: Any) -> Iterator[Problem]:
    try:
        parts = urlsplit(raw if isinstance(raw, str) else "")
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound:
        yield Problem("url", f"expected an address such as https://api.example.com/v1, found {shown(raw)}")
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield Problem("url", "may hold neither a password nor ? nor #; use secret_headers and secret_path")


def _headers(name: str, raw: Any) -> Iterator[Problem]:
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield Problem(name, "expected names and values")
        return
    for header, value in cast("dict[Any, Any]", raw).items():
        if not isinstance(header, str) or not _HEADER.fullmatch(header):
            yield Problem(name, f"{shown(header)} is not the name of a header")
        elif not isinstance(value, str) or not _VALUE.fullmatch(value):
            yield Problem(f"{name}.{header}", "expected a text without control characters")
