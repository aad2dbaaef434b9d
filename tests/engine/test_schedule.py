"""Schedules: each due is fired once, whatever crashes and however many look; the same in simulation, replay and live."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.world import DAY, HOUR, MINUTE, World, new_input

from wend.core.inputs import Event, Identify, ListChange
from wend.core.journey.document import parse
from wend.core.journey.triggers import Schedule
from wend.core.plan import Plan, PlanChange
from wend.engine.broadcast import Audience, Broadcasts, begin, fire_due
from wend.engine.plans import PlanBook
from wend.engine.publish import change_life, publish_journey
from wend.engine.recurrence import latest_due, next_due
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay
from wend.engine.schedule import fire, schedule_problems, work
from wend.engine.segments import publish_segment
from wend.store.postgres import make_pool

NODES = {
    "n": {"set_attribute": {"attribute": "at", "value": {"entry": "scheduled"}}, "next": "over"},
    "over": {"end": {}},
}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


MONDAY = ms("2026-03-02 10:00")


def journey(on: Any, **more: Any) -> dict[str, Any]:
    return {"id": "j", "name": "J", "entry": {"on": on, **more}, "nodes": NODES, "start": "n"}


DAILY = {"date": {"rrule": "FREQ=DAILY", "at": "09:00"}}
WEEKLY = {"rrule": "FREQ=WEEKLY;BYDAY=MO", "at": "09:00", "zone": "Europe/Berlin"}


def due(rule: str, after: str, **more: Any) -> str:
    found = next_due(Schedule(rule, **more), MONDAY, "UTC", ms(after))
    return "never" if found is None else datetime.fromtimestamp(found / 1000, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("rule", "after", "more", "wanted"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "2026-03-02 10:00", {"at": "09:00"}, "2026-03-09 09:00"),
        ("FREQ=WEEKLY;BYDAY=MO", "2026-03-23 10:00", {"at": "09:00", "zone": "Europe/Berlin"}, "2026-03-30 07:00"),
        ("FREQ=WEEKLY", "2026-03-03 10:00", {}, "2026-03-09 00:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-03-03 10:00", {}, "2026-03-16 00:00"),
        ("FREQ=DAILY;COUNT=3", "2026-03-03 10:00", {"first": "2026-03-02"}, "2026-03-04 00:00"),
        ("FREQ=DAILY;COUNT=3", "2026-03-04 10:00", {"first": "2026-03-02"}, "never"),
        ("FREQ=DAILY;UNTIL=20260304", "2026-03-03 10:00", {"at": "23:00"}, "2026-03-03 23:00"),
        ("FREQ=DAILY;UNTIL=20260304", "2026-03-04 23:00", {"at": "23:00"}, "never"),
        ("FREQ=DAILY;UNTIL=20260304T120000Z", "2026-03-04 00:00", {"at": "11:00"}, "2026-03-04 11:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-03-03 10:00", {}, "2026-03-31 00:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-03-03 10:00", {}, "2028-02-29 00:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-03-03 10:00", {}, "never"),
        # Clocks go forward at 02:00, back at 03:00.
        ("FREQ=DAILY", "2026-03-28 12:00", {"at": "02:30", "zone": "Europe/Berlin"}, "2026-03-29 01:00"),
        ("FREQ=DAILY", "2026-10-24 12:00", {"at": "02:30", "zone": "Europe/Berlin"}, "2026-10-25 00:30"),
        ("FREQ=HOURLY;BYHOUR=8", "2026-03-03 10:00", {}, "2026-03-04 08:00"),
        ("FREQ=DAILY", "2026-03-03 10:00", {"first": "9998-12-01"}, "9998-12-01 00:00"),
    ],
)
def test_when_a_schedule_falls_due(rule: str, after: str, more: dict[str, Any], wanted: str) -> None:
    assert due(rule, after, **more) == wanted


@settings(max_examples=60, deadline=None)
@given(
    freq=st.sampled_from(["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    more=st.sampled_from(["", ";INTERVAL=3", ";BYDAY=MO,TU", ";BYMONTH=2,5", ";INTERVAL=2;BYMONTH=3"]),
    end=st.sampled_from(["", ";COUNT=400", ";UNTIL=20290101"]),
    first=st.dates(date(2020, 1, 1), date(2026, 12, 31)),
    ahead=st.integers(0, 300 * DAY),
)
def test_the_search_is_a_short_cut_of_the_librarys(freq: str, more: str, end: str, first: Any, ahead: int) -> None:
    from dateutil.rrule import rrulestr  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    rule, after = f"FREQ={freq}{more}{end}", MONDAY + ahead
    mine = next_due(Schedule(rule, "09:00", None, first.isoformat()), MONDAY, "UTC", after)
    plain: Any = rrulestr(rule, dtstart=datetime.fromisoformat(f"{first}T09:00"))
    found = plain.after(datetime.fromtimestamp(after / 1000, UTC).replace(tzinfo=None))
    assert mine == (None if found is None else int(found.replace(tzinfo=UTC).timestamp() * 1000))


def test_of_what_was_missed_the_latest_is_told() -> None:
    daily = Schedule("FREQ=DAILY", "09:00")
    assert latest_due(daily, MONDAY, "UTC", MONDAY, MONDAY + 3 * DAY) == MONDAY + 3 * DAY - HOUR
    assert latest_due(daily, MONDAY, "UTC", MONDAY, MONDAY + HOUR) is None


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ({"date": {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}}, "entry.on.date.rrule: 'FREQ=DAILY;BYMONTH=2"),
        ({"date": {"rrule": "FREQ=DAILY;UNTIL=20200101"}}, "entry.on.date.rrule: 'FREQ=DAILY;UNTIL=20200101' never"),
        (
            ["api", {"in_segment": "vip", "schedule": {"rrule": "FREQ=DAILY;BYDAY=XX"}}],
            "entry.on[1].schedule.rrule: 'FREQ=DAILY;BYDAY=XX' is not a rule: invalid 'BYDAY': XX",
        ),
        ({"date": {"rrule": "FREQ=DAILY;UNTIL=20269999"}}, "entry.on.date.rrule: 'FREQ=DAILY;UNTIL=20269999' is not"),
        (DAILY, ""),
        ("api", ""),
    ],
)
def test_rules_that_never_come_are_named_before_publishing(on: Any, message: str) -> None:
    document = parse(journey(on), [])
    assert document is not None
    found = [str(one) for one in schedule_problems(document, MONDAY, "UTC")]
    assert found == [] if not message else found[0].startswith(message)


# --- simulation and replay ---


def plan_of(*documents: dict[str, Any], at: int = MONDAY) -> Plan:
    plan = Plan.empty()
    for document in documents:
        plan = plan.apply(PlanChange(plan.number + 1, at, "publish", document["id"], 1, document))
    return plan


def starts(simulation: Simulation) -> list[tuple[int, str]]:
    return [
        (id, datetime.fromtimestamp(one.at / 1000, UTC).strftime("%m-%d %H:%M"))
        for id, one in simulation.steps
        if one.kind == "started"
    ]


def test_in_a_simulation_a_schedule_fires_when_the_clock_passes_it() -> None:
    simulation = Simulation(plan_of(journey(DAILY, where={"attribute": "city", "is": "Oslo"})), now=MONDAY)
    simulation.feed(2, Identify({"city": "Oslo"}, MONDAY))
    simulation.feed(1, Identify({"city": "Oslo"}, MONDAY))
    simulation.feed(3, Identify({"city": "Rome"}, MONDAY))
    simulation.advance(MONDAY + 2 * DAY)
    assert starts(simulation) == [(1, "03-03 09:00"), (2, "03-03 09:00"), (1, "03-04 09:00"), (2, "03-04 09:00")]
    assert simulation.profiles[1].attributes["at"] == ms("2026-03-04 09:00")
    assert [one for _, one in simulation.steps if one.kind == "refused"] == []


def test_in_a_simulation_members_are_started_on_schedule_and_at_publishing() -> None:
    simulation = Simulation(Plan.empty(), now=MONDAY)
    simulation.feed(1, Identify({"city": "Oslo"}, MONDAY))
    simulation.feed(2, Identify({"city": "Rome"}, MONDAY))
    simulation.segment({"id": "vip", "condition": {"attribute": "city", "is": "Oslo"}})
    on = [{"segment_entered": "vip", "include_members": True}, {"in_segment": "vip", "schedule": WEEKLY}]

    def publish(version: int, name: str) -> None:
        document = {**journey(on), "name": name}
        simulation.change(PlanChange(simulation.plan.number + 1, simulation.now, "publish", "j", version, document))

    publish(1, "J")
    assert starts(simulation) == [(1, "03-02 10:00")]
    publish(2, "Other name")
    simulation.feed(2, Identify({"city": "Oslo"}, MONDAY + HOUR), at=MONDAY + HOUR)
    assert starts(simulation)[1:] == [(2, "03-02 11:00")], "entered; those inside are not started again"
    simulation.advance(MONDAY + 7 * DAY)
    assert starts(simulation)[2:] == [(1, "03-09 08:00"), (2, "03-09 08:00")]


def test_a_paused_journey_does_not_make_up_for_what_it_missed() -> None:
    """Rule 9."""
    simulation = Simulation(plan_of(journey(DAILY)), now=MONDAY)
    simulation.feed(1, Identify({}, MONDAY))
    simulation.change(PlanChange(2, MONDAY + HOUR, "pause", "j"))
    simulation.advance(MONDAY + 3 * DAY)
    assert starts(simulation) == []
    simulation.change(PlanChange(3, MONDAY + 3 * DAY, "resume", "j"))
    simulation.advance(MONDAY + 4 * DAY)
    assert starts(simulation) == [(1, "03-06 09:00")]
    simulation.change(PlanChange(4, MONDAY + 4 * DAY, "stop", "j"))
    simulation.advance(MONDAY + 9 * DAY)
    assert len(starts(simulation)) == 1


async def test_a_replay_fires_at_replay_time_as_a_simulation_does(world: World) -> None:
    document = journey([DAILY, {"event": "Go"}])
    told = [(1, Identify({}, MONDAY)), (2, Event("Go", MONDAY + HOUR)), (3, Event("Go", MONDAY + 3 * DAY))]
    async with Replay(world.pool) as replay:
        async with world.pool.connection() as conn:
            await conn.execute("update head set at = %s", (MONDAY,))
        async with world.pool.connection() as conn:
            await publish_journey(conn, document)
        await replay.append([(one.at, new_input(id, one)) for id, one in told])
        await replay.advance(MONDAY + 5 * DAY)
        simulation = Simulation(plan_of(document), now=MONDAY)
        for id, one in told:
            simulation.feed(id, one, at=one.at)
        simulation.advance(MONDAY + 5 * DAY)
        found = await world.rows("select profile_id, at from step where kind = 'started' order by at, profile_id")
        assert found == sorted(
            ((id, one.at) for id, one in simulation.steps if one.kind == "started"), key=lambda s: s[::-1]
        )
        assert len(found) == 2 + 5 * 2 + 2


# --- live ---


async def watched(world: World, *on: Any) -> None:
    world.clock.now = MONDAY
    await world.publish(journey(list(on)))
    await world.known(1, 2, 3, 4, 5)
    await world.run()


async def settle(world: World, *broadcasts: Broadcasts) -> None:
    """Look and apply until everybody has been told."""
    while True:
        await asyncio.gather(*(one.look() for one in broadcasts))
        await world.run()
        if not await world.rows("select from broadcast where ended_at is null"):
            return


async def fired(world: World) -> int:
    return (await world.rows("select count(*) from broadcast"))[0][0]


async def test_a_due_is_fired_once_and_everybody_is_started(world: World) -> None:
    await watched(world, DAILY)
    broadcasts = Broadcasts(world.pool, world.clock)
    await settle(world, broadcasts)
    assert await fired(world) == 0
    for days in (1, 2):
        world.clock.now = MONDAY + days * DAY - 30 * MINUTE
        await settle(world, broadcasts)
        assert await fired(world) == days
        await world.run()
        found = await world.rows("select profile_id from step where kind = 'started' order by 1")
        assert found == [(id,) for id in (1, 2, 3, 4, 5) for _ in range(days)]
    assert (await world.profile(3)).attributes["at"] == ms("2026-03-04 09:00")


async def test_after_downtime_the_latest_missed_due_is_fired_once(world: World) -> None:
    await watched(world, DAILY)
    broadcasts = Broadcasts(world.pool, world.clock)
    await broadcasts.look()
    world.clock.now = MONDAY + 5 * DAY
    await settle(world, broadcasts)
    assert await fired(world) == 1
    assert (await world.profile(1)).attributes["at"] == ms("2026-03-07 09:00")
    assert await world.rows("select due from schedule") == [(ms("2026-03-08 09:00"),)]


async def test_several_who_look_at_once_fire_each_due_once(world: World) -> None:
    await watched(world, DAILY, {"date": {"rrule": "FREQ=HOURLY"}})
    many = [Broadcasts(world.pool, world.clock) for _ in range(4)]
    for hours in range(1, 6):
        world.clock.now = MONDAY + hours * HOUR
        await asyncio.gather(*(one.look() for one in many))
    assert await fired(world) == 5
    await settle(world, *many)
    assert await world.rows("select profile_id, count(*) from step where kind = 'started' group by 1 order by 1") == [
        (id, 5) for id in (1, 2, 3, 4, 5)
    ]


async def test_a_crash_while_firing_neither_loses_nor_repeats_a_due(world: World) -> None:
    await watched(world, DAILY)
    world.clock.now = MONDAY + DAY
    book = PlanBook()
    async with make_pool(world.url, smallest=1, largest=1) as pool:
        conn = await pool.getconn()
        newest = (await work(conn))[1]
        for one in await fire(conn, await book.plan(conn, newest), world.clock.now):
            await begin(conn, Audience(), one.start(world.clock.now), one.what, now=world.clock.now)
        await conn.close()  # it dies just before it commits
        await pool.putconn(conn)
    assert await fired(world) == 0
    async with world.pool.connection() as conn:
        assert await fire_due(conn, book, world.clock.now)
        assert not await fire_due(conn, book, world.clock.now)
    assert await fired(world) == 1


def test_a_rule_that_nobody_can_read_and_that_came_in_all_the_same_never_falls_due() -> None:
    simulation = Simulation(plan_of(journey({"date": {"rrule": "FREQ=DAILY;BYDAY=XX"}})), now=MONDAY)
    simulation.feed(1, Identify({}, MONDAY))
    simulation.advance(MONDAY + 9 * DAY)
    assert starts(simulation) == []


async def test_members_at_publishing_are_started_once_over_all_versions(world: World) -> None:
    world.clock.now = MONDAY
    await world.known(1, 2, 3)
    await world.append((2, Identify({"city": "Oslo"}, MONDAY)))
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        await publish_segment(conn, {"id": "friends", "list": True})
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
    world.clock.now += HOUR
    await world.append(*((id, ListChange("friends", world.clock.now)) for id in (2, 3)), at=world.clock.now)
    await world.run()
    broadcasts = Broadcasts(world.pool, world.clock)
    document = journey({"segment_entered": "friends", "include_members": True})
    for name in ("One", "Two"):
        world.clock.now += HOUR
        await world.publish({**document, "name": name})
        await world.run()
        await settle(world, broadcasts)
    assert await world.rows("select profile_id from step where kind = 'started' order by 1") == [(2,), (3,)]
    async with world.pool.connection() as conn:
        await change_life(conn, "stop", "j")
    await broadcasts.look()
    assert await world.rows("select * from schedule") == []


async def test_publishing_a_date_trigger_brings_those_who_have_the_date_under_watch(world: World) -> None:
    """Rule 8: idle people are lifted, and only who has the attribute is looked at."""
    world.clock.now = MONDAY
    told: list[tuple[int, Identify]] = [(id, Identify({"city": "Oslo"}, MONDAY)) for id in range(1, 9)]
    told += [(2, Identify({"birthday": "1990-03-05"}, MONDAY)), (3, Identify({"birthday": "1990-03-02"}, MONDAY))]
    await world.append(*told)
    await world.run()
    world.clock.now = MONDAY + HOUR
    await world.publish(journey({"date": {"attribute": "birthday", "anniversary": True, "at": "09:00"}}))
    results = await world.run()
    world.clock.now += MINUTE
    results += await world.run()
    assert sum(one.wakes for one in results) == 2
    assert await world.rows("select count(*) from profile where wakes_at is not null") == [(2,)]
    world.clock.now = MONDAY + 10 * DAY
    await world.run()
    assert await world.rows("select profile_id, at from step where kind = 'started'") == [(2, ms("2026-03-05 09:00"))]
    world.clock.now = MONDAY + 370 * DAY
    await world.run()
    found = await world.rows("select profile_id, at from step where kind = 'started' order by at")
    assert found[1:] == [(3, ms("2027-03-02 09:00")), (2, ms("2027-03-05 09:00"))]
