"""`/api/journeys/…`: publishing over people in flight, its impact, versions and their differences, rolling back, publishing at an instant.

What becomes of people inside is said by `policy` (keep · move · exit) and, for nodes that are gone, by `map=old=new`, any number of times.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel

from wend.api.acts import journeys as acts
from wend.api.acts import publishing
from wend.api.journeys import Id, fields_of, known_journey
from wend.api.problem import Fault, FieldProblem
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.core.plan import Policy
from wend.engine import scheduled
from wend.engine.publish import MoveRefused, PublishError
from wend.reports import journeys
from wend.store.postgres import Connection

router = APIRouter(prefix="/api/journeys", tags=["journeys"])

RawOrDraft = Annotated[dict[str, Any] | None, Body(description="A journey document; the draft when there is no body.")]
Wanted = Annotated[
    Policy, Query(description="What becomes of people inside: they stay on their version, move, or leave.")
]
Maps = Annotated[
    list[str] | None,
    Query(
        alias="map",
        description="`old=new`: people at node `old`, which is gone, go on at `new` (policy move).",
        max_length=300,
    ),
]
Number = Annotated[int, Path(ge=1, lt=1 << 31)]


class JourneyPublished(BaseModel):
    """What publishing did. `changed` false: this very document is live already."""

    id: str
    version: int
    changed: bool
    warnings: list[FieldProblem]


class Version(BaseModel):
    """One act of publishing or of the journey's life, at one instant for everybody."""

    number: int
    at: int
    kind: str
    version: int
    policy: str


class VersionList(BaseModel):
    """The latest first."""

    items: list[Version]


class ImpactAtNode(BaseModel):
    """The people at a node of an older version. `fate`: they stay on it, go to the `same` node, are `mapped` to `to`, leave, or their
    node is `removed` (publishing is refused), or their branch of a parallel `ends`. `at_once` null: who goes on at once depends on each person."""

    node: str
    version: int
    waiting: int
    fate: Literal["stays", "same", "mapped", "removed", "leaves", "ends"]
    to: str | None
    at_once: int | None


class ImpactShown(BaseModel):
    """What publishing would do. `ok`: it would not be refused. Counts of runs: inside now, going on at once (at least), leaving."""

    ok: bool
    inside: int
    at_once: int
    leaving: int
    nodes: list[ImpactAtNode]
    problems: list[FieldProblem]


class DifferenceShown(BaseModel):
    """One thing that differs: its path, what the documents say there (null: nothing), and a line of text."""

    where: str
    what: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None
    text: str


class DifferenceList(BaseModel):
    """All differences; empty: the documents say the same."""

    items: list[DifferenceShown]


class ScheduledShown(BaseModel):
    """A publication at an instant (ms UTC). `status`: waiting, published (as `version`), failed (`why`), cancelled."""

    id: int
    journey: str
    at: int
    policy: Policy
    mapping: dict[str, str] | None
    status: str
    why: str
    version: int
    who: str


class ScheduledList(BaseModel):
    """The latest first."""

    items: list[ScheduledShown]


class Cancelled(BaseModel):
    """A scheduled publication that will not happen."""

    id: int
    status: str


@router.post("/{journey}/publish", operation_id="publish_journey")
async def publish(
    request: Request,
    key: Writer,
    journey: Id,
    raw: RawOrDraft = None,
    policy: Wanted = "keep",
    maps: Maps = None,
) -> JourneyPublished:
    """Publish the document in the body, or the draft when there is no body. Refused with all its errors (422)."""
    async with surface_of(request).pool.connection() as conn:
        document = await _document(conn, journey, raw)
        with _told():
            done = await acts.publish(conn, document, who=f"key {key.id}", policy=policy, mapping=_mapping(maps))
    return _published(done)


@router.post("/{journey}/impact", operation_id="journey_impact")
async def impact(
    request: Request, key: Reader, journey: Id, raw: RawOrDraft = None, policy: Wanted = "keep", maps: Maps = None
) -> ImpactShown:
    """What publishing would do to the people inside: at each node how many, and where they would go. Nothing is published."""
    async with surface_of(request).pool.connection() as conn:
        document = await _document(conn, journey, raw)
        with _told():
            found = await publishing.impact_of(conn, document, policy, _mapping(maps))
    return ImpactShown(
        ok=not any(one.level == "error" for one in found.problems),
        inside=found.inside,
        at_once=found.at_once,
        leaving=found.leaving,
        nodes=[ImpactAtNode.model_validate(asdict(one)) for one in found.nodes],
        problems=fields_of(found.problems),
    )


@router.get("/{journey}/versions", operation_id="list_journey_versions")
async def versions(request: Request, key: Reader, journey: Id) -> VersionList:
    """Everything that was published, paused, resumed …, the latest first."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        found = await journeys.history(conn, journey)
    return VersionList(items=[Version.model_validate(one) for one in found])


@router.get("/{journey}/versions/{version}", operation_id="get_journey_version")
async def version(request: Request, key: Reader, journey: Id, version: Number) -> dict[str, Any]:
    """The document of a published version."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        with _told():
            return await publishing.document_of(conn, journey, version)


