"""The services that journeys may call, as an operator set them up; their secrets are read when they are needed and never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wend.store.codec import decode_json
from wend.store.postgres import Connection, fetch_all, sql
from wend.store.secrets import SecretError, Secrets

SECRET = "service:"
"""Secrets of a service lie under this and its id: JSON {"headers": {name: value}, "path": "/…"}."""
_FRESH = 2_000


@dataclass(frozen=True, slots=True)
class Service:
    """`base_url` without a slash at the end. `rate`: calls a second (0: no limit). `broken`: why it cannot be called."""

    id: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secret_names: tuple[str, ...] = ()
    rate: float = 0.0
    at_once: int = 8
    internal: bool = False
    idempotent: bool = False
    updated_at: int = 0
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    secret_path: str = field(default="", repr=False)
    broken: str = ""

    def hidden(self, text: str) -> str:
        """`text` without this service's secrets (a server may answer with what it was sent)."""
        for secret in (*self.secrets.values(), self.secret_path.strip("/")):
            if len(secret) > 3:
                text = text.replace(secret, "***")
        return text


async def load_services(conn: Connection, secrets: Secrets | None = None) -> dict[str, Service]:
    """All services by id; with their secrets when there is something to read them with."""
    found: dict[str, Service] = {}
    for id, base_url, headers, names, rate, at_once, internal, idempotent, updated_at in await fetch_all(
        conn, sql("service_all")
    ):
        more: dict[str, Any] = {}
        if secrets is not None and names:
            more = await _secrets(conn, secrets, id)
        found[id] = Service(
            id, base_url, decode_json(headers), tuple(names), rate, at_once, internal, idempotent, updated_at, **more
        )
    return found


async def _secrets(conn: Connection, secrets: Secrets, id: str) -> dict[str, Any]:
    try:
        raw = await secrets.get(conn, SECRET + id)
    except SecretError as problem:
        return {"broken": str(problem)}
    held: dict[str, Any] = decode_json(raw) if raw is not None else {}
    return {"secrets": held.get("headers", {}), "secret_path": held.get("path", "")}


class Services:
    """The services, read again every two seconds."""

    def __init__(self, secrets: Secrets, now: Callable[[], int]) -> None:
        self._secrets = secrets
        self._now = now
        self._read = 0
        self.known: dict[str, Service] = {}
        """As they were read last."""

    async def get(self, conn: Connection) -> dict[str, Service]:
        """All of them by id."""
        now = self._now()
        if not self._read or not 0 <= now - self._read < _FRESH:
            self.known = await load_services(conn, self._secrets)
            self._read = now
        return self.known
