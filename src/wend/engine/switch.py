"""What a change of a segment does to a partition, where it stands in the log: a back-filled version takes the place of the one
before it among the memberships (people themselves are lifted when they are next seen), and what it needed is let go."""

from __future__ import annotations

from wend.core.plan import Plan
from wend.engine.segments import used_by
from wend.store.postgres import Connection, sql


async def switch(conn: Connection, plan: Plan, partition: int, at: int) -> None:
    """Queue what the latest change of `plan` asks for, if it is about a segment; call it inside `conn.pipeline()`."""
    change = plan.changes[-1]
    id, version = change.journey, change.version
    match change.kind:
        case "segment":
            await conn.execute(sql("membership_forget"), (partition, [f"{id}@{version - 1}"]))
            await conn.execute(sql("staged_forget"), (partition, id))
        case "segment_live":
            names = {"partition": partition, "old": id, "new": f"{id}@{version}", "at": at}
            if used_by(plan, id):
                await conn.execute(sql("segment_sweep"), names)
            await conn.execute(sql("membership_left"), names)
            await conn.execute(sql("membership_entered"), names)
            await conn.execute(sql("membership_forget"), (partition, [f"{id}@{version}"]))
            await conn.execute(sql("staged_forget"), (partition, id))
        case "segment_gone":
            await conn.execute(sql("membership_forget"), (partition, [id, f"{id}@{version}"]))
            await conn.execute(sql("staged_forget"), (partition, id))
        case _:
            pass
