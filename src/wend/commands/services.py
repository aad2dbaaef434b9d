"""`wend service`: the services that journeys may call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.core.problems import nearest

app = typer.Typer(help="Services that journeys may call (`call_api`, alerts to a chat).", no_args_is_help=True)


@app.command("set")
def set_(
    service: Annotated[str, typer.Argument(metavar="ID")],
    url: Annotated[str | None, typer.Option(help="Its address, for instance https://api.example.com/v1.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="A header of each call, `Name: value` (may be repeated).")
    ] = None,
    secret_header: Annotated[
        list[str] | None,
        typer.Option(help="The same, kept encrypted and never shown; `Name: @file` reads it from a file."),
    ] = None,
    secret_path: Annotated[
        str | None, typer.Option(help="The secret part of the address (chat webhooks), kept like a secret header.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Most calls a second; 0: no limit.")] = None,
    at_once: Annotated[int | None, typer.Option(help="Most calls at once.")] = None,
    internal: Annotated[
        bool | None, typer.Option("--internal/--external", help="It may be at a private or loopback address.")
    ] = None,
    idempotent: Annotated[
        bool | None,
        typer.Option("--idempotent/--not-idempotent", help="It obeys Idempotency-Key, so any call may be repeated."),
    ] = None,
    data: Data = None,
) -> None:
    """Set up a service, or change what is given of it."""
    from wend.api.acts import services
    from wend.commands.output import refuse
    from wend.commands.secrets import box

    given: dict[str, Any] = {
        "url": url,
        "headers": None if header is None else _pairs(header, "--header"),
        "secret_headers": None if secret_header is None else _pairs(secret_header, "--secret-header"),
        "secret_path": secret_path,
        "rate": rate,
        "at_once": at_once,
        "internal": internal,
        "idempotent": idempotent,
    }
    given = {name: value for name, value in given.items() if value is not None}
    config = settings(data)
    secrets = box(config.data, config.secret_key)
    try:
        done = with_database(config, lambda conn: services.put(conn, secrets, service, given, who=WHO))
    except services.Refused as refused:
        raise refuse(refused.problems, service) from None
    kept = f"; secret: {', '.join(done.secret_names)}" if done.secret_names else ""
    print(f"Service {service} is at {done.base_url}{kept}.")


@app.command("list")
def list_all(data: Data = None) -> None:
    """All services, without their secrets."""
    from wend.commands.output import table
    from wend.delivery.asks.services import load_services

    found = with_database(settings(data), load_services)
    rows = [
        (
            one.id,
            one.base_url,
            ", ".join(one.secret_names) or "–",
            f"{one.rate:g}/s" if one.rate else "no limit",
            one.at_once,
            ", ".join(word for word, true in (("internal", one.internal), ("idempotent", one.idempotent)) if true)
            or "–",
        )
        for one in found.values()
    ]
    table(("Id", "Address", "Secrets", "Pace", "At once", "Marks"), rows, empty="There is no service.")


@app.command()
def delete(service: Annotated[str, typer.Argument(metavar="ID")], data: Data = None) -> None:
    """Take a service away, with its secrets. Journeys that call it go on by `failed`."""
    from wend.api.acts import services
    from wend.delivery.asks.services import load_services

    config = settings(data)
    if not with_database(config, lambda conn: services.delete(conn, service, who=WHO)):
        known = with_database(config, load_services)
        raise UserError(service, f"there is no such service{nearest(service, known)}", "`wend service list` shows them")
    print(f"Service {service} is deleted.")


def _pairs(given: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon:
            raise UserError(option, f"expected `Name: value`, found {one.split(' ')[0]!r}")
        value = value.strip()
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(option, f"{value[1:]} cannot be read: {error}") from None
        found[name.strip()] = value
    return found
