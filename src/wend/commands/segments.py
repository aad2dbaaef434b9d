"""`wend segment`: segments and lists of people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, opened, with_database
from wend.commands.errors import Several, UserError
from wend.commands.reading import read_document
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.api.acts.journeys import Published
    from wend.config import Config
    from wend.intake.import_job import Imported, Progress
    from wend.store.clock import DatabaseClock
    from wend.store.postgres import Connection, Pool

app = typer.Typer(help="Segments (kept by a condition) and lists of people.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's id.", show_default=False)]
_LOOK = 0.3
"""Seconds between two looks at the progress."""


@app.command()
def publish(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES…", help="Segment documents (YAML).", show_default=False)
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until they are back-filled and in force.")] = False,
    data: Data = None,
) -> None:
    """Publish segments or lists. A condition is back-filled from history before it is in force. All files or none."""
    documents = [(path, read_document(path)) for path in files]
    config = settings(data)
    done = with_database(config, lambda conn: _publish_all(conn, documents))
    for one in done:
        print(f"{one.id}: version {one.version}" + ("" if one.changed else " (unchanged)"))
    if wait:
        watch(config, [one.id for one in done])


async def _publish_all(conn: Connection, documents: list[tuple[Path, Any]]) -> list[Published]:
    from wend.api.acts import segments as acts
    from wend.api.acts.journeys import Refused
    from wend.commands.output import refuse, warnings
    from wend.engine.publish import PublishError

    done: list[Published] = []
    lines: list[str] = []
    for path, raw in documents:
        try:
            published = await acts.publish(conn, raw, who=WHO)
        except Refused as refused:
            warnings(refused.problems, str(path))
            lines += str(refuse(refused.problems, str(path))).splitlines()
        except PublishError as error:
            lines.append(f"{path}: {error}")
        else:
            warnings(published.warnings, str(path))
            done.append(published)
    if lines:
        raise Several(lines)  # leaves the transaction, so nothing of this call is published
    return done


@app.command("list")
def list_all(data: Data = None) -> None:
    """All segments and lists, with how many people are in them."""
    from wend.commands.output import table
    from wend.reports import segments

    found = with_database(settings(data), segments.every)
    rows = [(one["id"], one["name"], one["kind"], one["size"], _said(one)) for one in found]
    table(("Id", "Name", "Kind", "People", "State"), rows, empty="There is no segment yet.")


@app.command()
def show(segment: Name, data: Data = None) -> None:
    """A segment's document, as YAML."""
    from wend.content.documents import dump

    print(dump(with_database(settings(data), lambda conn: _known(conn, segment))["document"]), end="")


@app.command()
def status(
    segment: Annotated[str | None, typer.Argument(metavar="SEGMENT", help="Only this one.", show_default=False)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until what is being back-filled is in force.")] = False,
    data: Data = None,
) -> None:
    """How far segments have been back-filled."""
    from wend.commands.output import table
    from wend.reports import segments

    config = settings(data)

    async def work(conn: Connection) -> list[dict[str, Any]]:
        return await segments.every(conn) if segment is None else [await _known(conn, segment)]

    found = with_database(config, work)
    if wait:
        watch(config, [one["id"] for one in found])
        return
    rows = [(one["id"], one["size"], one["live_version"] or "–", _said(one)) for one in found]
    table(("Id", "People", "In force", "State"), rows, empty="There is no segment yet.")


@app.command()
def members(
    segment: Name,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most people to be shown.")] = 100,
    data: Data = None,
) -> None:
    """People in a segment, since when."""
    from wend.commands.output import table
    from wend.reports import segments
    from wend.reports.sentences import clock

    async def work(conn: Connection) -> list[dict[str, Any]]:
        await _known(conn, segment)
        return await segments.members(conn, segment, limit=limit)

    found = with_database(settings(data), work)
    rows = [(one["profile_id"], one["known_as"], clock(one["since"])) for one in found]
    table(("Profile", "Known as", "Since"), rows, empty="Nobody is in it.")


@app.command()
def delete(segment: Name, data: Data = None) -> None:
    """Delete a segment or list; refused while something uses it."""
    from wend.api.acts import segments as acts
    from wend.engine.publish import PublishError

    async def work(conn: Connection) -> None:
        await _known(conn, segment)
        try:
            await acts.retire(conn, segment, who=WHO)
        except PublishError as error:
            raise UserError(segment, str(error)) from None

    with_database(settings(data), work)
    print(f"{segment}: deleted")


@app.command()
def upload(
    segment: Annotated[str, typer.Argument(metavar="LIST", help="The list's id.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    column: Annotated[
        str | None,
        typer.Option(
            help="The only column to be read: its values are user ids, or e-mail addresses (HEADER=email).",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Put everybody in a CSV file on a list; people who are not known yet become known. Other columns are not read."""
    from wend.commands.importing import import_file
    from wend.intake.csv_profiles import Columns
    from wend.intake.files import upload_list

    config = settings(data)
    found = with_database(config, lambda conn: _known(conn, segment))
    if found["kind"] != "list":
        raise UserError(segment, "is no list", "who is in it is decided by its condition")
    names = _columns(column)

    async def work(pool: Pool, clock: DatabaseClock, partitions: int, progress: Progress) -> Imported:
        return await upload_list(
            file,
            segment,
            made_at=found["created_at"],
            pool=pool,
            clock=clock,
            partitions=partitions,
            progress=progress,
            columns=Columns(names),
        )

    import_file(config, file, work)


def _columns(column: str | None) -> dict[str, str]:
    if column is None:
        return {}
    header, equals, name = column.partition("=")
    return {header: name} if equals else {column: column}


async def _known(conn: Connection, segment: str) -> dict[str, Any]:
    from wend.reports import segments

    found = await segments.one(conn, segment)
    if found is None:
        hint = nearest(segment, await segments.kinds(conn))
        raise UserError(segment, f"there is no such segment{hint}", "`wend segment list` shows them")
    return found


def _said(one: dict[str, Any]) -> str:
    progress = one["progress"]
    if progress is None:
        return "in force"
    return f"version {progress['version']}: {progress['stage']}, {progress['people']} of {progress['of']} people"


def watch(config: Config, wanted: list[str]) -> None:
    """Show progress until all of these are in force (or gone)."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from wend.commands.output import console

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"), console=console, disable=not console.is_terminal,
    )  # fmt: skip

    async def follow() -> None:
        from wend.reports import segments

        tasks = {id: bar.add_task(id, total=1, said="") for id in wanted}
        async with opened(config) as conn:
            while tasks:
                for id, task in list(tasks.items()):
                    found = await segments.one(conn, id)
                    progress = found["progress"] if found is not None else None
                    if progress is not None:
                        said = f"{progress['stage']}, {progress['matched']} in it"
                        bar.update(task, completed=progress["people"], total=max(1, progress["of"]), said=said)
                        continue
                    del tasks[id]
                    people = 0 if found is None else found["size"]
                    bar.update(task, completed=1, total=1, said=f"{people} people")
                    print(f"{id}: in force, {people} people" if found is not None else f"{id}: deleted meanwhile")
                await conn.commit()
                await asyncio.sleep(_LOOK if tasks else 0)

    with bar:
        asyncio.run(follow())
