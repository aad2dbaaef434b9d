"""Writing a sheet: a handful of statements, sent as one pipeline with the commit, so that a batch costs one round trip."""

from __future__ import annotations

from typing import Any

from wend.engine.sheet import Sheet
from wend.store.postgres import Connection, sql


def columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows turned into columns."""
    return [list(column) for column in zip(*rows, strict=True)]


async def write(conn: Connection, sheet: Sheet, now: int) -> None:
    """Queue the statements of `sheet`; call it inside `conn.pipeline()`. `now`: log time of the batch, for `updated_at`."""
    partition = sheet.partition
    if sheet.updates[0]:
        await conn.execute(sql("people_update"), (*sheet.updates, partition))
    if sheet.writes[0]:
        await conn.execute(sql("people_write"), (partition, *sheet.writes))
    if sheet.outbox:
        await conn.execute(sql("outbox_write"), (partition, *columns(sheet.outbox)))
    if sheet.withdrawn:
        await conn.execute(sql("outbox_withdraw"), (now, partition, sheet.withdrawn))
    if sheet.relays:
        await conn.execute(sql("relay_write"), (partition, *columns(sheet.relays)))
    if sheet.steps:
        await conn.execute(sql("step_write"), (partition, *columns(sheet.steps)))
    if sheet.left:
        await conn.execute(sql("place_delete"), (*columns(sheet.left), partition))
    if sheet.places:
        await conn.execute(sql("place_write"), (partition, *columns(sheet.places)))
    if sheet.tally:
        keys = columns(list(sheet.tally))
        await conn.execute(sql("tally_write"), (partition, *keys, list(sheet.tally.values())))
    if sheet.consents:
        await conn.execute(sql("consent_write"), (partition, *columns(sheet.consents)))
    if sheet.released:
        await conn.execute(sql("parked_delete"), (*columns(sheet.released), partition))
    if sheet.parkings:
        await conn.execute(sql("parked_write"), (partition, *columns(sheet.parkings)))
    if sheet.seen:
        await conn.execute(sql("seen_write"), (partition, *columns(sheet.seen)))
