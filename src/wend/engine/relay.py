"""Carrying inputs from one partition's relay rows into other partitions' logs, once each (engine.md 12).

The rows of a source are appended in their order; `relayed(target, source)` advances in the transaction of the append, so
whoever is killed between append and delete, or works beside another who believes to own the source, appends nothing twice:
the heads of the targets are locked before `relayed` is read.
"""

from __future__ import annotations

from wend.store.codec import decode_json
from wend.store.log import Appender, NewInput, lock_heads, message_hash
from wend.store.postgres import Connection, fetch_all, sql

_AT_ONCE = 1_000


async def relay(conn: Connection, appender: Appender, source: int, *, at: int | None = None) -> int:
    """Append up to 1,000 of the relay rows of `source` and delete them; returns how many rows were dealt with.

    Commits twice. `at`: log time in replay mode. Nobody may be in the middle of a transaction on `conn`.
    """
    rows = await fetch_all(conn, sql("relay_read"), (source, _AT_ONCE))
    if not rows:
        await conn.commit()
        return 0
    targets = sorted({row[1] for row in rows})
    await lock_heads(conn, targets)
    reached = dict(await fetch_all(conn, sql("relayed_read"), (source, targets)))
    fresh = [row for row in rows if row[0] > reached.get(row[1], -1)]
    for position, target, *_ in fresh:
        reached[target] = position
    await appender.append_to(conn, [(row[1], _input(row)) for row in fresh], at=at)
    if fresh:
        await conn.execute(sql("relayed_write"), (source, list(reached), list(reached.values())))
    await conn.commit()
    await conn.execute(sql("relay_delete"), (source, rows[-1][0]))
    await conn.commit()
    return len(rows)


def _input(row: tuple[int, int, int, str, bytes]) -> NewInput:
    _, _, profile_id, kind, payload = row
    # Made by Wend: unique by construction. Forwarded by a tombstone: known by its message id, as before.
    message_id = decode_json(payload).get("message_id", "")
    return NewInput(profile_id, kind, payload, message_hash(message_id) if message_id else None)


async def sources(conn: Connection, partitions: list[int]) -> list[int]:
    """Those of `partitions` that have rows to carry."""
    return [row[0] for row in await fetch_all(conn, sql("relay_sources"), (partitions,))]
