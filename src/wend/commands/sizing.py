"""`wend segment size`: how many people a condition means today, without publishing anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import with_database
from wend.commands.errors import UserError
from wend.commands.reading import read_document

if TYPE_CHECKING:
    from wend.history.size import Size
    from wend.store.postgres import Connection


def size(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|JSON",
            help="A condition, segment or journey: a YAML or JSON file, or JSON itself.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The numbers, as JSON.")] = False,
    data: Data = None,
) -> None:
    """How many people a condition means today (of a journey: its entry.where)."""
    from dataclasses import asdict

    from wend.api.acts import preview
    from wend.api.acts.journeys import Refused
    from wend.commands.output import refuse

    name, raw = _read(what)

    async def work(conn: Connection) -> Size:
        try:
            return await preview.preview(conn, raw)
        except Refused as refused:
            raise refuse(refused.problems, name) from None
        except preview.TooSlow as slow:
            raise UserError(name, str(slow)) from None

    found = with_database(settings(data), work)
    print(json.dumps(asdict(found)) if as_json else preview.sentence(found))


def _read(what: str) -> tuple[str, Any]:
    """(what it is called, the document)."""
    if not what.lstrip().startswith("{"):
        return what, read_document(Path(what))
    try:
        return "condition", json.loads(what)
    except ValueError as error:
        raise UserError("condition", f"this is no JSON: {error}", "quote it for your shell, or give a file") from None
