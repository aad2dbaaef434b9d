"""`POST /api/journeys/ID/people`: put people in, take them out, let them skip a wait; a few by name, or many by segment or node."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from wend.api.acts import handling as acts
from wend.api.journeys import Id, fields_of
from wend.api.problem import Fault
from wend.api.security import Writer
from wend.api.surface import surface_of

router = APIRouter(prefix="/api/journeys", tags=["journeys"])


class HandWanted(BaseModel):
    """What to do to whom: `people` (profile ids or any identifiers), else everybody in `segment`, else everybody at `node`.

    `node`: where to put them in, or (out, skip) only those who rest there.
    """

    model_config = ConfigDict(extra="forbid")

    action: acts.Action
    people: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=acts.MOST)] = []
    segment: Annotated[str, Field(max_length=100)] = ""
    node: Annotated[str, Field(max_length=100)] = ""


class HandLaid(BaseModel):
    """Taken into the log at `at`. `broadcast` not 0: they are told in chunks, under this number. What came of it, `why` tells."""

    people: int
    broadcast: int
    at: int


@router.post("/{journey}/people", operation_id="handle_people", status_code=202)
async def handle(request: Request, key: Writer, journey: Id, wanted: HandWanted) -> HandLaid:
    """Put people in, take them out, or let them skip the wait they are in. All faults are told at once (422), then nothing is done."""
    asked = acts.Wanted(wanted.action, journey, wanted.people, wanted.segment, wanted.node)
    async with surface_of(request).pool.connection() as conn:
        try:
            done = await acts.act(conn, asked, who=f"key {key.id}")
        except acts.Refused as refused:
            raise Fault(422, "people", "This cannot be done.", fields_of(refused.problems)) from None
    return HandLaid(people=done.people, broadcast=done.broadcast, at=done.at)
