"""`/api/profiles`: finding people by any identifier, all that is known about one, and what may be asked for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from wend.api import paging
from wend.api.acts import people as acts
from wend.api.problem import Fault, missing
from wend.api.resolve import person_of
from wend.api.security import Admin, Reader, Writer
from wend.api.surface import surface_of
from wend.core.condition.stage import stage_of
from wend.core.consent import CHANNELS, reachable
from wend.core.problems import nearest
from wend.core.profile import Profile
from wend.core.rfm import thresholds
from wend.engine.plans import PlanBook, load_plan
from wend.reports import people
from wend.reports.sentences import message_sentence, sentences, step_sentence
from wend.reports.timeline import START, Entry, timeline
from wend.reports.why import why

router = APIRouter(prefix="/api/profiles", tags=["profiles"])

Who = Annotated[str, Path(description="Profile id or any identifier (user id, anonymous id, e-mail).", max_length=400)]


class Identifier(BaseModel):
    """One way to name a person."""

    namespace: str
    value: str
    at: int


class Found(BaseModel):
    """A person in a list. Ids are texts: they do not fit into a browser's numbers."""

    id: str
    name: str
    identifiers: list[Identifier]


class FoundList(BaseModel):
    """People whom an identifier may mean."""

    items: list[Found]


class Reach(BaseModel):
    """Whether a channel reaches the person, for marketing and for transactional messages, and why not."""

    marketing: bool
    transactional: bool
    why_not: str = ""


class Whole(BaseModel):
    """All that is known about a person now. Times in ms UTC."""

    id: str
    name: str
    erased: bool
    known: bool
    attributes: dict[str, Any]
    tags: list[str]
    score: float
    stage: str
    rfm: str
    abc: str
    identifiers: list[Identifier]
    merged: list[str]
    consent: dict[str, Any]
    reachability: dict[str, Reach]
    runs: list[dict[str, Any]]
    facts: dict[str, Any]
    wakes_at: int | None = None


class TimelineEntry(BaseModel):
    """One thing that happened: an input, a decision (step) or a message. `text` says it in words where there are any."""

    at: int
    source: Literal["input", "step", "message"]
    kind: str
    text: str
    detail: dict[str, Any]


class Timeline(BaseModel):
    """A page of a timeline, the latest first."""

    items: list[TimelineEntry]
    next: str | None = None


class WhyAnswer(BaseModel):
    """Why they did, or did not, get it: in sentences, and as data."""

    status: str
    sentences: list[str]
    detail: dict[str, Any]


class ConsentWanted(BaseModel):
    """A yes or no to a channel or topic, to be recorded with its proof."""

    state: Literal["opted_in", "subscribed", "unsubscribed"]
    channel: Annotated[str, Field(max_length=100)] = ""
    topic: Annotated[str, Field(max_length=100)] = ""
    source: Annotated[str, Field(max_length=200)] = "api"
    text: Annotated[str, Field(max_length=2000)] = ""
    ip: Annotated[str, Field(max_length=64)] = ""


class Taken(BaseModel):
    """Taken into the log at `at` (ms UTC); applied in a moment, in its order."""

    profile_id: str
    at: int


@router.get("", operation_id="find_profiles")
async def find(request: Request, key: Reader, q: Annotated[str, Query(min_length=1, max_length=400)]) -> FoundList:
    """People whom `q`, a profile id or any identifier, may mean."""
    async with surface_of(request).pool.connection() as conn:
        persons = [await people.load(conn, one) for one in await people.find(conn, q)]
    return FoundList(items=[_found(one) for one in persons])


@router.get("/{who}", operation_id="get_profile")
async def get(request: Request, key: Reader, who: Who) -> Whole:
    """Everything that is known about a person now."""
    surface = surface_of(request)
    async with surface.pool.connection() as conn:
        person = await people.load(conn, await person_of(conn, who))
        law = (await load_plan(conn)).settings
    profile = person.profile or Profile(person.id)
    limits = thresholds(law)
    points = limits.points(profile.facts, surface.clock.now_ms())
    return Whole(
        id=str(person.id),
        name=people.title(person),
        erased=profile.erased,
        known=profile.known,
        attributes=profile.attributes,
        tags=profile.tags,
        score=profile.score,
        stage=stage_of(profile, law),
        rfm=points.name if points is not None else "",
        abc=limits.share(profile.facts),
        identifiers=[Identifier.model_validate(one) for one in person.identifiers],
        merged=[str(one) for one in person.absorbed],
        consent=people.consents(profile),
        reachability={channel: _reach(profile, channel) for channel in CHANNELS},
        runs=[asdict(run) for run in profile.runs],
        facts=asdict(profile.facts),
        wakes_at=person.wakes_at,
    )


