"""`wend identity`: identifiers that two different users sent, and resolving each case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.commands.why import person

if TYPE_CHECKING:
    from wend.store.postgres import Connection

app = typer.Typer(help="Identifiers that were refused because two users would have become one.", no_args_is_help=True)


@app.command()
def conflicts(
    status: Annotated[str, typer.Option(help="open, kept_apart, merged or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most cases to show.")] = 100,
    data: Data = None,
) -> None:
    """The cases, the latest first."""
    from wend.commands.output import table
    from wend.core.problems import nearest
    from wend.reports import identity
    from wend.reports.sentences import clock

    known = (*identity.STATUSES, "all")
    if status not in known:
        raise UserError("--status", f"{status!r} is no status{nearest(status, known)}", f"use {', '.join(known)}")

    async def work(conn: Connection) -> list[dict[str, Any]]:
        return await identity.conflicts(conn, status=None if status == "all" else status, limit=limit)

    rows = [
        (
            one["id"],
            f"{one['namespace']} {one['value']}",
            _side(one, "person"),
            _side(one, "owner"),
            one["status"] if one["resolved_by"] is None else f"{one['status']} by {one['resolved_by']}",
            clock(one["at"]),
        )
        for one in with_database(settings(data), work)
    ]
    table(("Case", "Identifier", "Sent with", "Belongs to", "Status", "When"), rows, empty="No identifier was refused.")


@app.command()
def resolve(
    case: Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.", show_default=False)],
    keep_apart: Annotated[bool, typer.Option("--keep-apart", help="Two people they are.")] = False,
    merge: Annotated[bool, typer.Option("--merge", help="One person they are; cannot be undone.")] = False,
    into: Annotated[
        str | None, typer.Option(help="Who stays, with --merge; without it the one known for longer.", metavar="PERSON")
    ] = None,
    data: Data = None,
) -> None:
    """Resolve a case: two people they are, or one."""
    from wend.api.acts import identity as acts

    if keep_apart is merge:
        raise UserError("resolve", "say how", "give either --keep-apart or --merge")
    if into is not None and not merge:
        raise UserError("--into", "only makes sense with --merge")

    async def work(conn: Connection) -> str:
        try:
            if keep_apart:
                await acts.keep_apart(conn, case, who=WHO)
                return f"{case}: they stay two people"
            survivor = None if into is None else await person(conn, into)
            return f"{case}: they are person {await acts.merge(conn, case, survivor, who=WHO)}"
        except acts.CannotResolve as error:
            raise UserError(str(case), str(error), "`wend identity conflicts` shows the cases") from None

    print(with_database(settings(data), work))


def _side(case: dict[str, Any], name: str) -> str:
    users = ", ".join(case[f"{name}_users"] or [])
    return f"{case[name]} ({users})" if users else str(case[name])