@router.get("/{journey}/versions/{version}/diff", operation_id="diff_journey_versions")
async def diff(
    request: Request,
    key: Reader,
    journey: Id,
    version: Number,
    to: Annotated[int | None, Query(ge=1, lt=1 << 31, description="The newer version.")] = None,
) -> DifferenceList:
    """What differs from a version to another: `to`, else the draft, else the latest."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        with _told():
            found = await publishing.differences(conn, journey, version, to)
    return DifferenceList(items=[DifferenceShown.model_validate(asdict(one) | {"text": str(one)}) for one in found])


@router.post("/{journey}/versions/{version}/rollback", operation_id="roll_back_journey")
async def roll_back(
    request: Request, key: Writer, journey: Id, version: Number, policy: Wanted = "keep", maps: Maps = None
) -> JourneyPublished:
    """Publish the document of an old version again, as the next version."""
    async with surface_of(request).pool.connection() as conn:
        await known_journey(conn, journey)
        with _told():
            done = await publishing.roll_back(
                conn, journey, version, who=f"key {key.id}", policy=policy, mapping=_mapping(maps)
            )
    return _published(done)


@router.post("/{journey}/schedule", operation_id="schedule_journey", status_code=202)
async def schedule(
    request: Request,
    key: Writer,
    journey: Id,
    at: Annotated[int, Query(description="Instant of the publication, ms UTC.")],
    raw: RawOrDraft = None,
    policy: Wanted = "keep",
    maps: Maps = None,
) -> ScheduledShown:
    """Publish at an instant. The document is checked now and again then; what cannot be published then is shown as failed."""
    mapping = _mapping(maps)
    async with surface_of(request).pool.connection() as conn:
        document = await _document(conn, journey, raw)
        who = f"key {key.id}"
        with _told():
            id, _ = await publishing.schedule(conn, document, at, who=who, policy=policy, mapping=mapping)
    return ScheduledShown(
        id=id, journey=journey, at=at, policy=policy, mapping=mapping, status="waiting", why="", version=0, who=who
    )


@router.get("/{journey}/schedule", operation_id="list_scheduled_publications")
async def scheduled_list(request: Request, key: Reader, journey: Id) -> ScheduledList:
    """Publications of this journey at an instant: those that wait, and what became of the others."""
    async with surface_of(request).pool.connection() as conn:
        found = await scheduled.listed(conn, journey)
    return ScheduledList(items=[ScheduledShown.model_validate(asdict(one)) for one in found])


@router.delete("/{journey}/schedule/{id}", operation_id="cancel_scheduled_publication")
async def cancel(request: Request, key: Writer, journey: Id, id: Annotated[int, Path(ge=1, lt=1 << 63)]) -> Cancelled:
    """Let a publication not happen."""
    async with surface_of(request).pool.connection() as conn:
        if not await publishing.cancel(conn, id, who=f"key {key.id}"):
            raise Fault(409, "not-waiting", f"Publication {id} does not wait: it happened, failed, or was cancelled.")
    return Cancelled(id=id, status="cancelled")


def _published(done: acts.Published) -> JourneyPublished:
    return JourneyPublished(id=done.id, version=done.version, changed=done.changed, warnings=fields_of(done.warnings))


async def _document(conn: Connection, journey: str, raw: dict[str, Any] | None) -> dict[str, Any]:
    """The document in the body, or the draft."""
    if raw is None:
        raw = (await known_journey(conn, journey))["draft"]
        if raw is None:
            raise Fault(409, "no-draft", f"Journey {journey!r} has no draft; send the document in the body.")
    document = {"id": journey} | raw
    if document["id"] != journey:
        raise Fault(422, "invalid", f"The document's id is {document['id']!r}, the address names {journey!r}.")
    return document


def _mapping(maps: list[str] | None) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for one in maps or ():
        old, equals, new = one.partition("=")
        if not (old and equals and new):
            raise Fault(
                422,
                "invalid",
                f"{one!r} does not have the form old=new.",
                [FieldProblem(field="query.map", message=one)],
            )
        found[old] = new
    return found or None


@contextmanager
def _told() -> Generator[None]:
    """What publishing refuses, as the API tells it."""
    try:
        yield
    except acts.Refused as refused:
        raise Fault(422, "journey", "The journey has errors.", fields_of(refused.problems)) from None
    except MoveRefused as refused:
        raise Fault(409, "people-inside", str(refused), fields_of(refused.problems)) from None
    except PublishError as error:
        raise Fault(409, "not-now", str(error)) from None
    except publishing.NoVersion as error:
        raise Fault(404, "not-found", str(error)) from None
    except publishing.BadInstant as error:
        raise Fault(422, "invalid", str(error), [FieldProblem(field="query.at", message=str(error))]) from None
