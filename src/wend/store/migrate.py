"""Bring a workspace's schema up to date: numbered files of migrations/, applied once each, in order.

A file is `NNNN_pre_words.sql` (runs before the new code; the previous release's code must run on its result) or
`NNNN_post_words.sql` (after all processes have the new code). Several processes may start at once: whoever locks the
row of `migration` numbered 0 first does the work, the others find it done. No advisory locks: they are local to a
node of Citus. Day partitions are made by days.py.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, LiteralString, cast

import psycopg

from wend.store import days
from wend.store.clock import now_ms
from wend.store.postgres import Connection, connect, fetch_all, fetch_one, schema_name, sql

PARTITIONS = 64
_FILE = re.compile(r"(\d{4})_(pre|post)_(\w+)\.sql")
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    phase: Literal["pre", "post"]
    name: str
    text: LiteralString


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` did: names of the files it applied now, and the workspace's number of partitions."""

    applied: tuple[str, ...]
    partitions: int


def migrations() -> list[Migration]:
    """All files of migrations/ in order. ValueError when a name is malformed or a number is used twice."""
    found: list[Migration] = []
    for file in sorted(files("wend.store").joinpath("migrations").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise ValueError(f"migrations/{file.name}: the name must be NNNN_pre_words.sql or NNNN_post_words.sql")
        number = int(match[1])
        if found and found[-1].number == number:
            raise ValueError(f"migrations/{file.name}: the number {number} is taken by {found[-1].name}")
        phase: Literal["pre", "post"] = "pre" if match[2] == "pre" else "post"
        found.append(Migration(number, phase, file.name, cast("LiteralString", file.read_text(encoding="utf-8"))))
    return found


async def migrate(
    dsn: str, *, schema: str = "wend", partitions: int = PARTITIONS, phase: Literal["pre", "all"] = "all"
) -> Migrated:
    """Create the workspace in `schema` or bring it up to date; safe to call at any time, by several processes at once.

    `partitions` counts only when the workspace is made; later it is fixed (the returned number is the one in force).
    `phase="pre"` leaves the post files for later. Raises psycopg.Error when a file fails; nothing of the run remains
    then.
    """
    if not 1 <= partitions <= 4096:
        raise ValueError(f"partitions: {partitions} is not between 1 and 4096")
    conn = await connect(dsn, schema=schema, name="wend migrate")
    try:
        await _make_lock_row(conn, schema)
        await fetch_one(conn, "select number from migration where number = 0 for update")
        done = {row[0] for row in await fetch_all(conn, "select number from migration where number > 0")}
        applied: list[str] = []
        for migration in migrations():
            if migration.number in done or (phase == "pre" and migration.phase == "post"):
                continue
            await conn.execute(migration.text)
            await conn.execute(
                "insert into migration (number, name, applied_at) values (%s, %s, %s)",
                (migration.number, migration.name, await now_ms(conn)),
            )
            applied.append(migration.name)
        count = await _fill_workspace(conn, partitions)
        now = await now_ms(conn)
        await days.create(conn, now - days.DAY, now + 2 * days.DAY)
        await conn.commit()
    finally:
        await conn.close()
    return Migrated(tuple(applied), count)


async def _make_lock_row(conn: Connection, schema: str) -> None:
    """Schema, table and row that serialise migrations. `if not exists` still collides when two create at once: try
    again."""
    name = cast("LiteralString", schema_name(schema))
    for attempt in range(_ATTEMPTS):
        try:
            if await fetch_one(conn, "select 1 where to_regclass(%s) is not null", (f"{name}.migration",)):
                return
            await conn.execute(f"create schema if not exists {name}")
            await conn.execute(
                "create table if not exists migration"
                " (number int primary key, name text not null, applied_at bigint not null)"
            )
            await conn.execute(
                "insert into migration (number, name, applied_at) values (0, 'lock', 0) on conflict do nothing"
            )
            await conn.commit()
            return
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateSchema, psycopg.errors.DuplicateTable):
            await conn.rollback()
            if attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.05)


async def _fill_workspace(conn: Connection, partitions: int) -> int:
    """Rows of `workspace`, `head` and `cursor`, where they are missing. Returns the number of partitions in force."""
    now = await now_ms(conn)
    await conn.execute(sql("workspace_fill"), {"partitions": partitions, "now": now})
    row = await fetch_one(conn, "select value::text::int from workspace where name = 'partitions'")
    assert row is not None
    await conn.execute(sql("head_fill"), {"partitions": row[0]})
    await conn.execute(sql("cursor_fill"), {"partitions": row[0]})
    return int(row[0])
