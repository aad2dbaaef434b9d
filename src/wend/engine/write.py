"""Writing a sheet: a handful of statements, sent as one pipeline with the commit, so that a batch costs one round trip."""

from __future__ import annotations

from typing import Any

from wend.engine.sheet import Sheet
from wend.store.arrays import bytea_array, int8_array, text_array
from wend.store.postgres import Connection, sql

# The types of columns, in the order of the sheet's tuples: i integer, t text, - whatever psycopg makes of it.
_OUTBOX = "tiittittitt-tiiit"
_RELAY = "iiitt"
_STEP = "iiittititttit"
_PLACE = "ittitiii"
_SEEN = "iii"
_PACK = {"i": int8_array, "t": text_array, "-": list[Any]}


def columns(rows: list[tuple[Any, ...]], types: str = "") -> list[Any]:
    """Rows turned into columns, packed where their `types` are given."""
    turned = zip(*rows, strict=True)
    if not types:
        return [list(column) for column in turned]
    return [_PACK[kind](column) for kind, column in zip(types, turned, strict=True)]


async def write(conn: Connection, sheet: Sheet, now: int) -> None:
    """Queue the statements of `sheet`; call it inside `conn.pipeline()`. `now`: log time of the batch, for `updated_at`."""
    partition = sheet.partition
    if sheet.updates[0]:
        ids, states, times = sheet.updates
        packed = (int8_array(ids), bytea_array(states), int8_array(times))
        await conn.execute(sql("people_update"), (*packed, partition))
    if sheet.writes[0]:
        ids, texts, states, times = sheet.writes
        written = (int8_array(ids), text_array(texts), bytea_array(states), int8_array(times))
        await conn.execute(sql("people_write"), (partition, *written))
    if sheet.outbox:
        await conn.execute(sql("outbox_write"), (partition, *columns(sheet.outbox, _OUTBOX)))
    if sheet.withdrawn:
        await conn.execute(sql("outbox_withdraw"), (now, partition, sheet.withdrawn))
    if sheet.relays:
        await conn.execute(sql("relay_write"), (partition, *columns(sheet.relays, _RELAY)))
    if sheet.steps:
        await conn.execute(sql("step_write"), (partition, *columns(sheet.steps, _STEP)))
    if sheet.left:
        await conn.execute(sql("place_delete"), (*columns(sheet.left), partition))
    if sheet.places:
        await conn.execute(sql("place_write"), (partition, *columns(sheet.places, _PLACE)))
    if sheet.exited:
        await conn.execute(sql("membership_delete"), (*columns(sheet.exited, "ti"), partition))
    if sheet.entered:
        await conn.execute(sql("membership_write"), (partition, *columns(sheet.entered, "tii")))
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
        await conn.execute(sql("seen_write"), (partition, *columns(sheet.seen, _SEEN)))
    if sheet.left_out:
        await conn.execute(sql("left_out_write"), (partition, *columns(sheet.left_out, _SEEN)))
