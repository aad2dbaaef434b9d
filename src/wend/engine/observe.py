"""Which properties and attributes come in, and of what types: counted in samples, off the hot path.

Once an hour maintenance reads at most `SAMPLE` of the latest log rows of each partition that are younger than the sample before
(one statement, over the log's primary key) and adds up (event, property, type). So what is rare may be seen late, and the
counts say how often it was seen in samples. Kept are the `MOST` combinations seen last; what was not seen for `FORGET` goes.
"""

from __future__ import annotations

from wend.store.codec import decode_json
from wend.store.days import DAY
from wend.store.log import partitions
from wend.store.postgres import Connection, fetch_one, sql

SAMPLE = 200
MOST = 20_000
FORGET = 90 * DAY
_BACK = DAY


async def observe(conn: Connection, now: int) -> int:
    """Take one sample, inside the caller's transaction; returns how many combinations were seen. `now`: log time, ms UTC."""
    row = await fetch_one(conn, sql("observed_until"))
    # A first sample, or one after a long stop, does not read more than a day of ranges.
    since = max(0 if row is None else int(decode_json(row[0])), now - _BACK)
    args = {"since": since, "until": now, "partitions": list(range(await partitions(conn))), "sample": SAMPLE}
    seen = await fetch_one(conn, sql("observe"), args)
    await conn.execute(sql("observed"), (str(now),))
    await conn.execute(sql("observe_forget"), {"before": now - FORGET, "most": MOST})
    return 0 if seen is None else int(seen[0])
