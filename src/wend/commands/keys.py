"""`wend key`: making, listing and revoking keys."""

from __future__ import annotations

from typing import Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.core.problems import nearest

app = typer.Typer(
    help="Keys: `write` keys send events in, `api` keys ask and change things by /api.", no_args_is_help=True
)


@app.command()
def new(
    kind: Annotated[str, typer.Option(help="write (may only send events) or api (bearer token of /api).")],
    name: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="For api keys: read, write, admin (may be repeated; default: all).")
    ] = None,
    data: Data = None,
) -> None:
    """Make a key and print it. It is shown this once."""
    from wend.api.acts import keys

    if kind not in keys.KINDS:
        raise UserError("--kind", f"{kind!r} is not a kind of key{nearest(kind, keys.KINDS)}", "use write or api")
    try:
        _, secret = with_database(
            settings(data),
            lambda conn: keys.make(conn, "write" if kind == "write" else "api", name, scope or [], who=WHO),
        )
    except ValueError as error:
        raise UserError("--scope", str(error)) from None
    print(f"{'Write key' if kind == 'write' else 'API key'}: {secret}")


@app.command("list")
def list_all(data: Data = None) -> None:
    """All keys, without their secrets."""
    from wend.commands.output import table
    from wend.reports.sentences import clock
    from wend.store.keys import list_keys

    found = with_database(settings(data), list_keys)
    rows = [
        (
            one.key.id,
            one.key.kind,
            one.key.name,
            ", ".join(sorted(one.key.scopes)),
            clock(one.created_at),
            clock(one.revoked_at) if one.revoked_at else "in force",
        )
        for one in found
    ]
    table(("Id", "Kind", "Name", "Scopes", "Made", "Revoked"), rows, empty="There is no key.")


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")], data: Data = None) -> None:
    """Take a key out of force. API keys at once, write keys within half a minute."""
    from wend.api.acts import keys

    if not with_database(settings(data), lambda conn: keys.revoke(conn, key_id, who=WHO)):
        raise UserError(key_id, "there is no key of that id in force", "`wend key list` shows their ids")
    print(f"Key {key_id} is revoked.")


@app.command()
def first(data: Data = None) -> None:
    """Show the keys that the first start made (from keys.txt in the data folder)."""
    from wend.commands.firstkeys import NAME, read

    config = settings(data)
    found = read(config.data)
    if not found:
        raise UserError(str(config.data / NAME), "is not there", "make a new key with `wend key new --kind write`")
    for name, secret in found.items():
        print(f"{name}: {secret}")
