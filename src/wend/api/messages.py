"""`/api/messages` and `/api/inbox`: what was sent, what became of it, and what the built-in channels caught."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from wend.api import paging
from wend.api.problem import missing
from wend.api.resolve import person_of
from wend.api.security import Reader
from wend.api.surface import surface_of
from wend.reports import messages
from wend.store.log import partition_of

router = APIRouter(prefix="/api", tags=["messages"])


class Message(BaseModel):
    """A message and its present status: queued, sending, accepted, refused, dropped, withdrawn or uncertain. Times in ms UTC."""

    effect_id: str
    profile_id: str
    channel: str
    journey: str
    version: int
    node: str
    run: str
    move: int
    template: str
    topic: str
    transactional: bool
    address: str
    status: str
    at: int
    not_before: int
    expires_at: int
    tries: int
    provider_id: str | None = None
    why: str | None = None
    updated_at: int
    inbox_id: int | None = None
    subject: str | None = None


class MessageList(BaseModel):
    """A page of messages, the latest first; `next` is the cursor of the page after, null at the end."""

    items: list[Message]
    next: str | None = None


class MessageStep(BaseModel):
    """One thing that happened to a message: held, sent, dropped, or an outcome or feedback (`branch` says which)."""

    at: int
    kind: str
    branch: str
    why: str
    until: int | None = None
    detail: dict[str, Any] | None = None


class MessageStory(Message):
    """A message with all that happened to it, oldest first."""

    timeline: list[MessageStep]


class Caught(BaseModel):
    """A message that the built-in inbox caught, without its body."""

    id: int
    effect_id: str | None = None
    channel: str
    at: int
    sender: str
    recipient: str
    subject: str
    preview: str


class CaughtList(BaseModel):
    """A page of caught messages, the latest first."""

    items: list[Caught]
    next: str | None = None


class CaughtWhole(BaseModel):
    """A caught message with text, HTML (as it came: not sanitised) and headers."""

    id: int
    effect_id: str | None = None
    channel: str
    at: int
    sender: str
    recipient: str
    subject: str
    body_text: str
    body_html: str
    headers: dict[str, Any]


@router.get("/messages", operation_id="list_messages")
async def list_messages(
    request: Request,
    key: Reader,
    journey: Annotated[str | None, Query()] = None,
    profile: Annotated[str | None, Query(description="Profile id or any identifier.")] = None,
    status: Annotated[str | None, Query()] = None,
    channel: Annotated[str | None, Query()] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> MessageList:
    """Messages of a journey, of a person, with a status, on a channel, or all; the latest first."""
    before = paging.decode(cursor, int, str)
    async with surface_of(request).pool.connection() as conn:
        whose = None
        if profile is not None:
            person = await person_of(conn, profile)
            whose = (partition_of(person, surface_of(request).partitions), person)
        found = await messages.messages(
            conn,
            journey=journey,
            profile=whose,
            status=status,
            channel=channel,
            before=(before[0], before[1]) if before else None,
            limit=limit + 1,
        )
    shown, further = paging.cut(found, limit)
    last = shown[-1] if further else None
    return MessageList(
        items=[_message(one) for one in shown], next=paging.encode(last["at"], last["effect_id"]) if last else None
    )


@router.get("/messages/{effect_id}", operation_id="get_message")
async def get_message(request: Request, key: Reader, effect_id: str) -> MessageStory:
    """One message and its timeline."""
    async with surface_of(request).pool.connection() as conn:
        found = await messages.message(conn, effect_id)
    if found is None:
        raise missing("message", effect_id)
    return MessageStory.model_validate(found | {"profile_id": str(found["profile_id"])})


@router.get("/inbox", operation_id="list_inbox")
async def list_inbox(
    request: Request,
    key: Reader,
    recipient: Annotated[str | None, Query()] = None,
    channel: Annotated[str | None, Query()] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> CaughtList:
    """What the built-in inbox caught, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await messages.inbox(
            conn, recipient=recipient, channel=channel, before=before[0] if before else None, limit=limit + 1
        )
    shown, further = paging.cut(found, limit)
    return CaughtList(
        items=[Caught.model_validate(one) for one in shown], next=paging.encode(shown[-1]["id"]) if further else None
    )


@router.get("/inbox/{inbox_id}", operation_id="get_inbox_message")
async def get_inbox_message(request: Request, key: Reader, inbox_id: int) -> CaughtWhole:
    """One caught message."""
    async with surface_of(request).pool.connection() as conn:
        found = await messages.caught(conn, inbox_id) if -(1 << 63) <= inbox_id < 1 << 63 else None
    if found is None:
        raise missing("message in the inbox", inbox_id)
    return CaughtWhole.model_validate(found)


def _message(row: dict[str, Any]) -> Message:
    return Message.model_validate(row | {"profile_id": str(row["profile_id"])})
