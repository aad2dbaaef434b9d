"""`wend journey pull DIR` and `push DIR`: a workspace's journeys, segments and templates as files in a git repository.

The differences are shown first. `push --check` changes nothing and fails when anything differs or is faulty: for CI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, opened, with_database
from wend.commands.errors import Several, UserError
from wend.commands.folder import Difference, differences, of_folder, of_workspace
from wend.commands.versions import WhatOfPeople, Yes

if TYPE_CHECKING:
    from wend.config import Config
    from wend.core.plan import Policy
    from wend.core.problems import Problem
    from wend.store.postgres import Connection

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with journeys/, segments/ and templates/.", show_default=False)
]
Check = Annotated[bool, typer.Option("--check", help="Change nothing; fail when something differs or is faulty.")]


def add_to(app: typer.Typer) -> None:
    """Add the two commands."""
    app.command()(pull)
    app.command()(push)


def pull(folder: Folder, check: Check = False, yes: Yes = False, data: Data = None) -> None:
    """Write what is published as files: journeys, segments and templates. Shows first what would change."""
    from wend.content.documents import dump

    theirs = with_database(settings(data), of_workspace)
    mine = of_folder(folder) if folder.exists() else {}
    found = differences(mine, theirs)
    _tell(found, "not in the workspace")
    changes = [one for one in found if one.after is not None]
    if check:
        _verdict(found)
        return
    if any(one.before is not None for one in changes) and not yes:
        _ask("Overwrite these files?")
    for one in changes:
        path = folder / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(one.after), encoding="utf-8")
        print(path)
    print(f"{len(changes)} files written" if changes else "nothing to do")


def push(
    folder: Folder,
    check: Check = False,
    policy: WhatOfPeople = "keep",
    yes: Yes = False,
    data: Data = None,
) -> None:
    """Publish what the files say, all of it or nothing: templates, then segments, then journeys. Shows first what would change."""
    import asyncio

    mine = of_folder(folder)
    config = settings(data)

    async def work() -> tuple[list[Difference], list[str]]:
        async with opened(config) as conn:
            found = differences(await of_workspace(conn), mine)
            faults = await _faults(conn, folder, found)
            await conn.rollback()
        return found, faults

    found, faults = asyncio.run(work())
    _tell(found, "not among the files, left as it is")
    if faults:
        raise Several(faults)
    changes = [one for one in found if one.after is not None]
    if check:
        _verdict(found)
        return
    if not changes:
        print("nothing to do")
        return
    if not yes:
        _ask("Publish these?")
    _publish(config, folder, changes, policy)
    for one in changes:
        print(f"{one.name}: published")


async def _faults(conn: Connection, folder: Path, found: list[Difference]) -> list[str]:
    """Everything that is wrong with what would be published, as if the rest of it were there already. Leaves traces in the
    transaction, which the caller rolls back."""
    from wend.api.acts import journeys, segments, templates
    from wend.api.acts.journeys import Refused
    from wend.commands.output import warnings
    from wend.content.store import TemplateRefused
    from wend.engine.publish import PublishError

    faults: list[str] = []

    def note(one: Difference, problems: list[Problem]) -> None:
        where = str(folder / one.name)
        warnings(problems, where)
        said = [str(problem) for problem in problems if problem.level == "error"]
        faults.extend(text if text.startswith(where) else f"{where}: {text}" for text in said)

    for one in found:
        if one.after is None:
            continue
        try:
            if one.kind == "templates":
                await templates.push(conn, one.after, str(folder / one.name), who=WHO)
            elif one.kind == "segments":
                await segments.publish(conn, one.after, who=WHO)
            else:
                note(one, (await journeys.checked(conn, one.after))[1])
        except (Refused, TemplateRefused) as refused:
            note(one, refused.problems)
        except PublishError as error:
            faults.append(f"{folder / one.name}: {error}")
    return faults


def _publish(config: Config, folder: Path, changes: list[Difference], policy: Policy) -> None:
    """Templates and segments in one transaction; journeys in another, once the segments they may use are in force."""
    from wend.api.acts import journeys, segments, templates
    from wend.commands.segments import watch
    from wend.engine.publish import PublishError

    async def foundations(conn: Connection) -> None:
        for one in changes:
            if one.kind == "templates":
                await templates.push(conn, one.after, str(folder / one.name), who=WHO)
            elif one.kind == "segments":
                await segments.publish(conn, one.after, who=WHO)

    async def drawings(conn: Connection) -> None:
        for one in changes:
            if one.kind == "journeys" and one.after is not None:
                try:
                    await journeys.publish(conn, one.after, who=WHO, policy=policy)
                except PublishError as error:
                    raise UserError(str(folder / one.name), str(error)) from None

    with_database(config, foundations)
    conditions = [one.id for one in changes if one.kind == "segments" and one.after and "condition" in one.after]
    if conditions:
        watch(config, conditions)
    with_database(config, drawings)


def _tell(found: list[Difference], missing: str) -> None:
    from wend.commands.output import console

    colours = {"+": "green", "-": "red", "@": "cyan"}
    for one in found:
        if one.after is None:
            print(f"{one.name}: {missing}", file=sys.stderr)
            continue
        for line in one.lines():
            console.print(line, style=colours.get(line[:1]), markup=False)


def _verdict(found: list[Difference]) -> None:
    changed = [one.name for one in found if one.after is not None]
    if changed:
        raise Several([f"{name}: differs" for name in changed])
    print("nothing differs")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UserError("terminal", "there is nobody to ask", "add --yes to go ahead, or --check to only look")
    typer.confirm(question, abort=True)
