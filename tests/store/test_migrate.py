"""Migrations: once each, by several at once; schema.sql is their sum; ranges of days come and go."""

import asyncio
from importlib.resources import files
from typing import Any

import pytest

from wend.store import days
from wend.store import migrate as migrating
from wend.store.log import Appender, NewInput, partitions
from wend.store.migrate import migrate, migrations
from wend.store.mode import mode
from wend.store.postgres import Connection, connect, connection_options, fetch_all, make_pool, sql

DAY = days.DAY
START = 1_760_000_000_000 // DAY * DAY


async def described(conn: Connection, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """Tables, columns, constraints and indexes, without those of `migration` and of the ranges."""
    skip = "and c.relname <> 'migration' and not c.relispartition"
    return {
        "tables": await fetch_all(
            conn,
            "select c.relname::text, c.relkind::text, c.reloptions::text, pg_get_partkeydef(c.oid) from pg_class c"  # pyright: ignore[reportArgumentType]
            f" where c.relnamespace = %s::text::regnamespace and c.relkind in ('r', 'p') {skip} order by 1",
            (schema,),
        ),
        "columns": await fetch_all(
            conn,
            "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage::text,"  # pyright: ignore[reportArgumentType]
            " pg_get_expr(d.adbin, d.adrelid), a.attidentity::text from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum"
            f" where c.relnamespace = %s::text::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 {skip} order by 1, 2",
            (schema,),
        ),
        "constraints": await fetch_all(
            conn,
            "select c.relname::text, k.conname::text, regexp_replace(pg_get_constraintdef(k.oid), 'REFERENCES [a-z_]+\\.', 'REFERENCES ')"
            " from pg_class c join pg_constraint k"  # pyright: ignore[reportArgumentType]
            f" on k.conrelid = c.oid where c.relnamespace = %s::text::regnamespace {skip} order by 1, 2",
            (schema,),
        ),
        "indexes": await fetch_all(
            conn,
            "select c.relname::text, regexp_replace(pg_get_indexdef(i.indexrelid), '[a-z_]+\\.', '', 'g') from pg_index i"  # pyright: ignore[reportArgumentType]
            f" join pg_class c on c.oid = i.indrelid where c.relnamespace = %s::text::regnamespace {skip} order by 1, 2",
            (schema,),
        ),
    }


async def test_schema_sql_equals_the_sum_of_the_migrations(database_url: str) -> None:
    await migrate(database_url, schema="migrated")
    conn = await connect(database_url, schema="written")
    await conn.execute("create schema written")
    text: Any = files("wend.store").joinpath("schema.sql").read_text(encoding="utf-8")
    await conn.execute(text)
    written, migrated = await described(conn, "written"), await described(conn, "migrated")
    await conn.close()
    assert len(written["tables"]) > 20
    assert written == migrated


async def test_migrating_again_or_by_many_at_once_changes_nothing(database_url: str) -> None:
    done = await asyncio.gather(*(migrate(database_url, partitions=8) for _ in range(5)))
    assert sorted(len(one.applied) for one in done) == [0, 0, 0, 0, len(migrations())]
    again = await migrate(database_url, partitions=99)
    assert (again.applied, again.partitions) == ((), 8)
    conn = await connect(database_url)
    assert await fetch_all(conn, "select count(*) from head") == [(8,)]
    assert await fetch_all(conn, "select count(*) from cursor") == [(8,)]
    assert await partitions(conn) == 8
    assert await mode(conn) == "live"
    await conn.close()


async def test_workspaces_beside_each_other_share_nothing(database_url: str) -> None:
    await migrate(database_url, schema="brand_a", partitions=1)
    await migrate(database_url, schema="brand_b", partitions=1)
    conn = await connect(database_url, schema="brand_a")
    await Appender(1).append(conn, [NewInput(1, "event", b"{}")])
    await conn.commit()
    await conn.close()
    other = await connect(database_url, schema="brand_b")
    assert await fetch_all(other, "select 1 from log") == []
    await other.close()


async def test_a_failing_migration_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrating.Migration(9999, "post", "9999_post_broken.sql", "create table half (id int); select 1 / 0")
    monkeypatch.setattr(migrating, "migrations", lambda: [*migrations(), broken])
    with pytest.raises(Exception, match="division by zero"):
        await migrate(database_url)
    only_pre = await migrate(database_url, phase="pre")
    assert only_pre.applied == tuple(one.name for one in migrations() if one.phase == "pre")


@pytest.mark.parametrize("schema", ["", "Wend", "1st", "a;drop", "x" * 60])
def test_a_schema_whose_name_is_no_plain_word_is_refused(schema: str) -> None:
    with pytest.raises(ValueError, match="not starting with a digit"):
        connection_options(schema)


@pytest.mark.parametrize("count", [0, -1, 5000])
async def test_a_senseless_number_of_partitions_is_refused(database_url: str, count: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 4096"):
        await migrate(database_url, partitions=count)


def test_a_query_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="no block '-- name: nonsense'"):
        sql("nonsense")


async def test_days_are_made_by_many_at_once_without_a_collision(database_url: str) -> None:
    await migrate(database_url, partitions=1)
    async with make_pool(database_url, largest=8) as pool:

        async def make() -> int:
            async with pool.connection() as conn:
                return await days.create(conn, START, START + 5 * DAY)

        made = await asyncio.gather(*(make() for _ in range(6)))
        assert (
            sum(made) == max(made) == 13 or sum(made) == max(made) == 14
        )  # six of log, six of step, one or two of seen
        async with pool.connection() as conn:
            assert await days.create(conn, START, START + 5 * DAY) == 0


async def test_making_days_does_not_wait_for_writers(database_url: str) -> None:
    await migrate(database_url, partitions=1)
    writer, maker = await connect(database_url), await connect(database_url)
    await Appender(1).append(writer, [NewInput(1, "event", b"{}")])
    await maker.execute("set lock_timeout = '5s'")
    assert await days.create(maker, START, START) == 3
    await writer.rollback()
    await maker.rollback()
    await writer.close()
    await maker.close()


async def test_a_log_day_is_dropped_only_when_everybody_has_passed_it(database_url: str) -> None:
    """engine.md 24."""
    await migrate(database_url, partitions=2)
    conn = await connect(database_url)
    appender = Appender(2)
    for day in range(10):
        for id in (2, 3):
            await appender.append(conn, [NewInput(id, "event", b"{}")], at=START + day * DAY)
    await conn.commit()
    now = START + 12 * DAY
    retention = days.Retention(log=2 * DAY, step=2 * DAY, seen=7 * DAY)

    async def logs() -> int:
        rows = await fetch_all(conn, "select distinct at from log")
        await conn.commit()
        return len(rows)

    await conn.execute("update cursor set seq = 10, at = %s where partition = 0", (now,))
    await conn.execute("update cursor set seq = 3, at = %s where partition = 1", (START + 3 * DAY,))
    await days.drop(conn, now, retention)
    assert await logs() == 7  # the slow cursor stands in day 3
    await conn.execute("update cursor set seq = 10, at = %s", (now,))
    await conn.execute(
        "insert into parked (partition, profile_id, seq, at, kind, payload, reason) values (0, 2, 5, %s, 'event', '{}', 'error')",
        (START + 5 * DAY + 7,),
    )
    await days.drop(conn, now, retention)
    assert await logs() == 5
    await conn.execute("delete from parked")
    await days.drop(conn, now, retention, archived_until=START + 6 * DAY)
    assert await logs() == 4
    dropped = await days.drop(conn, now, retention)
    assert f"log_{days.range_name('log', START + 9 * DAY)[4:]}" in dropped
    assert await logs() == 0
    await conn.close()


async def test_a_day_whose_lock_is_not_to_be_had_is_left_for_the_next_round(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, partitions=1)
    monkeypatch.setattr(days, "_LOCK_TIMEOUT", "50ms")
    conn, reader = await connect(database_url), await connect(database_url)
    await days.create(conn, START, START)
    await conn.commit()
    await reader.execute("select 1 from log")
    retention = days.Retention(log=DAY, step=DAY, seen=DAY)
    await days.drop(conn, START + 400 * DAY, retention)
    query = "select 1 from pg_class where relname = %s"
    assert await fetch_all(conn, query, (days.range_name("log", START),)) == [(1,)]
    await reader.rollback()
    await days.drop(conn, START + 400 * DAY, retention)
    assert await fetch_all(conn, query, (days.range_name("log", START),)) == []
    await conn.close()
    await reader.close()
