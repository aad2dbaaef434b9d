"""Who is who: intake.md "Identity", engine.md 13, with the rows that the engine gets to see."""

import asyncio
import random

from wend.api.acts.identity import merge
from wend.intake.items import Envelope, ItemReader
from wend.intake.limits import Limits
from wend.intake.resolve import Cache
from wend.intake.writing import Writer
from wend.store.clock import DatabaseClock
from wend.store.log import Appender
from wend.store.postgres import make_pool

READER = ItemReader(Limits())


def track(user=None, anonymous=None, event="E"):
    return {"type": "track", "event": event, "userId": user, "anonymousId": anonymous}


def identify(user=None, anonymous=None, **traits):
    return {"type": "identify", "userId": user, "anonymousId": anonymous, "traits": traits}


def alias(previous, user=None, anonymous=None):
    return {"type": "alias", "previousId": previous, "userId": user, "anonymousId": anonymous}


async def send(world, *items):
    answer = await world.post("/v1/batch", {"batch": list(items)})
    assert answer.content == b'{"success": true}', answer.text


async def people(world):
    """identifier → person, the persons named A, B, … in the order in which the log first names them."""
    names = {}
    for person, _, _ in await world.log():
        names.setdefault(person, chr(ord("A") + len(names)))
    rows = await world.rows("select namespace, value, profile_id from identifier order by namespace, value")
    return {f"{row[0]}:{row[1]}": names.get(row[2], "?") for row in rows}


async def story(world):
    """(kind or event name, person) in the order of the log."""
    names = {}
    found = []
    for person, kind, payload in await world.log():
        names.setdefault(person, chr(ord("A") + len(names)))
        found.append(f"{payload.get('name', kind)} {names[person]}")
    return found


async def test_a_visitor_who_logs_in_stays_the_same_person(world):
    await send(world, track(anonymous="a1", event="Seen"))
    await send(world, identify("u1", "a1", email="Ada@example.com", phone="+49 151 1234567"))
    await send(world, track("u1", event="Bought"))
    assert await people(world) == {
        "anonymous_id:a1": "A",
        "email:ada@example.com": "A",
        "phone:+491511234567": "A",
        "user_id:u1": "A",
    }
    assert await story(world) == ["Seen A", "identify A", "Bought A"]


async def test_an_anonymous_person_is_merged_into_the_known_one_with_one_instant(world):
    await send(world, identify("u1"))
    await send(world, track(anonymous="a1", event="Seen"), track(anonymous="a1", event="Cart"))
    absorbed, survivor = await world.person("anonymous_id", "a1"), await world.person("user_id", "u1")
    assert absorbed != survivor
    await send(world, track("u1", "a1", event="Bought"))
    await send(world, track(anonymous="a1", event="Later"))
    assert await world.person("anonymous_id", "a1") == survivor
    assert await world.rows("select absorbed, survivor from alias") == [(absorbed, survivor)]
    merges = await world.rows(
        "select profile_id, kind, at, payload from log where kind in ('merge_out', 'merge_await') order by kind"
    )
    assert [(row[0], row[1]) for row in merges] == [(survivor, "merge_await"), (absorbed, "merge_out")]
    assert merges[0][2] == merges[1][2]
    log = await world.log()
    assert next(payload for _, kind, payload in log if kind == "merge_out")["survivor"] == survivor
    assert next(payload for _, kind, payload in log if kind == "merge_await")["absorbed"] == absorbed
    mine = [payload.get("name", kind) for person, kind, payload in log if person == survivor]
    assert mine == ["identify", "merge_await", "Bought", "Later"]
    assert [payload.get("name", kind) for person, kind, payload in log if person == absorbed] == [
        "Seen",
        "Cart",
        "merge_out",
    ]


async def test_two_user_ids_never_become_one_person_and_the_case_is_shown_once(world):
    await send(world, identify("u1", "shared"), track("u1", "shared"))
    for _ in range(3):  # the next one at the same device, whose SDK was not reset
        await send(world, identify("u2", "shared"), track("u2", "shared", "Bought"))
    found = await people(world)
    assert found["user_id:u1"] == found["anonymous_id:shared"] != found["user_id:u2"]
    first, second = await world.person("user_id", "u1"), await world.person("user_id", "u2")
    conflicts = await world.rows("select namespace, value, profile_id, other_id from identity_conflict")
    assert conflicts == [("anonymous_id", "shared", second, first)]
    bought = [person for person, _, payload in await world.log() if payload.get("name") == "Bought"]
    assert bought == [second] * 3
    assert await world.rows("select 1 from alias") == []


