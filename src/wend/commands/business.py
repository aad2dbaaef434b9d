"""`wend business-event`: tell everybody linked to a thing what happened to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
import yaml

from wend.commands.context import Data, settings
from wend.commands.database import WHO, opened, with_database
from wend.commands.errors import UserError

if TYPE_CHECKING:
    from wend.api.acts.business import Told
    from wend.config import Config
    from wend.store.postgres import Connection

_LOOK = 0.3  # seconds


def business_event(
    name: Annotated[str, typer.Argument(metavar="NAME", help='Such as "Price Dropped".', show_default=False)],
    about: Annotated[str, typer.Option(help="The thing: a product, a course, a webinar.", show_default=False)],
    properties: Annotated[str, typer.Option(help='Properties: "{price: 5}".')] = "{}",
    linked: Annotated[
        str, typer.Option(help='Who is meant, where triggers do not say: "{attribute: wishlist, contains: $about}".')
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until everybody has been told.")] = False,
    data: Data = None,
) -> None:
    """Tell everybody linked to a thing what happened to it."""
    read = _mapping("--properties", properties)
    meant = _mapping("--linked", linked) if linked else None
    config = settings(data)

    async def work(conn: Connection) -> Told:
        from wend.api.acts import business as acts
        from wend.api.acts.journeys import Refused
        from wend.commands.output import refuse

        try:
            return await acts.tell(conn, name, about, read, meant, who=WHO)
        except Refused as refused:
            raise refuse(refused.problems, name) from None

    told = with_database(config, work)
    print(f"broadcast {told.broadcast}: {name} about {about}, heard by {', '.join(told.journeys)}")
    if wait:
        print(f"broadcast {told.broadcast}: {asyncio.run(_wait(config, told.broadcast))} people told")


async def _wait(config: Config, number: int) -> int:
    from wend.reports import broadcasts

    while True:
        async with opened(config) as conn:
            found = await broadcasts.one(conn, number)
        if found is None or found.ended_at is not None:
            return 0 if found is None else found.told
        await asyncio.sleep(_LOOK)


def _mapping(option: str, text: str) -> dict[str, Any]:
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(option, f"cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UserError(option, f"expected a mapping, found {text!r}", f'write {option} "{{price: 5}}"')
    return cast("dict[str, Any]", found)
