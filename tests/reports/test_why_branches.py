"""Why, of a run that goes several ways at once: one run, with the places of its branches."""

from __future__ import annotations

from wend.core.inputs import Event
from wend.engine.plans import PlanBook
from wend.engine.publish import publish_journey
from wend.engine.replaying import Replay
from wend.reports.sentences import sentences
from wend.reports.why import why
from wend.store.codec import encode_input
from wend.store.log import NewInput
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

BEGIN = 1_772_445_600_000
HOUR = 3_600_000

DOCUMENT = {
    "id": "ways",
    "entry": {"on": {"event": "Go"}},
    "start": "both",
    "nodes": {
        "both": {"parallel": ["left", "right"], "left": "short", "right": "long"},
        "short": {"wait": "1h", "next": "met"},
        "long": {"wait": "3h", "next": "met"},
        "met": {"join": {}, "next": "over"},
        "over": {"end": "over"},
    },
}


async def nothing(_: int) -> None:
    """No message is sent."""


async def test_a_run_with_branches_is_one_run_and_told_where_its_branches_are(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, largest=3) as pool:
        async with Replay(pool, deliver=nothing) as replay:
            await replay.advance(BEGIN)
            async with pool.connection() as conn:
                await publish_journey(conn, DOCUMENT)
            event = Event("Go", BEGIN + 1)
            await replay.append([(BEGIN + 1, NewInput(7, "event", encode_input(event), None))])
            await replay.advance(BEGIN + 10)
            async with pool.connection() as conn:
                inside = sentences(await why(conn, 7, "ways", PlanBook()))
            await replay.advance(BEGIN + 4 * HOUR)
        async with pool.connection() as conn:
            after = sentences(await why(conn, 7, "ways", PlanBook()))
    assert inside[0].endswith(
        "is in 'ways' now, at both (At once: left, right). Its branches are at long (Wait 3 h), short (Wait 1 h)."
    )
    assert after[0].endswith("went through 'ways' once and is not in it now.")
    told = "\n".join(after)
    assert told.count("Run 7-1, version 1:") == 1
    assert told.count("a branch is over at met") == 2 and "ended at over" in told