async def test_all_of_it_within_one_batch_is_as_if_one_came_after_the_other(world):
    await send(world, identify("u1"))
    await send(
        world,
        track(anonymous="a1", event="Seen"),
        track("u1", "a1", "Bought"),  # a1 is merged into u1
        track(anonymous="a2", event="Other"),
        identify("u2", "a2"),  # a2 turns out to be u2
        track("u2", "a1", "Clash"),  # a1 is u1 by now: refused
        track(anonymous="a1", event="Back"),
    )
    found = await people(world)
    assert found["user_id:u1"] == found["anonymous_id:a1"] == "A"
    assert found["user_id:u2"] == found["anonymous_id:a2"]
    by_event = {payload.get("name"): person for person, _, payload in await world.log()}
    one, two = await world.person("user_id", "u1"), await world.person("user_id", "u2")
    assert (by_event["Bought"], by_event["Back"]) == (one, one)
    assert (by_event["Other"], by_event["Clash"]) == (two, two)
    assert by_event["Seen"] not in (one, two)
    assert len(await world.rows("select 1 from identity_conflict")) == 1
    assert len(await world.rows("select 1 from alias")) == 1


async def test_alias_joins_an_earlier_anonymous_id_and_refuses_another_user(world):
    await send(world, track(anonymous="a1"), alias("a1", "u1"))
    assert await world.person("anonymous_id", "a1") == await world.person("user_id", "u1")
    await send(world, alias("not seen yet", "u1"), track(anonymous="not seen yet", event="Now"))
    assert (await world.log())[-1][0] == await world.person("user_id", "u1")
    await send(world, identify("u2"), alias("u2", "u1"))
    assert await world.person("user_id", "u2") != await world.person("user_id", "u1")
    assert [row[0] for row in await world.rows("select namespace from identity_conflict")] == ["user_id"]
    await send(world, track(anonymous="a3"), alias("a3", "u1", "a4"), alias("u1", "u1"))
    assert (
        await world.person("anonymous_id", "a3")
        == await world.person("anonymous_id", "a4")
        == await world.person("user_id", "u1")
    )


async def test_of_two_anonymous_people_the_older_survives_and_chains_end_at_the_last(world):
    for name in ("old", "young", "youngest"):
        await send(world, track(anonymous=name))
    old, young, youngest = [await world.person("anonymous_id", name) for name in ("old", "young", "youngest")]
    await send(world, alias("young", anonymous="youngest"))
    assert await world.person("anonymous_id", "youngest") == young
    await send(world, alias("old", anonymous="youngest"))
    assert {await world.person("anonymous_id", name) for name in ("old", "young", "youngest")} == {old}
    await send(world, identify("u1"), identify("u1", "young"))
    known = await world.person("user_id", "u1")
    aliases = dict(await world.rows("select absorbed, survivor from alias"))
    assert aliases == {youngest: known, young: known, old: known}
    assert await world.person("anonymous_id", "youngest") == known


async def test_an_email_is_for_looking_up_only(world):
    await send(world, identify("u1", email="same@example.com"), identify("u2", email="same@example.com"))
    one, two = await world.person("user_id", "u1"), await world.person("user_id", "u2")
    assert one != two
    assert await world.person("email", "same@example.com") == one
    assert await world.rows("select 1 from alias") == []


class Process:
    """A second intake process: its own cache, connections and writer on the same database."""

    def __init__(self, pool, clock, partitions):
        self.writer = Writer(pool, Appender(partitions), clock)
        self.clock = clock

    async def take(self, *items):
        envelope = Envelope(self.clock.now_ms())
        return await self.writer.write([READER.read(dict(item), envelope) for item in items])


async def test_a_stale_cache_sends_rows_to_the_absorbed_person_whose_tombstone_forwards_them(world):
    async with make_pool(world.dsn) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        one, other = Process(pool, clock, 8), Process(pool, clock, 8)
        await one.take(track(anonymous="a1"), identify("u1"))
        await other.take(track(anonymous="a1"))  # now it is in the other's cache
        absorbed, survivor = await world.person("anonymous_id", "a1"), await world.person("user_id", "u1")
        await one.take(track("u1", "a1"))
        stale = await other.take(track(anonymous="a1", event="Stale"))
        assert stale.people == [absorbed]
        assert await world.rows("select survivor from alias where absorbed = %s", absorbed) == [(survivor,)]
        # What changes who is who never believes the cache: no second merge, no second user id for the tombstone.
        assert (await other.take(track("u1", "a1"))).people == [survivor]
        assert (await other.take(identify("u2", "a1"))).people != [survivor]
        assert await world.person("anonymous_id", "a1") == survivor
        assert len(await world.rows("select 1 from alias")) == 1
        assert (await other.take(track(anonymous="a1"))).people == [survivor]  # and by that it has learned


def test_a_cache_entry_is_believed_for_a_minute_at_most():
    now = 0.0
    cache = Cache(lambda: now)
    key = ("user_id", "u")
    believed = []
    for now in (29.0, 31.0, 59.0, 62.0):
        cache.young.setdefault(key, 1) if now == 29.0 else None
        cache.turn()
        believed.append(key in cache.young or key in cache.old)
    assert believed == [True, True, True, False]
    cache.young[key] = 1
    now = 500.0  # nobody came for minutes
    cache.turn()
    assert not cache.young
    assert not cache.old


