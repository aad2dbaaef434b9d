"""`/healthz` (the process lives), `/readyz` (it can do its work), `/metrics` (Prometheus) and `/api/health` (the same for the UI)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel

from wend.api import metrics
from wend.api.security import Reader
from wend.api.surface import Surface, surface_of
from wend.reports import health
from wend.store.clock import MAX_SKEW

_PATIENCE = 3.0  # seconds that a look at the database may take

probes = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/api", tags=["health"])


class Check(BaseModel):
    """One thing that must be well."""

    name: str
    ok: bool
    detail: str


class Health(BaseModel):
    """Everything that `/readyz` checks, and what waits for an operator."""

    ready: bool
    checks: list[Check]
    version: str
    partitions: dict[str, Any] = {}
    trouble: dict[str, int] = {}
    outbox: dict[str, int] = {}
    state_bytes: dict[str, Any] = {}
    restarts: dict[str, int] = {}


@probes.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@probes.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 when this server can do all its work, 503 with what is missing otherwise."""
    checks = await _checks(surface_of(request))
    ready = all(one.ok for one in checks)
    body = {"ready": ready, "checks": [one.model_dump() for one in checks]}
    return JSONResponse(body, 200 if ready else 503)


@probes.get("/metrics")
async def prometheus(request: Request) -> Response:
    """Everything countable, as text for Prometheus."""
    text, kind = await metrics.scrape(surface_of(request))
    return Response(text, media_type=kind)


@router.get("/health", operation_id="health")
async def whole_health(request: Request, key: Reader) -> Health:
    """What works, what does not, and what waits for an operator."""
    surface = surface_of(request)
    checks = await _checks(surface)
    found = Health(ready=all(one.ok for one in checks), checks=checks, version=surface.version)
    found.restarts = {name: one.restarts for name, one in surface.processes().items()}
    if checks[0].ok:
        async with surface.pool.connection() as conn:
            found.partitions = asdict(await health.partitions(conn, surface.clock.now_ms()))
            found.trouble = await health.trouble(conn)
            found.outbox = await health.outbox(conn)
            found.state_bytes = await health.sizes(conn)
    return found


async def _checks(surface: Surface) -> list[Check]:
    try:
        async with asyncio.timeout(_PATIENCE), surface.pool.connection() as conn:
            now = surface.clock.now_ms()
            state = await health.partitions(conn, now)
            replay = await health.replaying(conn)
    except (OSError, psycopg.Error, PoolTimeout) as error:
        return [
            Check(
                name="database",
                ok=False,
                detail=f"not reachable: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            )
        ]
    skew = surface.clock.skew
    return [
        Check(name="database", ok=True, detail="reachable"),
        Check(
            name="clock",
            ok=surface.clock.ready,
            detail=f"{skew} ms from the database's; up to {MAX_SKEW} ms is allowed",
        ),
        Check(
            name="partitions",
            ok=state.claimed == state.total,
            detail=f"{state.claimed} of {state.total} have a worker"
            + (f", stopped: {', '.join(map(str, state.stopped))}" if state.stopped else ""),
        ),
        Check(name="mode", ok=not replay, detail="in replay mode: live events are refused" if replay else "live"),
    ]
