"""`/api/services`: the services that journeys may call. Secrets go in and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel

from wend.api.acts import services as acts
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Admin, Reader
from wend.api.surface import surface_of
from wend.core.problems import nearest
from wend.delivery.asks.services import Service, load_services

router = APIRouter(prefix="/api/services", tags=["services"])


class ServiceShown(BaseModel):
    """A service. `secrets`: names of what is kept secret of it. `rate`: calls a second, 0 without limit."""

    id: str
    url: str
    headers: dict[str, str]
    secrets: list[str]
    rate: float
    at_once: int
    internal: bool
    idempotent: bool
    updated_at: int


class ServiceList(BaseModel):
    """All services by id."""

    items: list[ServiceShown]


@router.get("", operation_id="list_services")
async def list_all(request: Request, key: Reader) -> ServiceList:
    """All services."""
    async with surface_of(request).pool.connection() as conn:
        found = await load_services(conn)
    return ServiceList(items=[_shown(one) for one in found.values()])


@router.put("/{service}", operation_id="put_service")
async def put(request: Request, key: Admin, service: str, settings: Annotated[dict[str, Any], Body()]) -> ServiceShown:
    """Set up a service (`url`, `headers`, `secret_headers`, `secret_path`, `rate`, `at_once`, `internal`, `idempotent`), or
    change what is given of it. Refused with all faults at once (422)."""
    surface = surface_of(request)
    if surface.secrets is None:
        raise Fault(503, "no-secrets", "This server has no master key, so it cannot keep secrets.")
    async with surface.pool.connection() as conn:
        try:
            return _shown(await acts.put(conn, surface.secrets, service, settings, who=f"key {key.id}"))
        except acts.Refused as refused:
            errors = [FieldProblem(field=one.where, message=one.message) for one in refused.problems]
            raise Fault(422, "invalid", "The service has errors.", errors) from None


@router.delete("/{service}", operation_id="delete_service", status_code=204)
async def delete(request: Request, key: Admin, service: str) -> Response:
    """Take a service away, with its secrets."""
    async with surface_of(request).pool.connection() as conn:
        if not await acts.delete(conn, service, who=f"key {key.id}"):
            raise missing("service", service, nearest(service, await load_services(conn)))
    return Response(status_code=204)


def _shown(one: Service) -> ServiceShown:
    return ServiceShown(
        id=one.id,
        url=one.base_url,
        headers=dict(one.headers),
        secrets=list(one.secret_names),
        rate=one.rate,
        at_once=one.at_once,
        internal=one.internal,
        idempotent=one.idempotent,
        updated_at=one.updated_at,
    )
