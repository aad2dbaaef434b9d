"""A workspace as a folder of files: `journeys/`, `segments/` and `templates/`, one YAML file each, named by its id.

Rules: what is compared is the documents, not their text: comments and layout of a file are its own. Drafts that were never
published are no part of it. Files that are not in the workspace, and the other way round, are told and left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from wend.commands.errors import Several, UserError
from wend.content.documents import DocumentError, dump, load_all

if TYPE_CHECKING:
    from wend.store.postgres import Connection

Kind = Literal["templates", "segments", "journeys"]
KINDS: tuple[Kind, ...] = ("templates", "segments", "journeys")
"""In the order in which they need each other."""

Documents = dict[tuple[Kind, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One document that is not the same on both sides; None: it is not there."""

    kind: Kind
    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def name(self) -> str:
        """Its file, seen from the folder."""
        return f"{self.kind}/{self.id}.yaml"

    def lines(self) -> Iterator[str]:
        """The difference as a patch of the YAML texts."""
        old, new = ("" if one is None else dump(one) for one in (self.before, self.after))
        yield from unified_diff(old.splitlines(), new.splitlines(), f"a/{self.name}", f"b/{self.name}", lineterm="")


async def of_workspace(conn: Connection) -> Documents:
    """What is published: latest templates, segments and lists, and journeys that are live, paused or in their sunset."""
    from wend.content.store import list_templates
    from wend.reports import journeys, segments

    found: Documents = {("templates", one.id): dict(one.document) for one in await list_templates(conn)}
    for one in await segments.every(conn):
        found["segments", one["id"]] = (await segments.one(conn, one["id"]) or one)["document"]
    for one in await journeys.every(conn):
        if one["status"] in ("live", "paused", "sunset"):
            published = await journeys.document(conn, one["id"], one["version"])
            if published is not None:
                found["journeys", one["id"]] = published
    return found


def of_folder(folder: Path) -> Documents:
    """What the files say. Raises Several with everything that cannot be read, or is not named by its id."""
    found: Documents = {}
    faults: list[str] = []
    if not folder.is_dir():
        raise UserError(str(folder), "is no folder", f"it holds {', '.join(f'{kind}/' for kind in KINDS)}")
    for kind in KINDS:
        for path in sorted((folder / kind).glob("*.y*ml")):
            try:
                documents = [one for one in load_all(path.read_text(encoding="utf-8"), str(path)) if one is not None]
            except (DocumentError, UnicodeDecodeError, OSError) as error:
                faults.append(str(error) if isinstance(error, DocumentError) else f"{path}: {error}")
                continue
            for document in documents:
                id = cast("dict[str, Any]", document).get("id") if isinstance(document, dict) else None
                if not isinstance(id, str) or (len(documents) == 1 and id != path.stem):
                    faults.append(f"{path}: its id is {id!r}; a file is named by the id of its document")
                elif (kind, id) in found:
                    faults.append(f"{path}: {kind[:-1]} '{id}' stands in another file already")
                else:
                    found[kind, id] = document
    if faults:
        raise Several(faults)
    return found


def differences(before: Documents, after: Documents) -> list[Difference]:
    """What would change on the way from `before` to `after`, in the order in which it has to."""
    names = sorted({*before, *after}, key=lambda name: (KINDS.index(name[0]), name[1]))
    return [
        Difference(kind, id, before.get((kind, id)), after.get((kind, id)))
        for kind, id in names
        if before.get((kind, id)) != after.get((kind, id))
    ]
