"""`wend settings`: what decisions obey (quiet hours, caps, score, funnel …), shown, and changed from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError
from wend.commands.reading import read_document

app = typer.Typer(help="Settings of decisions: quiet hours, caps, score, funnel, classes …", no_args_is_help=True)


@app.command()
def show(data: Data = None) -> None:
    """Show the settings in force, as YAML."""
    from wend.commands.database import with_database
    from wend.content.documents import dump
    from wend.engine.plans import load_plan

    found = with_database(settings(data), load_plan).settings
    print(dump(dict(found)), end="") if found else print("# nothing is set; everything is as usual")


@app.command()
def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    data: Data = None,
) -> None:
    """Bring the settings of a YAML file into force; those it does not name stay, null takes one away."""
    from wend.api.acts import settings as acts
    from wend.commands.database import WHO, with_database
    from wend.commands.output import refuse

    wanted: Any = read_document(file)
    if not isinstance(wanted, dict):
        raise UserError(str(file), "expected settings by name, such as `quiet_hours: …`")
    try:
        number = with_database(settings(data), lambda conn: acts.publish(conn, wanted, who=WHO))  # pyright: ignore[reportUnknownArgumentType]
    except acts.Refused as refused:
        raise refuse(refused.problems, str(file)) from None
    print(f"in force as change {number} of the plan")
