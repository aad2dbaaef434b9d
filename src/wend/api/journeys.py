"""`/api/journeys`: documents, drafts, life, counts, the people at a node, and starting a person by call (publishing: publishing.py)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel

from wend.api import paging
from wend.api.acts import journeys as acts
from wend.api.acts import people as people_acts
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.resolve import person_of
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.core.journey.document import parse
from wend.core.journey.triggers import OnStart
from wend.core.problems import Problem, nearest
from wend.engine.publish import PublishError
from wend.reports import journeys
from wend.reports.sentences import step_sentence
from wend.store.postgres import Connection

router = APIRouter(prefix="/api/journeys", tags=["journeys"])

Id = Annotated[str, Path(max_length=100, description="The journey's id.")]
Raw = Annotated[dict[str, Any], Body(description="A journey document.")]


class JourneyShown(BaseModel):
    """A journey in a list. `version` 0: never published. Times in ms UTC."""

    id: str
    name: str
    status: str
    version: int
    has_draft: bool
    inside: int
    created_at: int
    updated_at: int


class JourneyList(BaseModel):
    """All journeys, live ones first."""

    items: list[JourneyShown]


class JourneyWhole(BaseModel):
    """A journey with its published document and its draft."""

    id: str
    name: str
    status: str
    version: int
    document: dict[str, Any] | None
    draft: dict[str, Any] | None
    created_at: int
    updated_at: int


class Checked(BaseModel):
    """All that is wrong with a document. `ok`: it could be published."""

    ok: bool
    problems: list[FieldProblem]


class Status(BaseModel):
    """A journey's status after it changed."""

    id: str
    status: str


class NodeCounts(BaseModel):
    """At a node: runs that rest there now, went on, ended there, failed; and everything else that is counted."""

    waiting: int
    passed: int
    ended: int
    failed: int
    other: dict[str, int]


class Counts(BaseModel):
    """Counts of the whole journey over all its versions, and of each node."""

    started: int
    inside: int
    ended: int
    refused: int
    goals: int
    nodes: dict[str, NodeCounts]


class PersonThere(BaseModel):
    """Somebody who rests at a node: since when, until when (null: until something happens), and why."""

    profile_id: str
    known_as: str
    run: str
    version: int
    started: int
    entered: int
    until: int | None = None
    why: str


class PeopleThere(BaseModel):
    """A page of the people at a node."""

    items: list[PersonThere]
    next: str | None = None


class StartWanted(BaseModel):
    """Whom to start: a profile id or any identifier. `data` is what the journey reads as `{entry: …}`."""

    profile: str
    data: dict[str, Any] = {}


class Started(BaseModel):
    """Taken into the log at `at`; whether a run began, `why` tells."""

    profile_id: str
    at: int


@router.get("", operation_id="list_journeys")
async def list_all(request: Request, key: Reader) -> JourneyList:
    """All journeys."""
    async with surface_of(request).pool.connection() as conn:
        found = await journeys.every(conn)
        inside = await journeys.inside(conn)
    return JourneyList(items=[JourneyShown.model_validate(one | {"inside": inside.get(one["id"], 0)}) for one in found])


@router.post("/check", operation_id="check_journey")
async def check(request: Request, key: Reader, raw: Raw) -> Checked:
    """Everything that is wrong with a document, without keeping it."""
    async with surface_of(request).pool.connection() as conn:
        document, problems = await acts.checked(conn, raw)
    return Checked(ok=document is not None, problems=fields_of(problems))


@router.get("/{journey}", operation_id="get_journey")
async def get(request: Request, key: Reader, journey: Id) -> JourneyWhole:
    """A journey."""
    async with surface_of(request).pool.connection() as conn:
        return JourneyWhole.model_validate(await known_journey(conn, journey))


