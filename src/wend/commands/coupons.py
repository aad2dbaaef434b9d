"""`wend coupon`: pools of coupon codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError

app = typer.Typer(help="Pools of coupon codes, uploaded or made by a pattern.", no_args_is_help=True)


@app.command()
def pool(
    pool_id: Annotated[str, typer.Argument(metavar="ID")],
    pattern: Annotated[
        str | None, typer.Option(help="Codes are made: ? becomes a letter or digit, # a digit (SUMMER-??????).")
    ] = None,
    lasting: Annotated[str | None, typer.Option(help="How long a code is good, for instance 14d.")] = None,
    until: Annotated[str | None, typer.Option(help="No code is good after this (date, or instant with time).")] = None,
    data: Data = None,
) -> None:
    """Make a pool, or give it other rules."""
    from wend.api.acts import coupons
    from wend.commands.output import refuse
    from wend.core.duration import parse_duration
    from wend.core.zone import parse_instant

    rules: dict[str, Any] = {}
    if pattern is not None:
        rules["pattern"] = pattern
    if lasting is not None:
        try:
            rules["lasting"] = parse_duration(lasting)
        except ValueError as error:
            raise UserError("--lasting", str(error)) from None
    if until is not None:
        rules["expires_at"] = parse_instant(until)
        if rules["expires_at"] is None:
            raise UserError("--until", f"{until!r} is not a date", "write 2026-12-31, or 2026-12-31T18:00:00+01:00")
    try:
        with_database(settings(data), lambda conn: coupons.put(conn, pool_id, rules, who=WHO))
    except coupons.Refused as refused:
        raise refuse(refused.problems, pool_id) from None
    print(f"Pool {pool_id} is set up." + ("" if pattern else f" Add codes with `wend coupon upload {pool_id} FILE`."))


@app.command()
def upload(
    pool_id: Annotated[str, typer.Argument(metavar="ID")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV with a column `code`.")
    ],
    data: Data = None,
) -> None:
    """Add the codes of a CSV file to a pool; those that are there already change nothing."""
    from wend.api.acts import coupons
    from wend.commands.output import refuse

    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(str(file), "is not a text in UTF-8") from None
    try:
        new, old = with_database(settings(data), lambda conn: coupons.upload(conn, pool_id, text, who=WHO))
    except LookupError:
        raise UserError(pool_id, "there is no such pool", f"make it with `wend coupon pool {pool_id}`") from None
    except coupons.Refused as refused:
        raise refuse(refused.problems, str(file)) from None
    print(f"{new} codes were added to {pool_id}" + (f"; {old} were there already." if old else "."))


@app.command("list")
def list_all(data: Data = None) -> None:
    """All pools: how many codes are issued, and how many are left."""
    from wend.api.acts import coupons
    from wend.commands.output import table
    from wend.core.duration import format_duration
    from wend.reports.sentences import clock

    found = with_database(settings(data), coupons.every)
    rows = [
        (
            one.id,
            one.pattern or "uploaded",
            one.issued,
            "as many as needed" if one.free is None else one.free,
            format_duration(one.lasting) if one.lasting else "–",
            clock(one.expires_at) if one.expires_at else "–",
        )
        for one in found
    ]
    table(("Id", "Codes", "Issued", "Left", "Good for", "Good until"), rows, empty="There is no pool.")
