"""`wend import`: events (NDJSON of Segment messages) and profiles (CSV), exactly once, with progress, resumable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError
from wend.commands.reading import read_document

if TYPE_CHECKING:
    from wend.config import Config
    from wend.intake.import_job import Imported, Progress
    from wend.store.clock import DatabaseClock
    from wend.store.postgres import Pool

app = typer.Typer(help="Import events and profiles from files.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)]
Importer = Callable[["Pool", "DatabaseClock", int, "Progress"], Awaitable["Imported"]]


@app.command()
def events(
    file: File,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Each event enters at its own time: months pass in seconds. Live events wait."),
    ] = False,
    publish: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --replay: a journey that is live from the beginning of the history. May be repeated.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Import Segment messages, one JSON object a line (.gz too). A cut-off import goes on where it was."""
    from wend.commands.publishing import publish_all
    from wend.commands.replaying import must_not_go_back, replayed
    from wend.intake.files import import_events

    config = settings(data)
    if publish and not replay:
        raise UserError("--publish", "is for --replay", "publish with `wend journey publish` otherwise")
    documents = [(path, read_document(path)) for path in publish or ()]

    async def live(pool: Pool, clock: DatabaseClock, partitions: int, progress: Progress) -> Imported:
        return await import_events(file, pool=pool, clock=clock, partitions=partitions, progress=progress)

    async def timed(pool: Pool, clock: DatabaseClock, partitions: int, progress: Progress) -> Imported:
        await must_not_go_back(pool, file)
        async with replayed(config, pool, partitions) as replay_:
            async with pool.connection() as conn:
                await publish_all(conn, documents)
            done = await import_events(
                file,
                pool=pool,
                clock=clock,
                partitions=partitions,
                progress=progress,
                replay=replay_.advance,
                slice_length=await replay_.span(),
            )
            await replay_.finish()
            return done

    import_file(config, file, timed if replay else live)


@app.command()
def profiles(
    file: File,
    start: Annotated[str | None, typer.Option(help="A journey to start for each of them.", show_default=False)] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help='How a column is read: "HEADER=name" ("HEADER=" leaves it out). May be repeated.', show_default=False
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Import people from a CSV file: user_id, email, phone, consent_<channel> and any attributes."""
    from wend.intake.csv_profiles import Columns
    from wend.intake.files import import_profiles

    names: dict[str, str] = {}
    for one in column or []:
        header, equals, name = one.partition("=")
        if not equals:
            raise UserError("--column", f"{one!r} has no '='", 'write --column "Kundennr=user_id"')
        names[header] = name

    async def work(pool: Pool, clock: DatabaseClock, partitions: int, progress: Progress) -> Imported:
        return await import_profiles(
            file, pool=pool, clock=clock, partitions=partitions, progress=progress, columns=Columns(names), start=start
        )

    import_file(settings(data), file, work)


def import_file(config: Config, file: Path, importer: Importer) -> None:
    """Let `importer` read the file, with a progress bar; say what it did. UserError when it stops."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from wend.commands.output import console
    from wend.engine.replaying import ReplayError
    from wend.intake.import_job import ImportFailed

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[rows]}"), console=console, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(file.name, total=max(1, file.stat().st_size), rows="")

        def progress(done: int, total: int, accepted: int, rejected: int) -> None:
            bar.update(task, completed=done, total=max(1, total), rows=f"{accepted} taken, {rejected} refused")

        try:
            result = asyncio.run(_with_pool(config, importer, progress))
        except ReplayError as error:
            raise UserError(
                str(file), str(error), "replay into a fresh workspace: another --data, or another schema"
            ) from None
        except ImportFailed as error:
            raise UserError(
                str(file), str(error).removeprefix(f"{file}: "), "the same command goes on from there"
            ) from None
        except OSError as error:
            raise UserError(str(file), error.strerror or str(error)) from None
    _tell(file, result)


async def _with_pool(config: Config, importer: Importer, progress: Any) -> Imported:
    from wend.commands.database import url_of
    from wend.store.clock import DatabaseClock
    from wend.store.log import partitions
    from wend.store.postgres import make_pool

    async with make_pool(url_of(config), schema=config.schema, name="wend import", largest=8) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        async with pool.connection() as conn:
            count = await partitions(conn)
        ticking = asyncio.create_task(clock.run(pool))
        try:
            return await importer(pool, clock, count, progress)
        finally:
            ticking.cancel()


def _tell(file: Path, result: Imported) -> None:
    again = " (it was imported before: nothing was done now)" if result.already_done else ""
    print(f"{file.name}: {result.accepted} rows taken, {result.rejected} refused{again}")
    if result.rejected_file is not None:
        print(f"What was refused, and why: {result.rejected_file}")
