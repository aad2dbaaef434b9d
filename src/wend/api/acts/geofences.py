"""Geofences: storing, with an audit row, and deleting what nothing uses."""

from __future__ import annotations

from typing import Any

from wend.api.acts.audit import audit
from wend.content.geofences import Geofence, delete_geofence, put_geofences
from wend.core.journey.compiled import Compiled
from wend.core.journey.triggers import OnFence
from wend.core.plan import Plan
from wend.engine.plans import load_plan
from wend.store.postgres import Connection


class InUse(ValueError):
    """Something published names the geofence; the message says what."""


async def put(conn: Connection, documents: list[Any], *, who: str, named: bool = True) -> list[Geofence]:
    """Check and store documents, all or none. Raises GeofencesRefused. `named`: problems say which of several it is."""
    found = await put_geofences(conn, documents, named=named)
    for one in found if len(found) <= 20 else ():
        await audit(conn, who, f"geofence {one.id} stored")
    if len(found) > 20:
        await audit(conn, who, f"{len(found)} geofences stored")
    return found


async def delete(conn: Connection, id: str, *, who: str) -> bool:
    """Delete a geofence; False: there is none. Raises InUse."""
    users = _used_by(await load_plan(conn), id)
    if users:
        raise InUse(f"geofence '{id}' is used by {', '.join(users)}: change those first")
    if not await delete_geofence(conn, id):
        return False
    await audit(conn, who, f"geofence {id} deleted")
    return True


def _used_by(plan: Plan, id: str) -> list[str]:
    users = [
        f"journey '{name}'"
        for name, published in plan.journeys.items()
        if published.status != "stopped" and any(_names(one, id) for one in published.versions.values())
    ]
    segments = {**plan.segments, **plan.warming}.values()
    return users + [f"segment '{one.id}'" for one in segments if not one.hidden and f"fence:{id}" in one.listens.facts]


def _names(compiled: Compiled, fence: str) -> bool:
    if any(isinstance(one, OnFence) and fence in one.fences for one in compiled.document.triggers):
        return True
    return any(f"fence:{fence}" in one.listens().facts for one in compiled.conditions())
