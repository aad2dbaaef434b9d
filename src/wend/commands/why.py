"""`wend why`: why did, or didn't, this person get this?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import with_database
from wend.commands.errors import UserError
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.reports.why import Answer
    from wend.store.postgres import Connection


def why(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="Profile id or any identifier.", show_default=False)],
    journey: Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as JSON.")] = False,
    data: Data = None,
) -> None:
    """Why did, or didn't, this person get what a journey sends?"""
    from dataclasses import asdict

    import msgspec

    from wend.engine.plans import PlanBook
    from wend.reports import journeys
    from wend.reports import why as report
    from wend.reports.sentences import sentences

    async def work(conn: Connection) -> Answer:
        answer = await report.why(conn, await person(conn, who), journey, PlanBook())
        if answer.status == "unknown_journey":
            known = [one["id"] for one in await journeys.every(conn)]
            hint = nearest(journey, known)
            raise UserError(journey, f"there is no such journey{hint}", "`wend journey list` shows them")
        return answer

    answer = with_database(settings(data), work)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(asdict(answer))).decode())
        return
    for line in sentences(answer):
        print(line)


async def person(conn: Connection, who: str) -> int:
    """The profile id that `who` means. UserError when nobody or several people are meant."""
    from wend.reports import people

    found = await people.find(conn, who)
    if not found:
        raise UserError(who, "nobody is known by this", "use a profile id, user id, anonymous id or e-mail")
    if len(found) > 1:
        raise UserError(who, f"means several people: {', '.join(map(str, found[:10]))}", "use one of these profile ids")
    return found[0]
