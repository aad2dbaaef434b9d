"""`/api/geofences`: places on the map that journeys hear people come into and leave."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel

from wend.api.acts import geofences as acts
from wend.api.journeys import fields_of
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.content.geofences import Geofence, GeofencesRefused, geofence_ids, list_geofences, read_geojson
from wend.core.problems import nearest
from wend.store.codec import encode_json

router = APIRouter(prefix="/api/geofences", tags=["geofences"])

Id = Annotated[str, Path(max_length=64, description="The geofence's id.")]
_SHAPE = "{id, name, circle: {lat, lon, radius: 500m}, margin: 50m}, or polygon: a GeoJSON Polygon."


class GeofenceShown(BaseModel):
    """A geofence: its document, its middle in degrees, and the metres from there to its farthest point."""

    id: str
    name: str
    document: dict[str, Any]
    lat: float
    lon: float
    radius: float
    margin: float


class GeofenceList(BaseModel):
    """All geofences, by id."""

    items: list[GeofenceShown]


class GeofencesStored(BaseModel):
    """The ids of what was stored."""

    stored: list[str]


@router.get("", operation_id="list_geofences")
async def list_all(request: Request, key: Reader) -> GeofenceList:
    """All geofences."""
    async with surface_of(request).pool.connection() as conn:
        return GeofenceList(items=[_shown(one) for one in await list_geofences(conn)])


@router.get("/{geofence}", operation_id="get_geofence")
async def get(request: Request, key: Reader, geofence: Id) -> GeofenceShown:
    """A geofence."""
    async with surface_of(request).pool.connection() as conn:
        found = {one.id: one for one in await list_geofences(conn)}
    if geofence not in found:
        raise missing("geofence", geofence, nearest(geofence, found))
    return _shown(found[geofence])


@router.put("/{geofence}", operation_id="put_geofence")
async def put(
    request: Request, key: Writer, geofence: Id, raw: Annotated[dict[str, Any], Body(description=_SHAPE)]
) -> GeofenceShown:
    """Store a geofence. It counts for events that come in ten seconds later, in every process."""
    document = {"id": geofence} | raw
    if document["id"] != geofence:
        detail = f"The document's id is {document['id']!r}, the address names {geofence!r}."
        raise Fault(422, "invalid", detail, [FieldProblem(field="id", message=detail)])
    (stored,) = await _store(request, [document], f"key {key.id}", named=False)
    return _shown(stored)


@router.post("/import", operation_id="import_geofences")
async def import_all(
    request: Request, key: Writer, raw: Annotated[dict[str, Any], Body(description="GeoJSON.")]
) -> GeofencesStored:
    """Store the features of a GeoJSON document: polygons, and points with a `radius`. All or none."""
    try:
        documents = read_geojson(encode_json(raw))
    except ValueError as error:
        raise Fault(422, "geojson", str(error)) from None
    return GeofencesStored(stored=[one.id for one in await _store(request, documents, f"key {key.id}", named=True)])


@router.delete("/{geofence}", operation_id="delete_geofence", status_code=204)
async def delete(request: Request, key: Writer, geofence: Id) -> None:
    """Delete a geofence that nothing published uses. Whoever is inside leaves with their next location."""
    async with surface_of(request).pool.connection() as conn:
        try:
            gone = await acts.delete(conn, geofence, who=f"key {key.id}")
        except acts.InUse as error:
            raise Fault(409, "in-use", str(error)) from None
        if not gone:
            raise missing("geofence", geofence, nearest(geofence, await geofence_ids(conn)))


async def _store(request: Request, documents: list[dict[str, Any]], who: str, *, named: bool) -> list[Geofence]:
    async with surface_of(request).pool.connection() as conn:
        try:
            return await acts.put(conn, documents, who=who, named=named)
        except GeofencesRefused as refused:
            raise Fault(422, "geofence", "The geofence has errors.", fields_of(refused.problems)) from None


def _shown(one: Geofence) -> GeofenceShown:
    return GeofenceShown(
        id=one.id,
        name=one.name,
        document=one.document(),
        lat=one.lat,
        lon=one.lon,
        radius=one.radius,
        margin=one.margin,
    )