async def test_processes_that_create_and_merge_the_same_people_at_once_agree(world):
    """Four processes, the same few identifiers, everything at once: one person per user id, none lost, no deadlock left."""
    dice = random.Random(7)
    async with make_pool(world.dsn, largest=8) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        processes = [Process(pool, clock, 8) for _ in range(4)]
        written = 0

        async def run(process, number):
            nonlocal written
            for _turn in range(25):
                items = []
                for _ in range(12):
                    user = f"u{dice.randrange(6)}" if dice.random() < 0.5 else None
                    anonymous = f"a{dice.randrange(12)}" if user is None or dice.random() < 0.6 else None
                    made = identify if user and dice.random() < 0.3 else track
                    items.append(made(user, anonymous))
                if dice.random() < 0.2:
                    items.append(alias(f"a{dice.randrange(12)}", f"u{dice.randrange(6)}"))
                await process.take(*items)
                written += sum(1 for item in items if item["type"] == "track")

        await asyncio.gather(*(run(process, number) for number, process in enumerate(processes)))
    assert (await world.rows("select count(*) from log where kind = 'event'"))[0][0] == written
    owners = await world.rows("select profile_id, count(*) from identifier where namespace = 'user_id' group by 1")
    assert len(owners) == 6
    assert {count for _, count in owners} == {1}
    absorbed = {row[0] for row in await world.rows("select absorbed from alias")}
    known = {row[0] for row in owners}
    assert not absorbed & known  # who has a user id is never absorbed
    assert not absorbed & {row[0] for row in await world.rows("select profile_id from identifier")}
    assert {row[0] for row in await world.rows("select survivor from alias")} <= known
    out = await world.rows("select profile_id from log where kind = 'merge_out'")
    assert sorted(row[0] for row in out) == sorted(absorbed)  # each is absorbed exactly once
    pairs = await world.rows(
        "select count(*) from log o join log w on w.kind = 'merge_await' and o.kind = 'merge_out' and w.at = o.at "
        "and (o.payload->>'survivor')::bigint = w.profile_id and (w.payload->>'absorbed')::bigint = o.profile_id"
    )
    assert pairs[0][0] == len(absorbed)


async def test_two_processes_that_see_a_new_person_first_end_with_one(world):
    async with make_pool(world.dsn) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        processes = [Process(pool, clock, 8) for _ in range(3)]
        for turn in range(15):
            takes = [process.take(identify(f"n{turn}", f"b{turn}"), track(f"n{turn}")) for process in processes]
            plans = await asyncio.gather(*takes)
            assert len({person for plan in plans for person in plan.people}) == 1
    assert await world.rows("select count(*), count(distinct profile_id) from log") == [(90, 15)]


NOBODY = [
    "null",
    "undefined",
    "0",
    "anonymous",
    " NULL ",
    "None",
    "nan",
    "-1",
    "[object Object]",
    "(not set)",
    0,
    "",
    "0" * 36,
]


async def test_what_broken_clients_send_where_they_have_no_id_is_never_an_identifier(world):
    """intake.md: else a thousand visitors would become one person called 'null'."""
    items = [item for word in NOBODY for item in (track(word), track(anonymous=word), alias(word, "u1"))]
    refused = await world.post("/v1/batch", {"batch": items})
    assert [one["index"] for one in refused.json()["rejected"]] == list(range(len(items)))
    for n, word in enumerate(NOBODY):
        await send(world, track(word, f"a{n}"), track(f"u{n}", word), alias(f"b{n}", word, f"c{n}"))
    found = await people(world)
    names = ("anonymous_id:a", "user_id:u", "anonymous_id:b", "anonymous_id:c")
    assert set(found) == {f"{name}{n}" for name in names for n in range(len(NOBODY))}
    owners = await world.rows("select count(distinct profile_id) from identifier")
    assert owners == [(3 * len(NOBODY),)], "b and c are one, by the alias"


async def test_an_alias_of_one_user_id_to_another_that_is_new_is_refused_and_listed(world):
    """The two may well be one: an operator decides (docs/how-to/identity.md)."""
    await send(world, identify("old"), alias("old", "new"), track("new", event="Now"))
    old, new = await world.person("user_id", "old"), await world.person("user_id", "new")
    assert old != new
    assert await world.rows("select namespace, value, profile_id, other_id, status from identity_conflict") == [
        ("user_id", "old", new, old, "open")
    ]


async def test_who_was_merged_by_an_operator_is_one_person_for_intake_too(world):
    """Both user ids mean the survivor, also to a process that still has the absorbed one in its cache."""
    await send(world, identify("u1", "a1"), identify("u2", "a2"), track("u2", "a1"))
    first, second = await world.person("user_id", "u1"), await world.person("user_id", "u2")
    async with world.pool.connection() as conn:
        assert await merge(conn, 1, first, who="test") == first
    await send(world, track("u2", "a2"), track("u2", "a5"), track("u1", "a2"), track(anonymous="a6"), track("u2", "a6"))
    async with make_pool(world.dsn) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        fresh = Process(pool, clock, 8)
        items = [track("u2"), track("u1"), *(track(anonymous=f"a{n}") for n in (1, 2, 5, 6))]
        assert set((await fresh.take(*items)).people) == {first}
    assert await world.rows("select count(*) from identity_conflict where status = 'open'") == [(0,)]
    assert second != first
