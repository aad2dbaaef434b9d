"""`wend journey start`: a journey for everybody in a CSV file; who is not known yet becomes a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import with_database
from wend.commands.errors import UserError
from wend.commands.importing import import_file
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.intake.import_job import Imported, Progress
    from wend.store.clock import DatabaseClock
    from wend.store.postgres import Connection, Pool


def start(
    journey: Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    data: Data = None,
) -> None:
    """Start a journey with trigger `profiles` for everybody in a CSV file; the columns are what the run reads as {entry: …}."""
    from wend.intake.csv_profiles import Columns
    from wend.intake.files import import_profiles

    config = settings(data)

    async def look(conn: Connection) -> None:
        from wend.core.journey.triggers import OnStart
        from wend.engine.plans import load_plan

        published = (await load_plan(conn)).journeys
        if journey not in published:
            raise UserError(journey, f"there is no published journey of this name{nearest(journey, published)}")
        one = published[journey]
        if one.status != "live":
            raise UserError(journey, f"the journey is {one.status}", "only a live journey can be started")
        if not any(isinstance(each, OnStart) and each.trigger == "profiles" for each in one.live.document.triggers):
            raise UserError(journey, "it has no trigger 'profiles'", "add `profiles` to its entry.on, and publish it")

    async def work(pool: Pool, clock: DatabaseClock, partitions: int, progress: Progress) -> Imported:
        return await import_profiles(
            file, pool=pool, clock=clock, partitions=partitions, progress=progress, columns=Columns(), start=journey
        )

    with_database(config, look)
    import_file(config, file, work)
