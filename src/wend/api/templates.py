"""`/api/templates`: message templates, every version of which is kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel

from wend.api.acts import templates as acts
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.resolve import person_of
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.content.store import TemplateRefused, get_template, list_templates
from wend.core.problems import nearest
from wend.core.profile import Profile
from wend.reports import people

router = APIRouter(prefix="/api/templates", tags=["templates"])


class TemplateShown(BaseModel):
    """The latest version of a template."""

    id: str
    version: int
    channel: str
    created_at: int


class TemplateList(BaseModel):
    """All templates by id."""

    items: list[TemplateShown]


class TemplateWhole(TemplateShown):
    """A version of a template with its document."""

    document: dict[str, Any]


class TemplatePushed(BaseModel):
    """What became of a pushed document. `changed` false: it equals the latest version, nothing was stored."""

    id: str
    version: int
    changed: bool
    warnings: list[FieldProblem]


class PreviewWanted(BaseModel):
    """Whom to show it for. `profile`: id or identifier; none: somebody with `attributes`. `entry`: properties of the trigger."""

    profile: str | None = None
    attributes: dict[str, Any] = {}
    entry: dict[str, Any] = {}
    locale: str | None = None
    version: int | None = None


class Preview(BaseModel):
    """What would be sent."""

    channel: str
    to: str
    sender: str
    subject: str
    text: str
    html: str
    content: dict[str, Any]


@router.get("", operation_id="list_templates")
async def list_all(request: Request, key: Reader) -> TemplateList:
    """All templates, in their latest version."""
    async with surface_of(request).pool.connection() as conn:
        found = await list_templates(conn)
    return TemplateList(
        items=[
            TemplateShown(id=one.id, version=one.version, channel=one.channel, created_at=one.created_at)
            for one in found
        ]
    )


@router.get("/{template}", operation_id="get_template")
async def get(
    request: Request, key: Reader, template: str, version: Annotated[int | None, Query(ge=1, lt=1 << 31)] = None
) -> TemplateWhole:
    """A template: its latest version, or the one asked for."""
    async with surface_of(request).pool.connection() as conn:
        found = await get_template(conn, template, version)
        known = [one.id for one in await list_templates(conn)] if found is None else []
    if found is None:
        raise missing("template", template, nearest(template, known))
    return TemplateWhole(
        id=found.id, version=found.version, channel=found.channel, created_at=found.created_at, document=found.document
    )


@router.put("/{template}", operation_id="put_template")
async def put(
    request: Request, key: Writer, template: str, document: Annotated[dict[str, Any], Body()]
) -> TemplatePushed:
    """Store a template's document as its next version. Refused with every fault at once (422)."""
    if document.get("id", template) != template:
        detail = f"The document's id is {document.get('id')!r}, the address names {template!r}."
        raise Fault(422, "invalid", detail, [FieldProblem(field="id", message=detail)])
    async with surface_of(request).pool.connection() as conn:
        try:
            pushed = await acts.push(conn, {"id": template} | document, "", who=f"key {key.id}")
        except TemplateRefused as refused:
            errors = [FieldProblem(field=one.where, message=one.message, level=one.level) for one in refused.problems]
            raise Fault(422, "template", "The template has errors.", errors) from None
    warnings = [FieldProblem(field=one.where, message=one.message, level=one.level) for one in pushed.problems]
    return TemplatePushed(id=pushed.id, version=pushed.version, changed=pushed.changed, warnings=warnings)


@router.post("/{template}/preview", operation_id="preview_template")
async def preview(request: Request, key: Reader, template: str, wanted: PreviewWanted) -> Preview:
    """What a person would get. Nothing is sent."""
    surface = surface_of(request)
    async with surface.pool.connection() as conn:
        if wanted.profile is None:
            profile = Profile(1)
        else:
            person = await people.load(conn, await person_of(conn, wanted.profile))
            profile = person.profile or Profile(person.id)
        profile.attributes = {**profile.attributes, **wanted.attributes}
        try:
            message = await acts.preview(
                conn,
                template,
                profile,
                settings=surface.sender,
                base=surface.public_url,
                now=surface.clock.now_ms(),
                version=wanted.version,
                entry=wanted.entry,
                locale=wanted.locale,
            )
        except acts.CannotPreview as error:
            raise Fault(422, "template", str(error)) from None
    if message is None:
        raise missing("template", template)
    return Preview(
        channel=message.channel,
        to=message.to,
        sender=message.sender,
        subject=message.subject,
        text=message.text,
        html=message.html,
        content=dict(message.content),
    )