@router.put("/{journey}/draft", operation_id="put_journey_draft")
async def put_draft(request: Request, key: Writer, journey: Id, raw: Raw) -> Checked:
    """Keep a draft, complete or not; the answer says what is still wrong with it."""
    document = {"id": journey} | raw
    if document["id"] != journey:
        detail = f"The document's id is {document['id']!r}, the address names {journey!r}."
        raise Fault(422, "invalid", detail, [FieldProblem(field="id", message=detail)])
    async with surface_of(request).pool.connection() as conn:
        try:
            problems = await acts.put_draft(conn, document, who=f"key {key.id}")
        except acts.Refused as refused:
            raise Fault(422, "journey", "The document has no usable id.", fields_of(refused.problems)) from None
    return Checked(ok=not any(one.level == "error" for one in problems), problems=fields_of(problems))


@router.post("/{journey}/starts", operation_id="start_journey", status_code=202)
async def start(request: Request, key: Writer, journey: Id, wanted: StartWanted) -> Started:
    """Start a person by call. The journey must have the trigger `api`."""
    async with surface_of(request).pool.connection() as conn:
        known = await known_journey(conn, journey)
        document = parse(known["document"] or {}, [])
        if document is None or not any(isinstance(one, OnStart) and one.trigger == "api" for one in document.triggers):
            raise Fault(409, "not-by-call", f"Journey {journey!r} is not started by call: it has no trigger 'api'.")
        person = await person_of(conn, wanted.profile)
        at = await people_acts.start(conn, person, journey, wanted.data, who=f"key {key.id}")
    return Started(profile_id=str(person), at=at)


@router.post("/{journey}/{act}", operation_id="change_journey")
async def change(request: Request, key: Writer, journey: Id, act: acts.Act) -> Status:
    """Pause, resume, sunset (nobody enters, people inside finish) or stop (everybody leaves)."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        try:
            status = await acts.live(conn, act, journey, who=f"key {key.id}")
        except PublishError as error:
            raise Fault(409, "not-now", str(error)) from None
    return Status(id=journey, status=status)


@router.get("/{journey}/counts", operation_id="count_journey")
async def counts(request: Request, key: Reader, journey: Id) -> Counts:
    """How many are where, and how many passed."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        return Counts.model_validate(asdict(await journeys.counts(conn, journey)))


@router.get("/{journey}/people", operation_id="list_people_at_node")
async def people_at(
    request: Request,
    key: Reader,
    journey: Id,
    node: Annotated[str, Query(max_length=100)],
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> PeopleThere:
    """The people who rest at a node, each with why."""
    after = paging.decode(cursor, int, str)
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        found = await journeys.people_at(
            conn, journey, node, after=(after[0], after[1]) if after else (0, ""), limit=limit + 1
        )
    shown, further = paging.cut(found, limit)
    last = shown[-1] if further else None
    return PeopleThere(
        items=[_there(one) for one in shown],
        next=paging.encode(last["profile_id"], last["run"]) if last else None,
    )


async def known_journey(conn: Connection, journey: str) -> dict[str, Any]:
    """The journey as `reports.journeys.one` gives it. 404 with the nearest name when there is none."""
    found = await journeys.one(conn, journey)
    if found is None:
        raise missing("journey", journey, nearest(journey, [one["id"] for one in await journeys.every(conn)]))
    return found


def fields_of(problems: list[Problem]) -> list[FieldProblem]:
    """Problems of a document as the API tells them."""
    return [FieldProblem(field=one.where, message=one.message, level=one.level) for one in problems]


def _there(one: dict[str, Any]) -> PersonThere:
    step = {"kind": one["step"], "why": one["why"], "branch": one["branch"], "node": one["step_node"]}
    return PersonThere(
        profile_id=str(one["profile_id"]),
        known_as=one["known_as"],
        run=one["run"],
        version=one["version"],
        started=one["started"],
        entered=one["entered"],
        until=one["until"],
        why=step_sentence(step) if one["step"] else "",
    )
