"""Templates: pushing a document, and showing what a person would get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wend.api.acts.audit import audit
from wend.channels.contract import Message
from wend.content.catalogue.filters import READS
from wend.content.catalogue.shelf import ROUNDS, Shelf
from wend.content.links import Links
from wend.content.liquid import LiquidProblem
from wend.content.store import Pushed, get_template, push_template
from wend.content.templates import Template, parse_template
from wend.content.variables import check_variables, filters, variables
from wend.core.consent import address_of
from wend.core.problems import Problem
from wend.core.profile import Profile
from wend.delivery.outbox import Row
from wend.delivery.render import SenderSettings, render
from wend.engine.plans import load_plan
from wend.reports.rows import rows
from wend.store.postgres import Connection

FACTS = frozenset({"cart", "orders", "revenue", "last_order_at", "currency", "first_seen", "last_seen", "sessions"})
_PREVIEW = b"a preview's links lead nowhere  "


class CannotPreview(ValueError):
    """The template cannot be filled in for this person; the message says which field and why."""


async def push(conn: Connection, document: Any, where: str, *, who: str) -> Pushed:
    """Store a new version of a template unless nothing changed. Raises content.store.TemplateRefused with all problems.

    Warnings also tell of live journeys that were published before the template read what it reads now: they keep only what
    was read then, so they must be published again.
    """
    pushed = await push_template(conn, document, where)
    template, _ = parse_template(document, where)
    assert template is not None
    warnings = [*pushed.problems, *check_variables(template, where=where)]
    if pushed.changed:
        warnings += await _outdated(conn, template, where)
        await audit(conn, who, f"template {pushed.id} version {pushed.version} pushed")
    return Pushed(pushed.id, pushed.version, pushed.changed, warnings)


async def _outdated(conn: Connection, template: Template, where: str) -> list[Problem]:
    """Live journeys that use the template and do not keep what it reads."""
    wanted = reads_of([template])
    found: list[Problem] = []
    for row in await rows(
        conn,
        "select j.id, c.reads, c.document from journey j join plan_change c on c.journey = j.id and c.version = j.version"
        " and c.kind = 'publish' where j.status in ('live', 'paused', 'sunset') and c.reads is not null",
    ):
        used = f'"{template.id}"' in str(row["document"]).replace("'", '"')
        lacking = sorted(
            {name for names in wanted.values() for name in names}
            - {name for names in row["reads"].values() for name in names}
        )
        if used and lacking:
            message = f"journey '{row['id']}' does not keep {', '.join(lacking)} yet; publish it again"
            found.append(Problem(where, message, "warning"))
    return found


def reads_of(templates: list[Template]) -> dict[str, list[str]]:
    """What templates read, for publishing: names of entry and event properties, and of built-in facts."""
    paths = {path for template in templates for path in variables(template)}
    return read_by(paths, {name for template in templates for name in filters(template)})


def read_by(paths: Iterable[str], names_of_filters: Iterable[str]) -> dict[str, list[str]]:
    """The same of variables (dotted paths) and filters."""
    reads: dict[str, set[str]] = {"entry": set(), "event": set(), "facts": set()}
    for path in paths:
        root, _, rest = path.partition(".")
        if root in ("entry", "event") and rest:
            reads[root].add(rest.partition(".")[0])
        elif root == "recent":
            names = [rest.partition(".")[0]] if rest else ["viewed", "searched", "bought"]
            reads["facts"] |= {f"recent.{name}" for name in names}
        elif root in FACTS:
            reads["facts"].add(root)
    for name in names_of_filters:
        reads["facts"].update(READS.get(name, ()))
    return {kind: sorted(names) for kind, names in reads.items()}


async def preview(
    conn: Connection,
    template_id: str,
    profile: Profile,
    *,
    settings: SenderSettings,
    base: str,
    now: int,
    version: int | None = None,
    entry: dict[str, Any] | None = None,
    locale: str | None = None,
) -> Message | None:
    """The message that `profile` would get, with links that lead nowhere; None when there is no such template.

    `entry`: properties of the event that would have started the journey. Raises CannotPreview.
    """
    stored = await get_template(conn, template_id, version)
    if stored is None:
        return None
    template, problems = parse_template(stored.document)
    if template is None:
        raise CannotPreview("; ".join(map(str, problems)))
    if locale:
        profile.attributes = {**profile.attributes, "locale": locale}
    properties = entry or {}
    row = Row(
        partition=0, effect_id="preview", profile_id=profile.id, channel=template.channel, journey="", version=0, node="",
        run="", move=0, template=template.id, topic=template.topic, transactional=False, address="", status="queued", at=now,
        expires_at=now, tries=0, why=None, data={"entry": properties, "event": properties, "saved": {}},
    )  # fmt: skip
    to = address_of(profile, template.channel) or "nobody@example.com"
    law, shelf, links = (await load_plan(conn)).settings, Shelf(), Links(_PREVIEW, base)
    message: Message | None = None
    problem: LiquidProblem | None = None
    for _ in range(ROUNDS):
        misses = shelf.misses
        try:
            message = render(row, to, template, profile, links, settings, now, law, shelf)
            problem = None
        except LiquidProblem as found:
            message, problem = None, found
        if shelf.misses == misses:
            break
        await shelf.fill(conn)
    if problem is not None:
        raise CannotPreview(str(problem))
    return message
