"""`/api/segments/preview`: how many people a condition means, before it is published."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel

from wend.api.acts import preview as acts
from wend.api.acts.journeys import Refused
from wend.api.journeys import fields_of
from wend.api.problem import Fault
from wend.api.security import Reader
from wend.api.surface import surface_of

router = APIRouter(prefix="/api/segments", tags=["segments"])

Asked = Annotated[
    dict[str, Any],
    Body(description="A condition, a segment document, or a journey's draft (its entry.where is meant)."),
]


class Preview(BaseModel):
    """`count` of all people (`of`) fulfil the condition now. Not exact: estimated from a sample; the true number is at most `margin`
    away, with 95 % certainty."""

    count: int
    of: int
    exact: bool
    margin: int
    sentence: str


@router.post("/preview", operation_id="preview_segment")
async def preview(request: Request, key: Reader, raw: Asked) -> Preview:
    """How many people a condition means now. Nothing is kept."""
    async with surface_of(request).pool.connection() as conn:
        try:
            found = await acts.preview(conn, raw)
        except Refused as refused:
            raise Fault(422, "invalid", "The condition has errors.", fields_of(refused.problems)) from None
        except acts.TooSlow as slow:
            raise Fault(503, "too-slow", f"{slow}.") from None
    return Preview(
        count=found.count, of=found.of, exact=found.exact, margin=found.margin, sentence=acts.sentence(found)
    )
