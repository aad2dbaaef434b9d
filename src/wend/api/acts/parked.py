"""Inputs that were set aside because they failed: trying them again, or giving one up (it is kept among the dead letters)."""

from __future__ import annotations

from wend.api.acts.audit import audit
from wend.engine.batch import Batches
from wend.engine.claim import resume_partition
from wend.engine.parking import retry_parked, skip_parked
from wend.store.clock import now_ms
from wend.store.log import partition_of, partitions
from wend.store.mode import mode
from wend.store.postgres import Connection, fetch_one


async def waiting(conn: Connection, profile_id: int) -> int:
    """How many of a person's inputs are parked after an error."""
    row = await fetch_one(
        conn,
        "select count(*) from parked where partition = %s and profile_id = %s and reason = 'error'",
        (partition_of(profile_id, await partitions(conn)), profile_id),
    )
    return int(row[0]) if row else 0


async def retry(conn: Connection, profile_id: int, *, who: str) -> int:
    """Apply the person's parked inputs again, now; returns how many remain parked. Commits."""
    batches = Batches(await partitions(conn))
    await audit(conn, who, f"parked inputs of {profile_id} retried")
    await conn.commit()
    return await retry_parked(conn, batches, profile_id, clock=await _clock(conn))


async def skip(conn: Connection, profile_id: int, *, who: str) -> int:
    """Give up the first of the person's parked inputs and apply the rest; returns how many remain parked. Commits."""
    batches = Batches(await partitions(conn))
    clock = await _clock(conn)
    await conn.commit()
    dropped = await skip_parked(conn, batches, profile_id, clock=clock)
    if dropped is not None:
        kind, payload = dropped
        await conn.execute(
            "insert into dead_letter (at, source, code, message, body) values (%s, 'parked', 'skipped', %s, %s)",
            (
                await now_ms(conn),
                f"{kind} of person {profile_id} was given up by {who}",
                payload.decode(errors="replace"),
            ),
        )
        await audit(conn, who, f"parked {kind} of {profile_id} given up")
        await conn.commit()
    return await waiting(conn, profile_id)


async def resume(conn: Connection, partition: int, *, who: str) -> bool:
    """Let a partition go on that stopped because too much failed in it; False when it was not stopped."""
    if not await resume_partition(conn, partition):
        return False
    await audit(conn, who, f"partition {partition} resumed")
    return True


async def _clock(conn: Connection) -> int | None:
    return None if await mode(conn) == "replay" else await now_ms(conn)
