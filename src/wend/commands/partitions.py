"""`wend partition`: who works on which part of the people, and letting a stopped part go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError

if TYPE_CHECKING:
    from wend.reports.health import Partitions
    from wend.store.postgres import Connection

app = typer.Typer(help="Partitions of the people: who works on them, and those that stopped.", no_args_is_help=True)


@app.command("list")
def list_all(data: Data = None) -> None:
    """How many have a worker, how far they are behind, and which have stopped."""
    from wend.core.duration import format_duration
    from wend.reports import health
    from wend.store.clock import now_ms

    async def work(conn: Connection) -> Partitions:
        return await health.partitions(conn, await now_ms(conn))

    found = with_database(settings(data), work)
    print(f"{found.claimed} of {found.total} partitions have a worker ({len(found.owners)} workers)")
    behind = format_duration(found.worst_lag // 1000 * 1000)
    print(f"{found.waiting} inputs wait, the furthest behind by {behind}" if found.waiting else "nothing waits")
    for partition, why in found.stopped.items():
        print(f"partition {partition} has stopped: {why}")


@app.command()
def resume(
    partition: Annotated[int, typer.Argument(min=0, max=(1 << 31) - 1, show_default=False)], data: Data = None
) -> None:
    """Let a partition go on that stopped because too much failed in it."""
    from wend.api.acts import parked

    if not with_database(settings(data), lambda conn: parked.resume(conn, partition, who=WHO)):
        raise UserError(str(partition), "this partition has not stopped", "`wend partition list` shows those that have")
    print(f"Partition {partition} goes on.")
