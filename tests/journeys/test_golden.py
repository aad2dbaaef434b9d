"""Every golden case comes true in memory and on the live engine, with equal effects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from tests.journeys.cases import PERSON, Case, cases, changed, input_of, instant, lines_of

from wend.core.effects import ASK_KINDS, Ask, Send, Step
from wend.core.inputs import Answer, Feedback, MessageState
from wend.core.plan import Plan, PlanChange
from wend.engine.publish import change_life, publish_journey, publish_settings
from wend.engine.replay import Simulation, replies
from wend.engine.replaying import Replay
from wend.engine.segments import publish_segment, segment_live
from wend.store.codec import decode_state, encode_input
from wend.store.log import Appender, NewInput, message_hash
from wend.store.postgres import Pool, fetch_all

CASES = cases()
LIVES = ("pause", "resume", "sunset", "stop")


Outcome = tuple[list[str], dict[str, str], list[str], float]
"""Lines, places, effect ids, score."""


def where(places: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Journey → the nodes where its runs rest, several (branches of a parallel) in alphabetical order."""
    found: dict[str, str] = {}
    for journey, node in sorted({(journey, node) for journey, node in places}):
        found[journey] = f"{found[journey]}, {node}" if journey in found else node
    return found


def in_memory(case: Case) -> Outcome:
    """What the simulation comes to."""

    def outcome(send: Send) -> Iterable[tuple[MessageState, int]]:
        return ((case.outcomes.get(send.node, "accepted"), send.created_at),)  # type: ignore[return-value]

    world = Simulation(Plan.empty(), outcome=outcome, reply=replies(case.answers), now=case.begin)
    versions: dict[str, int] = {}

    def change(kind: Any, at: int, journey: str = "", document: dict[str, Any] | None = None, **more: Any) -> None:
        version = 0
        if kind == "publish":
            version = versions[journey] = versions.get(journey, 0) + 1
        world.change(PlanChange(world.plan.number + 1, at, kind, journey, version, document, **more))

    if case.settings:
        change("settings", case.begin, document=case.settings)
    for one in case.segments:
        world.segment(one)
    for one in [*case.also, case.document]:
        change("publish", case.begin, one["id"], one)
    for one in case.introduction():
        world.feed(PERSON, one, case.begin)
    for line, entry in enumerate(case.timeline):
        at = instant(entry["at"])
        world.advance(at)
        sent = {e.node: (e.id, e.run, e.move) for _, e in world.effects if isinstance(e, Send)}
        found = input_of(entry, line, sent, case.journey)
        if found is not None:
            world.feed(PERSON, found, at)
        elif "publish" in entry:
            change("publish", at, case.journey, changed(case.document, entry["publish"]["change"]), **policy(entry))
        else:
            kind = next(name for name in LIVES if name in entry)
            change(kind, at, entry[kind])
    world.advance(case.until)
    person = world.profiles[PERSON]
    places = where((run.journey, run.node) for run in person.runs)
    effects = [e.id for _, e in world.effects if isinstance(e, Send | Ask)]
    return lines_of([s for _, s in world.steps]), places, effects, person.score


def policy(entry: dict[str, Any]) -> dict[str, Any]:
    """What becomes of people inside, where a line says so."""
    return {name: value for name, value in entry["publish"].items() if name != "change"}


async def on_the_live_engine(case: Case, pool: Pool) -> Outcome:
    """The same, by the engine that runs in production, in replay mode."""

    async def deliver(_: int) -> None:
        async with pool.connection() as conn:
            rows = await fetch_all(
                conn,
                "update outbox set status = 'done' where status = 'queued'"
                " returning outbox_seq, effect_id, at, run, move, journey, node, channel, template, address",
            )
            rows.sort()
            outcomes = [became(case, effect, at, *rest) for _, effect, at, *rest in rows if rest[4] != "alert"]
            inputs = [NewInput(PERSON, one.KIND, encode_input(one), None) for one in outcomes]
            if inputs:
                await Appender(2).append(conn, inputs, at=replay.at)

    def became(case: Case, effect: str, at: int, run: str, move: int, *rest: Any) -> Feedback | Answer:
        if rest[2] in ASK_KINDS:
            said: dict[str, Any] = {"state": "ok", "value": {}, **case.answers.get(rest[1], {})}
            return Answer(effect, at=at, run=run, move=move, **said)
        return Feedback(effect, case.outcomes.get(rest[1], "accepted"), at, run, move, *rest)  # type: ignore[arg-type]

    def row(one: Any) -> NewInput:
        return NewInput(PERSON, one.KIND, encode_input(one), message_hash(one.message_id) if one.message_id else None)

    async with Replay(pool, deliver=deliver) as replay:
        await replay.advance(case.begin)
        async with pool.connection() as conn:
            if case.settings:
                await publish_settings(conn, case.settings)
            for one in case.segments:
                published = await publish_segment(conn, one)
                if "condition" in one:  # nobody is known yet: there is nothing to back-fill
                    await segment_live(conn, one["id"], published.version)
            for one in [*case.also, case.document]:
                await publish_journey(conn, one)
        await replay.append([(case.begin, row(one)) for one in case.introduction()])
        for line, entry in enumerate(case.timeline):
            at = instant(entry["at"])
            sent: dict[str, tuple[str, str, int]] = {}
            if "feedback" in entry:
                await replay.advance(at - 1)
                async with pool.connection() as conn:
                    query = "select node, effect_id, run, move from outbox order by at, outbox_seq"
                    sent = {node: (effect, run, move) for node, effect, run, move in await fetch_all(conn, query)}
            found = input_of(entry, line, sent, case.journey)
            if found is not None:
                await replay.append([(at, row(found))])
                continue
            await replay.advance(at)
            async with pool.connection() as conn:
                if "publish" in entry:
                    await publish_journey(conn, changed(case.document, entry["publish"]["change"]), **policy(entry))
                else:
                    kind: Any = next(name for name in LIVES if name in entry)
                    await change_life(conn, kind, entry[kind])
        await replay.advance(case.until)
    async with pool.connection() as conn:
        steps = await fetch_all(
            conn,
            "select kind, at, journey, version, run, move, node, branch, why, until, detail from step order by at, ordinal",
        )
        places = await fetch_all(conn, "select journey, node from place")
        effects = await fetch_all(conn, "select effect_id from outbox order by at, outbox_seq")
        states = await fetch_all(conn, "select state, attributes from profile where id = %s", (PERSON,))
    found_steps = [Step(*values, detail=None if detail is None else json.loads(detail)) for *values, detail in steps]
    person = decode_state(PERSON, *states[0])
    return lines_of(found_steps), where(places), [effect for (effect,) in effects], person.score


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_case_comes_true_in_memory(case: Case) -> None:
    lines, places, _, score = in_memory(case)
    assert lines == case.expect
    assert places == case.waiting
    assert case.score in (None, score)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_case_comes_true_on_the_live_engine(case: Case, pool: Pool) -> None:
    lines, places, effects, score = await on_the_live_engine(case, pool)
    assert lines == case.expect
    assert places == case.waiting
    assert (effects, score) == in_memory(case)[2:]
