"""The command line: the only place where the parts of Wend are joined.

Each group of commands is a file of commands/; what they need is imported when they run. Errors that the caller can mend are one
line `error: where: what; what to do` on standard error and exit code 1 (2 for a wrong command line), never a traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from wend import __version__
from wend.commands import (
    business,
    catalogue,
    coupons,
    gallery,
    geofences,
    identity,
    importing,
    journeys,
    keys,
    learning,
    operating,
    parked,
    partitions,
    segments,
    services,
    settings_of,
    sizing,
    templates,
)
from wend.commands.context import Data, settings
from wend.commands.errors import Several, UserError
from wend.commands.why import why
from wend.config import ConfigError

# The base of typer's usage errors: click's, which typer carries itself or takes from outside, depending on its version.
_USAGE = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])

app = typer.Typer(
    name="wend",
    help="Customer journeys and marketing automation: exact, testable on real history, one command on one machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(keys.app, name="key")
app.add_typer(journeys.app, name="journey")
app.add_typer(templates.app, name="template")
app.add_typer(gallery.app, name="gallery")
segments.app.command()(sizing.size)
app.add_typer(segments.app, name="segment")
app.add_typer(geofences.app, name="geofence")
app.add_typer(importing.app, name="import")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(services.app, name="service")
app.add_typer(coupons.app, name="coupon")
app.add_typer(settings_of.app, name="settings")
app.add_typer(parked.app, name="parked")
app.add_typer(identity.app, name="identity")
app.add_typer(partitions.app, name="partition")
app.command("business-event")(business.business_event)
app.command()(why)
app.command()(learning.learn)
app.command()(operating.worker)
app.command()(operating.migrate)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"wend {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def up(
    data: Data = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the HTTP server; 0 takes any free one.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; 0: one per two processors.", show_default=False)
    ] = None,
    smtp_port: Annotated[
        int | None,
        typer.Option(help="Port of the built-in inbox's SMTP server; 0 takes any free one.", show_default=False),
    ] = None,
) -> None:
    """Start everything on this machine, and serve until Ctrl-C."""
    from wend.commands.up import up as start

    start(settings(data, port=port, workers=workers, smtp_port=smtp_port))


@app.command()
def demo(
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="Port of the HTTP server.", show_default=False)] = None,
) -> None:
    """A year of real orders behind it, live events in front: Wend to look at. Default folder: ./wend-demo."""
    from wend.commands.demo.run import demo as start

    start(settings(data or Path("wend-demo"), port=port))


def main() -> None:
    """Entry point of the `wend` command."""
    try:
        code = app(prog_name="wend", standalone_mode=False)
    except UserError as error:
        _fail([str(error)], 1)
    except (Several, ConfigError) as error:
        _fail(str(error).splitlines(), 1)
    except (typer.Abort, KeyboardInterrupt):
        _fail(["stopped"], 130)
    except _USAGE as error:
        asked = error.ctx.command_path if error.ctx else "wend"
        said = error.format_message().rstrip(".")  # empty: the help was asked for by giving no command
        _fail([f"{asked}: {said}; `{asked} --help` lists what it takes"] if said else [], 2)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(lines: list[str], code: int) -> NoReturn:
    for line in lines:
        print(f"error: {line}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
