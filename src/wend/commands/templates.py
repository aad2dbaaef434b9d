"""`wend template`: pushing and listing message templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import Several, UserError

if TYPE_CHECKING:
    from wend.content.store import Pushed
    from wend.store.postgres import Connection

app = typer.Typer(help="Message templates.", no_args_is_help=True)


@app.command()
def push(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES…", help="Template documents (YAML, several by ---).", show_default=False),
    ],
    data: Data = None,
) -> None:
    """Store new versions of templates. All files or none."""
    from wend.api.acts import templates as acts
    from wend.commands.output import warnings
    from wend.content.documents import DocumentError, load_all
    from wend.content.store import TemplateRefused

    documents: list[tuple[Path, Any]] = []
    for path in files:
        try:
            documents += [
                (path, one) for one in load_all(path.read_text(encoding="utf-8"), str(path)) if one is not None
            ]
        except DocumentError as error:
            where, _, what = str(error).partition(": ")
            raise UserError(where, what) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(str(path), getattr(error, "strerror", None) or "is not a text in UTF-8") from None

    async def work(conn: Connection) -> list[tuple[Path, Pushed]]:
        done: list[tuple[Path, Pushed]] = []
        lines: list[str] = []
        for path, document in documents:
            try:
                done.append((path, await acts.push(conn, document, str(path), who=WHO)))
            except TemplateRefused as refused:
                warnings(refused.problems)
                lines += [str(one) for one in refused.problems if one.level == "error"]
        if lines:
            raise Several(lines)  # leaves the transaction, so nothing of this call is stored
        return done

    for _, done in with_database(settings(data), work):
        warnings(done.problems)
        print(f"{done.id}: version {done.version}" + ("" if done.changed else " (unchanged)"))


@app.command("list")
def list_all(data: Data = None) -> None:
    """All templates in their latest version."""
    from wend.commands.output import table
    from wend.content.store import list_templates
    from wend.reports.sentences import clock

    found = with_database(settings(data), list_templates)
    rows = [(one.id, one.channel, one.version, clock(one.created_at)) for one in found]
    table(("Id", "Channel", "Version", "Changed"), rows, empty="There is no template yet.")
