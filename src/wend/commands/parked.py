"""`wend parked`: inputs that could not be applied, and the people who stand still because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.commands.why import person

if TYPE_CHECKING:
    from wend.store.postgres import Connection

app = typer.Typer(help="Inputs that were set aside because they failed.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="PERSON", help="Profile id or any identifier.", show_default=False)]


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most inputs to show.")] = 100, data: Data = None
) -> None:
    """What is parked, by person and order."""
    from wend.commands.output import table
    from wend.reports import operations
    from wend.reports.sentences import clock

    async def work(conn: Connection) -> list[dict[str, Any]]:
        return await operations.parked(conn, limit=limit)

    rows = [
        (
            one["profile_id"],
            one["kind"],
            one["reason"],
            one["tries"],
            clock(one["at"]),
            (one["error"] or "").strip().splitlines()[-1] if one["error"] else "",
        )
        for one in with_database(settings(data), work)
    ]
    table(("Person", "Input", "Reason", "Tries", "When", "Error"), rows, empty="Nothing is parked.")


@app.command()
def retry(who: Who, data: Data = None) -> None:
    """Apply the person's parked inputs again, in order, now."""
    _deal(who, data, "retry")


@app.command()
def skip(who: Who, data: Data = None) -> None:
    """Give up the first of the person's parked inputs, which is kept among the dead letters, and apply the rest."""
    _deal(who, data, "skip")


def _deal(who: str, data: Any, how: str) -> None:
    from wend.api.acts import parked

    async def work(conn: Connection) -> int:
        profile_id = await person(conn, who)
        if not await parked.waiting(conn, profile_id):
            raise UserError(who, "nothing of theirs is parked after an error", "`wend parked list` shows what is")
        return await (parked.retry if how == "retry" else parked.skip)(conn, profile_id, who=WHO)

    left = with_database(settings(data), work)
    print(
        "Nothing is parked any more." if not left else f"{left} inputs are still parked; `wend parked list` shows why."
    )
    if left:
        raise typer.Exit(1)
