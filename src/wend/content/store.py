"""Templates as they are kept: every version stays, a new one is made only when something changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from wend.content.templates import Template, parse_template
from wend.core.problems import Problem
from wend.store.clock import now_ms
from wend.store.codec import decode_json, encode_json
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

_KEPT = 500


class TemplateRefused(ValueError):
    """The document has errors: `problems` (warnings included)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One version of a template. `created_at` in ms UTC."""

    id: str
    version: int
    channel: str
    document: dict[str, Any]
    created_at: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What `push_template` did: the version that now stands, and whether it is a new one."""

    id: str
    version: int
    changed: bool
    problems: list[Problem]


async def push_template(conn: Connection, document: Any, where: str = "") -> Pushed:
    """Check the document and store it as the next version, unless it equals the latest. Inside the caller's transaction.

    Raises TemplateRefused; then nothing was written.
    """
    template, problems = parse_template(document, where)
    if template is None:
        raise TemplateRefused(problems)
    text = encode_json(document).decode()
    while True:
        latest = await get_template(conn, template.id)
        if latest is not None and latest.document == document:
            return Pushed(template.id, latest.version, False, problems)
        version = 1 if latest is None else latest.version + 1
        values = (template.id, version, template.channel, text, await now_ms(conn))
        if (await conn.execute(sql("template_add"), values)).rowcount == 1:
            return Pushed(template.id, version, True, problems)


async def get_template(conn: Connection, id: str, version: int | None = None) -> StoredTemplate | None:
    """A version of the template (None: the latest), or None when there is none."""
    row = await fetch_one(conn, sql("template_get"), {"id": id, "version": version})
    return None if row is None else StoredTemplate(row[0], row[1], row[2], decode_json(row[3]), row[4])


async def list_templates(conn: Connection) -> list[StoredTemplate]:
    """The latest version of every template, by id."""
    rows = await fetch_all(conn, sql("template_list"))
    return [StoredTemplate(row[0], row[1], row[2], decode_json(row[3]), row[4]) for row in rows]


class Templates:
    """Compiled templates of one process. A version is compiled once; that a newer one exists is seen at once."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, int], Template] = {}

    async def load(self, conn: Connection, ids: Collection[str]) -> dict[str, Template]:
        """The latest version of each template that exists."""
        found: dict[str, Template] = {}
        latest = await fetch_all(conn, sql("template_versions"), (sorted(set(ids)),))
        missing: list[str] = []
        for id, version in latest:
            template = self._compiled.get((id, version))
            if template is None:
                missing.append(id)
            else:
                found[id] = template
        for id in missing:
            stored = await get_template(conn, id)
            template = None if stored is None else parse_template(stored.document)[0]
            if stored is None or template is None:
                continue  # it was stored when it was valid; a release that refuses it now refuses the message
            if len(self._compiled) >= _KEPT:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[id, stored.version] = template
            found[id] = template
        return found
