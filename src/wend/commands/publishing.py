"""Publishing several documents in one transaction, with errors that name the file; the impact on people inside, shown and asked about."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from wend.api.acts import journeys as acts
from wend.api.acts import publishing
from wend.commands.database import WHO
from wend.commands.errors import Several, UserError
from wend.commands.output import refuse, table, warnings
from wend.core.plan import Policy
from wend.core.zone import parse_instant
from wend.engine.publish import MoveRefused, PublishError
from wend.reports.sentences import clock
from wend.store.postgres import Connection

Documents = list[tuple[Path, Any]]


def mapping_of(maps: list[str] | None) -> dict[str, str] | None:
    """`old=new` texts as a mapping. UserError when one has another form."""
    found: dict[str, str] = {}
    for one in maps or ():
        old, equals, new = one.partition("=")
        if not (old and equals and new):
            raise UserError(
                "--map", f"{one!r} does not have the form old=new", "name a node that is gone, and where to go on"
            )
        found[old] = new
    return found or None


def instant(text: str) -> int:
    """An instant in UTC as ms. UserError when it is none."""
    found = parse_instant(text, "UTC")
    if found is None:
        raise UserError("--at", f"{text!r} is no instant", "write it such as '2026-12-01 09:00' (UTC)")
    return found


def ask(yes: bool) -> None:
    """Ask whether to go on; `yes`: it was said beforehand. UserError when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("publish", "nobody can be asked here", "look at the impact above, then say --yes")
    if not typer.confirm("Publish?"):
        raise UserError("publish", "nothing was published", "people inside are where they were")


async def publish_all(
    conn: Connection, documents: Documents, policy: Policy = "keep", mapping: Mapping[str, str] | None = None
) -> list[acts.Published]:
    """Publish each document, in the caller's transaction; warnings are printed. Raises Several or UserError."""
    done: list[acts.Published] = []
    for path, raw in documents:
        with told(str(path)):
            published = await acts.publish(conn, raw, who=WHO, policy=policy, mapping=mapping)
        warnings(published.warnings, str(path))
        done.append(published)
    return done


async def show_impact(
    conn: Connection, documents: Documents, policy: Policy, mapping: Mapping[str, str] | None
) -> None:
    """Print what publishing would do to the people inside. Raises Several with everything that refuses it."""
    lines: list[str] = []
    for path, raw in documents:
        with told(str(path)):
            found = await publishing.impact_of(conn, raw, policy, mapping)
        rows = [
            (one.node, one.version, one.waiting, _where(one.fate, one.to), _at_once(one.at_once)) for one in found.nodes
        ]
        head = ("Node", "Version", "Inside", "Would", "Goes on at once")
        table(head, rows, empty=f"{path}: nobody is inside.")
        if rows:
            print(f"{path}: {found.inside} inside, {found.at_once} go on at once, {found.leaving} leave")
        lines += [f"{path}: {one}" for one in found.problems if one.level == "error"]
    if lines:
        raise Several(lines)


def _where(fate: str, to: str | None) -> str:
    return {
        "stays": "stay on their version",
        "same": "go on there",
        "mapped": f"go on at {to}",
        "removed": "have no place: --map",
        "leaves": "leave" if to is None else f"leave at {to}",
        "ends": "end their branch",
    }[fate]


def _at_once(n: int | None) -> object:
    return "depends on each" if n is None else n


async def schedule_all(
    conn: Connection, documents: Documents, at: int, policy: Policy, mapping: Mapping[str, str] | None
) -> None:
    """Let each document be published at `at`. Raises Several or UserError."""
    for path, raw in documents:
        with told(str(path)):
            id, problems = await publishing.schedule(conn, raw, at, who=WHO, policy=policy, mapping=mapping)
        warnings(problems, str(path))
        print(f"{raw['id']}: will be published at {clock(at)}, as number {id}")


@contextmanager
def told(name: str) -> Generator[None]:
    """What publishing refuses, told about the file or journey `name`."""
    try:
        yield
    except acts.Refused as refused:
        warnings(refused.problems, name)
        raise refuse(refused.problems, name) from None
    except MoveRefused as refused:
        raise refuse(refused.problems, name) from None
    except PublishError as error:
        raise UserError(name, str(error)) from None
    except publishing.NoVersion as error:
        raise UserError(name, str(error), "`wend journey versions` shows them") from None
    except publishing.BadInstant as error:
        raise UserError("--at", str(error), "name an instant of the next year") from None
