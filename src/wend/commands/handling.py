"""`wend journey put | out | skip | test`: an operator's hand on people, and trying a live journey with a test person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import Several

if TYPE_CHECKING:
    from wend.api.acts.handling import Action, Done
    from wend.config import Config
    from wend.store.postgres import Connection

Journey = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's id.", show_default=False)]
People = Annotated[
    list[str] | None,
    typer.Option("--person", metavar="PERSON", help="Profile id or any identifier; any number of times."),
]
Segment = Annotated[str, typer.Option("--segment", metavar="SEGMENT", help="Everybody in this segment or list.")]
Resting = Annotated[str, typer.Option("--node", metavar="NODE", help="Only those who rest there.")]

_POLL = 0.3  # seconds


def add_to(app: typer.Typer) -> None:
    """Add the commands to `wend journey`."""
    for command in (put, out, skip, test):
        app.command()(command)


def put(
    journey: Journey,
    person: People = None,
    segment: Segment = "",
    node: Annotated[
        str, typer.Option("--node", metavar="NODE", help="Where to put them in; the start when left out.")
    ] = "",
    data: Data = None,
) -> None:
    """Put people into a journey, whatever its triggers are; its rule of re-entry and its limits hold."""
    _tell(_act(settings(data), "put", journey, person, segment, node))


def out(
    journey: Journey,
    person: People = None,
    segment: Segment = "",
    node: Resting = "",
    data: Data = None,
) -> None:
    """Take people out of a journey."""
    _tell(_act(settings(data), "out", journey, person, segment, node))


def skip(
    journey: Journey,
    person: People = None,
    segment: Segment = "",
    node: Resting = "",
    data: Data = None,
) -> None:
    """Let people skip the wait they are in."""
    _tell(_act(settings(data), "skip", journey, person, segment, node))


def test(
    journey: Journey,
    person: Annotated[
        str, typer.Option("--person", metavar="PERSON", help="Profile id or any identifier.", show_default=False)
    ],
    most: Annotated[int, typer.Option("--seconds", min=1, help="Stop following after so many seconds.")] = 300,
    data: Data = None,
) -> None:
    """Run a live journey on one person with short waits, and follow it: marks the person as a test person, starts, prints each step."""
    from wend.commands.why import person as person_of

    config = settings(data)
    id = with_database(config, lambda conn: person_of(conn, person))
    since = with_database(config, lambda conn: _mark(conn, id))
    _act(config, "put", journey, [str(id)], "", "")
    asyncio.run(_follow(config, id, journey, since, most))


def _act(config: Config, action: Action, journey: str, person: list[str] | None, segment: str, node: str) -> Done:
    from wend.api.acts import handling

    wanted = handling.Wanted(action, journey, person or (), segment, node)
    try:
        return with_database(config, lambda conn: handling.act(conn, wanted, who=WHO))
    except handling.Refused as refused:
        raise Several([str(one) for one in refused.problems]) from None


def _tell(done: Done) -> None:
    if done.broadcast:
        print(f"they are told in chunks, as broadcast {done.broadcast}; `wend why` says what came of it for each")
    else:
        print(f"{done.people} told; `wend why` says what came of it for each")


async def _mark(conn: Connection, id: int) -> int:
    """Make somebody a test person; returns the log time. Without the setting `test` the usual one is brought into force."""
    from wend.api.acts.audit import audit
    from wend.api.acts.settings import publish
    from wend.core.inputs import Identify
    from wend.core.journey.waiting import DEFAULT
    from wend.engine.plans import load_plan
    from wend.store.clock import now_ms
    from wend.store.codec import encode_input
    from wend.store.log import NewInput, append

    setting: dict[str, Any] | None = (await load_plan(conn)).settings.get("test")
    if setting is None:
        setting = {"tag": "test-person", "wait": DEFAULT}
        await publish(conn, {"test": setting}, who=WHO)
        print(f"setting test is now {setting}: people with this tag are test people")
    mark = Identify({}, await now_ms(conn), tags=[setting["tag"]])
    at = await append(conn, [NewInput(id, Identify.KIND, encode_input(mark))])
    await audit(conn, WHO, f"person {id} is a test person", {"tag": setting["tag"]})
    return at


async def _follow(config: Config, id: int, journey: str, since: int, most: int) -> None:
    """Print the steps of the person in the journey as they come, until the run is over."""
    from wend.commands.database import opened
    from wend.reports.sentences import clock, step_sentence
    from wend.reports.timeline import steps_since

    seen = (since, 0)
    deadline = asyncio.get_running_loop().time() + most
    async with opened(config) as conn:
        while asyncio.get_running_loop().time() < deadline:
            for step in await steps_since(conn, id, journey, seen):
                seen = step["at"], step["ordinal"]
                print(f"{clock(step['at'])}: {step_sentence(step)}", flush=True)
                if step["kind"] in ("ended", "refused") and "." not in step["run"]:
                    return
            await conn.commit()
            await asyncio.sleep(_POLL)
    print(f"still on its way after {most} s; `wend why {id} {journey}` says where")
