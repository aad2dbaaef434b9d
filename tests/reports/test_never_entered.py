"""Why somebody never entered (journeys.md rule 11, engine.md 25): worked out from the log, each judgement that of its moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.engine.world import DAY, HOUR, START, World

from wend.core.condition.base import View
from wend.core.condition.syntax import parse as parse_condition
from wend.core.inputs import Identify
from wend.core.profile import Profile
from wend.engine.plans import PlanBook
from wend.engine.publish import publish_journey, publish_settings
from wend.engine.segments import publish_segment
from wend.reports import retelling
from wend.reports.explain import explain
from wend.reports.sentences import sentences
from wend.reports.why import why
from wend.store.migrate import migrate
from wend.store.postgres import make_pool


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, smallest=1, largest=4) as pool:
        yield World(pool, 2, database_url)


def journey(on: Any, **entry: Any) -> dict[str, Any]:
    return {
        "id": "j",
        "name": "J",
        "entry": {"on": on, **entry},
        "nodes": {"w": {"wait": "1h", "next": "done"}, "done": {"end": {}}},
        "start": "w",
    }


async def told(world: World, id: int = 1) -> list[str]:
    """What `why` says, after everything was applied."""
    async with world.pool.connection() as conn:
        return sentences(await why(conn, id, "j", PlanBook()))


async def test_rule_11_a_trigger_that_was_heard_says_which_condition_was_false_then_and_on_which_value(
    world: World,
) -> None:
    await world.publish(
        journey({"event": "Bought", "where": {"property": "total", "gt": 50}}, where={"attribute": "plan", "is": "pro"})
    )
    await world.append((1, Identify({"plan": "free"}, world.clock.now)))
    await world.event(1, "Bought", total=20)
    world.clock.now += HOUR
    await world.event(1, "Bought", total=70)
    await world.append((1, Identify({"plan": "pro"}, world.clock.now)))
    await world.run()
    lines = await told(world)
    assert lines[0].endswith("never entered 'j'.")
    assert any("event Bought was heard 2 times" in line for line in lines)
    assert "property total gt 50 does not hold: it was 20." in lines[3]
    assert "attribute plan is 'pro' does not hold: it was 'free'." in lines[4], "it is pro today, but it was not then"


async def test_rule_11_events_before_the_publication_or_of_which_an_older_version_did_not_hear_say_so(
    world: World,
) -> None:
    await world.event(1, "Bought")
    world.clock.now += HOUR
    await world.publish(journey({"event": "Looked"}))
    await world.event(1, "Bought")
    world.clock.now += HOUR
    await world.publish(journey({"event": "Bought"}))
    await world.run()
    lines = await told(world)
    assert any("not published yet" in line for line in lines) and any(
        "version 1 did not listen" in line for line in lines
    )


NEVER: list[tuple[Any, str]] = [
    ({"event": "Bought"}, "no event Bought of theirs was received"),
    ({"score_crossed": {"above": 50}}, "no score above 50 of theirs was received (their score is 0 today)"),
    ({"score_crossed": {"below": -5}}, "no score below -5"),
    ({"tag_added": "vip"}, "no tag vip of theirs was received (they do not carry it today)"),
    ({"attribute_changed": "city"}, "(the attribute is 'Oslo' today)"),
    ({"attribute_changed": "plan"}, "(they have no such attribute today)"),
    ({"message_opened": {}}, "no message opened"),
    ({"geofence_entered": "store"}, "entering geofence store of theirs was received (they are outside today)"),
    ({"segment_entered": "vips"}, "entering segment vips of theirs was received (they are not in it today)"),
    ({"segment_exited": "vips"}, "leaving segment vips"),
    (
        {"in_segment": "vips", "schedule": {"rrule": "FREQ=DAILY"}},
        "Its trigger 'schedule for everybody in segment vips' goes to everybody",
    ),
    ("api", "no start by a call (api)"),
    ("profiles", "no start by a list of people"),
    ("journey", "no start by another journey"),
    ({"date": {"rrule": "FREQ=DAILY"}}, "Its trigger 'schedule' goes to everybody"),
    ({"date": {"attribute": "birthday"}}, "date in attribute birthday"),
    ({"business_event": "Price Dropped", "linked": {"recent": "viewed"}}, "business event Price Dropped"),
    ({"stage_changed": {"to": "sql"}}, "no stage sql of theirs was received (they have reached no stage yet)"),
]


async def test_rule_11_every_kind_of_trigger_that_was_never_heard_says_so(world: World) -> None:
    stages = [{"id": "mql", "when": {"event": "X"}}, {"id": "sql", "when": {"event": "Y"}}]
    await world.append((1, Identify({"city": "Oslo"}, world.clock.now)))
    async with world.pool.connection() as conn:
        await publish_settings(conn, {"funnel": {"stages": stages}})
        await publish_segment(conn, {"id": "vips", "list": True})
        for number, (on, _) in enumerate(NEVER):
            await publish_journey(conn, {**journey(on), "id": f"j{number}"})
    await world.run()
    async with world.pool.connection() as conn:
        for number, (_, wanted) in enumerate(NEVER):
            lines = sentences(await why(conn, 1, f"j{number}", PlanBook()))
            assert any(wanted in line for line in lines), lines


async def test_rule_11_what_was_heard_of_other_kinds_is_judged_at_its_moment_too(world: World) -> None:
    await world.publish(journey([{"tag_added": "vip"}, {"attribute_changed": "city"}], where={"score": {"gte": 5}}))
    await world.append((1, Identify({"city": "Oslo"}, world.clock.now, tags=["vip"])))
    await world.run()
    lines = await told(world)
    assert any("tag vip added: it started nothing: score" in line and "it was 0" in line for line in lines), lines
    assert any("attribute city changed: it started nothing" in line for line in lines)


async def test_the_log_is_read_only_so_far_and_the_answer_says_how_far(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(journey({"event": "Bought"}, where={"attribute": "plan", "is": "pro"}))
    await world.append((1, Identify({"plan": "free"}, world.clock.now)))
    await world.event(1, "Bought")
    world.clock.now += 2 * DAY
    await world.event(1, "Bought")
    monkeypatch.setattr(retelling, "MOST", 1)
    await world.run()
    lines = await told(world)
    assert any("was heard once" in line for line in lines) and any("looked through back to" in line for line in lines)
    assert any("it was 'free'" in line for line in lines), "what was known before is taken as it is today"


async def test_reading_that_takes_too_long_is_given_up_and_the_answer_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(journey({"event": "Bought"}, where={"attribute": "plan", "is": "pro"}))
    await world.event(1, "Bought")
    await world.run()
    monkeypatch.setattr(retelling, "SECONDS", 0.2)
    async with world.pool.connection() as busy:
        await busy.execute("lock table log in access exclusive mode")
        lines = await told(world)
    assert any("looked through back to" in line for line in lines)


def view(**attributes: Any) -> View:
    return View(Profile(1, attributes, tags=["a"], stage="mql"), START, properties={"x": 1}, context={"page": "p"})


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"attribute": "plan", "is": "pro"}, ["attribute plan is 'pro' does not hold: there was none"]),
        ({"attribute": "city", "is": "Oslo"}, []),
        ({"all": [{"attribute": "city", "is": "Oslo"}, {"tag": "b"}]}, ["tag b does not hold: it was ['a']"]),
        (
            {"any": [{"property": "x", "is": 2}, {"context": "page", "is": "q"}]},
            ["property x is 2 does not hold: it was 1", "context page is 'q' does not hold: it was 'p'"],
        ),
        ({"not": {"attribute": "city", "is": "Oslo"}}, ["attribute city is 'Oslo' holds: it was 'Oslo'"]),
        ({"event": "E", "count": {"gte": 2}}, ["event E count gte 2 does not hold"]),
        ({"stage": "sql"}, ["stage sql does not hold: it was 'mql'"]),
    ],
)
def test_a_condition_explains_itself_by_its_false_parts(raw: Any, wanted: list[str]) -> None:
    condition = parse_condition(raw, "", [], inside=frozenset({"event", "journey"}))
    assert condition is not None
    assert explain(condition, view(city="Oslo")) == wanted
