"""`wend journey versions | diff | rollback | scheduled | unschedule`: what was and what will be published."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError

Journey = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id.", show_default=False)]
WhatOfPeople = Annotated[
    Literal["keep", "move", "exit"],
    typer.Option(
        "--policy", help="People inside: keep (finish on their version), move (to the new one), exit (leave)."
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OLD=NEW", help="People at node OLD, which is gone, go on at NEW. Any number of times."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `wend journey`."""
    for command in (versions, diff, rollback, scheduled, unschedule):
        app.command()(command)


def versions(journey: Journey, data: Data = None) -> None:
    """Everything that was published, paused, resumed …, the latest first."""
    from wend.commands.output import table
    from wend.reports import journeys
    from wend.reports.sentences import clock

    found = with_database(settings(data), lambda conn: journeys.history(conn, journey))
    rows = [(clock(one["at"]), one["kind"], one["version"] or "–", one["policy"]) for one in found]
    table(("When", "What", "Version", "People inside"), rows, empty=f"{journey} was never published.")


def diff(
    journey: Journey,
    before: Annotated[int, typer.Argument(metavar="VERSION", help="The older version.", show_default=False)],
    after: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="The newer one; else the draft, else the latest.")
    ] = None,
    data: Data = None,
) -> None:
    """What differs between two versions: + added, - removed, ~ changed."""
    from wend.api.acts import publishing
    from wend.commands.publishing import told
    from wend.reports.difference import Difference
    from wend.store.postgres import Connection

    async def work(conn: Connection) -> list[Difference]:
        with told(journey):
            return await publishing.differences(conn, journey, before, after)

    for one in with_database(settings(data), work):
        print(one)


def rollback(
    journey: Journey,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version to go back to.", show_default=False)],
    policy: WhatOfPeople = "keep",
    maps: Maps = None,
    yes: Yes = False,
    data: Data = None,
) -> None:
    """Publish an old version's document again, as the next version."""
    from pathlib import Path

    from wend.api.acts import publishing as acts
    from wend.commands import publishing
    from wend.store.postgres import Connection

    config, mapping = settings(data), publishing.mapping_of(maps)

    async def show(conn: Connection) -> None:
        with publishing.told(journey):
            document = await acts.document_of(conn, journey, version)
        await publishing.show_impact(conn, [(Path(f"{journey} version {version}"), document)], policy, mapping)

    async def work(conn: Connection) -> int:
        with publishing.told(journey):
            done = await acts.roll_back(conn, journey, version, who=WHO, policy=policy, mapping=mapping)
        return done.version

    if policy != "keep":
        with_database(config, show)
        publishing.ask(yes)
    print(f"{journey}: version {with_database(config, work)} is live, with the document of version {version}")


def scheduled(
    journey: Annotated[str | None, typer.Argument(metavar="JOURNEY", help="Only of this journey.")] = None,
    data: Data = None,
) -> None:
    """Publications at an instant: those that wait, and what became of the others."""
    from wend.commands.output import table
    from wend.engine.scheduled import listed
    from wend.reports.sentences import clock

    rows = [
        (one.id, one.journey, clock(one.at), one.policy, one.status, one.why or (one.version or "–"))
        for one in with_database(settings(data), lambda conn: listed(conn, journey))
    ]
    table(
        ("Number", "Journey", "When", "People inside", "Status", "Version, or why not"),
        rows,
        empty="Nothing is scheduled.",
    )


def unschedule(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `scheduled` shows it.", show_default=False)],
    data: Data = None,
) -> None:
    """Let a scheduled publication not happen."""
    from wend.api.acts import publishing

    if not with_database(settings(data), lambda conn: publishing.cancel(conn, number, who=WHO)):
        raise UserError(str(number), "no publication of this number waits", "`wend journey scheduled` shows them")
    print(f"publication {number} is cancelled")
