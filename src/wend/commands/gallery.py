"""`wend gallery`: journeys ready to be taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.api.acts.gallery import Taken
    from wend.store.postgres import Connection

app = typer.Typer(help="Journeys that many need, with their messages and segments.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id in the gallery.", show_default=False)]


@app.command("list")
def list_all() -> None:
    """The whole gallery."""
    from wend.commands.output import table
    from wend.content.gallery import entries

    table(("Id", "What for"), [(one.id, one.description) for one in entries().values()], empty="The gallery is empty.")


@app.command()
def show(journey: Name) -> None:
    """A journey of the gallery, as YAML."""
    from wend.content.documents import dump
    from wend.content.gallery import entries

    _must_exist(journey)
    print(dump(entries()[journey].raw), end="")


@app.command()
def take(journey: Name, data: Data = None) -> None:
    """Copy it into the workspace: messages and segments where they are missing, the journey as a draft."""
    from wend.api.acts import gallery as acts

    _must_exist(journey)

    async def work(conn: Connection) -> Taken:
        try:
            return await acts.take(conn, journey, who=WHO)
        except acts.There as there:
            raise UserError(journey, str(there)) from None

    taken = with_database(settings(data), work)
    for kind, names in (("message", taken.templates), ("segment", taken.segments)):
        for name in names:
            print(f"{kind} {name}: added")
    print(f"journey {journey}: a draft")
    for one in taken.problems:
        print(f"{'before it can be published' if one.level == 'error' else 'warning'}: {one}")
    if not any(one.level == "error" for one in taken.problems):
        print(
            f"`wend journey show {journey} --document` to look at it, `wend gallery show {journey} > {journey}.yaml` to change it"
        )


def _must_exist(journey: str) -> None:
    from wend.content.gallery import entries

    if journey not in entries():
        raise UserError(journey, f"the gallery has no such journey{nearest(journey, entries())}", "`wend gallery list`")
