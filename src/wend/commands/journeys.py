"""`wend journey`: checking, publishing and watching journeys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wend.commands import handling, starting, syncing, versions
from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.commands.reading import read_document
from wend.commands.simulate import simulate
from wend.commands.versions import Maps, WhatOfPeople, Yes
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.api.acts.journeys import Act
    from wend.store.postgres import Connection

app = typer.Typer(help="Journeys: check, publish, pause, watch, and try on events.", no_args_is_help=True)
app.command()(simulate)
versions.add_to(app)
syncing.add_to(app)
handling.add_to(app)
app.command()(starting.start)

Files = Annotated[list[Path], typer.Argument(metavar="FILES…", help="Journey documents (YAML).", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id.", show_default=False)]


@app.command()
def check(files: Files, data: Data = None) -> None:
    """Say everything that is wrong, all at once. Without a running Wend, templates are not looked up."""
    from wend.commands.errors import Several
    from wend.commands.output import warnings
    from wend.core.journey import check as core

    config = settings(data)
    lines: list[str] = []
    for path in files:
        raw = read_document(path)
        try:
            _, problems = with_database(config, lambda conn, raw=raw: _checked(conn, raw))
        except UserError:
            _, problems = core.check(raw)
        lines += [f"{path}: {one}" for one in problems if one.level == "error"]
        warnings(problems, str(path))
        if not any(one.level == "error" for one in problems):
            print(f"{path}: fine")
    if lines:
        raise Several(lines)


async def _checked(conn: Connection, raw: Any) -> Any:
    from wend.api.acts import journeys

    return await journeys.checked(conn, raw)


@app.command()
def publish(
    files: Files,
    policy: WhatOfPeople = "keep",
    maps: Maps = None,
    at: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Not now but then, such as '2026-12-01 09:00' (UTC).")
    ] = None,
    yes: Yes = False,
    data: Data = None,
) -> None:
    """Publish; people inside stay on their version, move to the new one, or leave (--policy). All files or none."""
    from wend.commands import publishing

    documents = [(path, read_document(path)) for path in files]
    config, mapping = settings(data), publishing.mapping_of(maps)
    if at is not None:
        instant = publishing.instant(at)
        with_database(config, lambda conn: publishing.schedule_all(conn, documents, instant, policy, mapping))
        return
    if policy != "keep":
        with_database(config, lambda conn: publishing.show_impact(conn, documents, policy, mapping))
        publishing.ask(yes)
    for done in with_database(config, lambda conn: publishing.publish_all(conn, documents, policy, mapping)):
        said = f"version {done.version} is live" if done.changed else f"version {done.version} is live already"
        print(f"{done.id}: {said}")


def _act(act: str, said: str) -> None:
    """Add the command `wend journey <act>`."""

    def command(journey: Name, data: Data = None) -> None:
        from wend.api.acts import journeys as acts
        from wend.engine.publish import PublishError

        async def work(conn: Connection) -> str:
            await _must_exist(conn, journey)
            try:
                return await acts.live(conn, cast("Act", act), journey, who=WHO)
            except PublishError as error:
                raise UserError(journey, str(error)) from None

        print(f"{journey}: {with_database(settings(data), work)}")

    command.__doc__ = said
    app.command(act)(command)


_act("pause", "Freeze: nobody enters, timers stand still; what falls due happens on resume.")
_act("resume", "Go on after a pause or a sunset.")
_act("sunset", "Nobody enters any more; people inside finish.")
_act("stop", "Everybody leaves now; nobody enters.")


@app.command("list")
def list_all(data: Data = None) -> None:
    """All journeys, with how many people are inside."""
    from wend.commands.output import table
    from wend.reports import journeys

    async def work(conn: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
        return await journeys.every(conn), await journeys.inside(conn)

    found, inside = with_database(settings(data), work)
    rows = [(one["id"], one["name"], one["status"], one["version"] or "–", inside.get(one["id"], 0)) for one in found]
    table(("Id", "Name", "Status", "Version", "Inside"), rows, empty="There is no journey yet.")


@app.command()
def show(
    journey: Name,
    document: Annotated[bool, typer.Option("--document", help="Print the document as YAML instead.")] = False,
    data: Data = None,
) -> None:
    """Where people are in a journey, or its document."""
    from wend.commands.output import table
    from wend.content.documents import dump
    from wend.core.journey.document import parse
    from wend.reports import journeys

    async def work(conn: Connection) -> tuple[dict[str, Any], journeys.JourneyCounts]:
        await _must_exist(conn, journey)
        found = await journeys.one(conn, journey)
        assert found is not None
        return found, await journeys.counts(conn, journey)

    found, counts = with_database(settings(data), work)
    raw: dict[str, Any] = found["document"] or found["draft"] or {}
    if document:
        print(dump(raw), end="")
        return
    print(f"{found['name']} ({journey}): {found['status']}, version {found['version'] or '–'}")
    print(
        f"started {counts.started}, inside {counts.inside}, ended {counts.ended}, goals {counts.goals},"
        f" starts refused {counts.refused}"
    )
    drawn = parse(raw, [])
    nodes = list(drawn.drawn) if drawn is not None else []
    rows = [
        (node, max(0, one.waiting), one.passed, one.ended, one.failed)
        for node in nodes
        if (one := counts.nodes.get(node, journeys.NodeCounts()))
    ]
    table(("Node", "Waiting", "Passed", "Ended", "Failed"), rows, empty="It has no nodes.")


async def _must_exist(conn: Connection, journey: str) -> None:
    from wend.reports import journeys

    known = [one["id"] for one in await journeys.every(conn)]
    if journey not in known:
        raise UserError(journey, f"there is no such journey{nearest(journey, known)}", "`wend journey list` shows them")