@router.get("/{who}/timeline", operation_id="get_profile_timeline")
async def get_timeline(
    request: Request, key: Reader, who: Who, cursor: paging.Cursor = None, limit: paging.Limit = 50
) -> Timeline:
    """What happened to them, the latest first: what they did, what was decided, what was sent."""
    before = paging.decode(cursor, int, int, int) or START
    async with surface_of(request).pool.connection() as conn:
        person = await person_of(conn, who)
        entries = await timeline(conn, person, before=(before[0], before[1], before[2]), limit=limit + 1)
    shown, further = paging.cut(entries, limit)
    return Timeline(
        items=[
            TimelineEntry(at=one.at, source=one.source, kind=one.kind, text=_text(one), detail=one.detail)
            for one in shown
        ],
        next=paging.encode(*shown[-1].position) if further else None,
    )


@router.get("/{who}/why/{journey}", operation_id="why")
async def get_why(request: Request, key: Reader, who: Who, journey: str) -> WhyAnswer:
    """Why did, or didn't, they get what this journey sends?"""
    async with surface_of(request).pool.connection() as conn:
        answer = await why(conn, await person_of(conn, who), journey, PlanBook())
    if answer.status == "unknown_journey":
        raise missing("journey", journey)
    return WhyAnswer(
        status=answer.status,
        sentences=sentences(answer),
        detail=asdict(answer) | {"profile_id": str(answer.profile_id)},
    )


@router.get("/{who}/export", operation_id="export_profile")
async def export(request: Request, key: Admin, who: Who) -> dict[str, Any]:
    """Everything stored about a person, for the person (right of access). Written to the audit log."""
    async with surface_of(request).pool.connection() as conn:
        return await acts.export(conn, await person_of(conn, who), who=f"key {key.id}")


@router.delete("/{who}", operation_id="erase_profile", status_code=202)
async def erase(request: Request, key: Admin, who: Who) -> Taken:
    """Forget a person everywhere. Taken now; the tables are cleaned when it is applied, within moments."""
    async with surface_of(request).pool.connection() as conn:
        person = await person_of(conn, who)
        return Taken(profile_id=str(person), at=await acts.erase(conn, person, who=f"key {key.id}"))


@router.post("/{who}/consent", operation_id="set_consent", status_code=202)
async def set_consent(request: Request, key: Writer, who: Who, wanted: ConsentWanted) -> Taken:
    """Record a yes or no, with where it came from."""
    if not wanted.channel and not wanted.topic:
        raise Fault(422, "invalid", "A channel or a topic is needed.")
    base = wanted.channel.partition(":")[0]
    if wanted.channel and base not in CHANNELS and base != "tracking":
        raise Fault(422, "invalid", f"{wanted.channel!r} is not a channel{nearest(base, CHANNELS)}.")
    async with surface_of(request).pool.connection() as conn:
        person = await person_of(conn, who)
        at = await acts.consent(conn, person, wanted.model_dump(), who=f"key {key.id}")
    return Taken(profile_id=str(person), at=at)


def _found(person: people.Person) -> Found:
    return Found(
        id=str(person.id),
        name=people.title(person),
        identifiers=[Identifier.model_validate(one) for one in person.identifiers],
    )


def _reach(profile: Profile, channel: str) -> Reach:
    marketing, why_not = reachable(profile, channel, "marketing")
    transactional, never = reachable(profile, channel, "transactional")
    return Reach(
        marketing=marketing,
        transactional=transactional,
        why_not=never if not transactional else "" if marketing else why_not,
    )


def _text(entry: Entry) -> str:
    if entry.source == "step":
        return step_sentence(entry.detail)
    if entry.source == "message":
        return message_sentence(entry.detail)
    return str(entry.detail.get("name") or entry.kind)
