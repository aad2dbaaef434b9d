"""`/api/settings`: what decisions obey (quiet hours, zone, lateness …). Published like a journey: in force at one instant for all."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel

from wend.api.acts import settings as acts
from wend.api.problem import Fault, FieldProblem
from wend.api.security import Admin, Reader
from wend.api.surface import surface_of
from wend.engine.plans import load_plan

router = APIRouter(prefix="/api/settings", tags=["settings"])


class SettingsShown(BaseModel):
    """The settings in force, and the number of the plan that has them."""

    number: int
    settings: dict[str, Any]


@router.get("", operation_id="get_settings")
async def get(request: Request, key: Reader) -> SettingsShown:
    """What is in force now."""
    async with surface_of(request).pool.connection() as conn:
        plan = await load_plan(conn)
    return SettingsShown(number=plan.number, settings=dict(plan.settings))


@router.patch("", operation_id="change_settings")
async def change(request: Request, key: Admin, settings: Annotated[dict[str, Any], Body()]) -> SettingsShown:
    """Change some settings; the others keep their values. Refused with all faults at once (422)."""
    async with surface_of(request).pool.connection() as conn:
        try:
            await acts.publish(conn, settings, who=f"key {key.id}")
        except acts.Refused as refused:
            errors = [FieldProblem(field=one.where, message=one.message) for one in refused.problems]
            raise Fault(422, "invalid", "The settings have errors.", errors) from None
        plan = await load_plan(conn)
    return SettingsShown(number=plan.number, settings=dict(plan.settings))
