"""`wend catalogue`: products, courses, articles out of a file, and listing them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError

if TYPE_CHECKING:
    from wend.api.acts.catalogue import Put
    from wend.intake.catalogue import ProductRow
    from wend.store.postgres import Connection

app = typer.Typer(help="The catalogue of products, courses and articles.", no_args_is_help=True)

Progressed = Callable[[int], None]
"""(bytes of the file that are done)"""
_CHUNK = 1_000


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    data: Data = None,
) -> None:
    """Put the products of a CSV or NDJSON file. Rows that cannot be taken are named; the same file again changes nothing."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn

    from wend.api.acts.catalogue import Put
    from wend.commands.database import opened
    from wend.commands.output import console
    from wend.content.catalogue.store import Changes
    from wend.intake.import_job import ImportFailed

    config = settings(data)
    total = Changes()
    summary = Put(total)
    rejected = file.with_name(f"{file.name}.rejected.ndjson")
    rejected.unlink(missing_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal)

    async def run() -> int:
        async with opened(config) as conn:
            return await _put_all(conn, file, rejected, summary, lambda done: bar.update(task, completed=done))

    with bar:
        task = bar.add_task(file.name, total=max(1, file.stat().st_size))
        try:
            refused = asyncio.run(run())
        except ImportFailed as error:
            raise UserError(str(file), str(error).removeprefix(f"{file}: ")) from None
        except OSError as error:
            raise UserError(str(file), error.strerror or str(error)) from None
    print(
        f"{file.name}: {total.added} added, {total.changed} changed, {total.unchanged} as they were, {refused} refused;"
        f" {len(total.cheaper)} became cheaper, {len(total.back)} can be had again"
    )
    if summary.told:
        print(f"{summary.told} business events are on their way to whoever is linked to these products")
    if summary.why:
        print(f"warning: nobody was told of some: {summary.why}", file=sys.stderr)
    if refused:
        print(f"What was refused, and why: {rejected}")


async def _put_all(conn: Connection, file: Path, rejected: Path, summary: Put, progress: Progressed) -> int:
    """Put the file's rows, a thousand in a transaction; how many were refused."""
    from wend.api.acts import catalogue as acts
    from wend.commands.database import WHO
    from wend.intake.catalogue import read_products

    refused, total = 0, summary.changes
    chunk: list[ProductRow] = []

    async def put() -> None:
        done = await acts.put(conn, [row.product for row in chunk if row.product is not None], who=WHO)
        await conn.commit()
        changes = done.changes
        total.added += changes.added
        total.changed += changes.changed
        total.unchanged += changes.unchanged
        total.cheaper += changes.cheaper
        total.back += changes.back
        summary.told += done.told
        summary.why = done.why or summary.why
        if chunk:
            progress(chunk[-1].done)
        chunk.clear()

    for row in read_products(file):
        if row.product is None:
            refused += 1
            with rejected.open("a", encoding="utf-8") as out:
                line = {"row": row.number, "message": row.why, "line": row.text.decode("utf-8", "backslashreplace")}
                out.write(json.dumps(line, ensure_ascii=True) + "\n")
            continue
        chunk.append(row)
        if len(chunk) >= _CHUNK:
            await put()
    await put()
    return refused


@app.command("list")
def list_(
    category: Annotated[str | None, typer.Option(help="Only of this category.", show_default=False)] = None,
    kind: Annotated[str | None, typer.Option(help="product, course or article.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most of them.")] = 100,
    data: Data = None,
) -> None:
    """List the catalogue by id."""
    from wend.commands.database import with_database
    from wend.commands.output import table
    from wend.content.catalogue.store import list_products

    found = with_database(settings(data), lambda conn: list_products(conn, limit=limit, category=category, kind=kind))
    rows = [
        (one.id, one.kind, one.title, one.category, "" if one.price is None else f"{one.price:.2f} {one.currency}".strip(),
         "yes" if one.available else "no")
        for one in found
    ]  # fmt: skip
    table(("id", "kind", "title", "category", "price", "available"), rows, empty="The catalogue is empty.")
