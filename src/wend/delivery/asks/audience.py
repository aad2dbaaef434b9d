"""`sync_audience`, carried out as far as Wend goes today: the wanted change is written to `audience_change`.

Nothing is sent to an advertising network here. The network's provider takes the changes from that table; as long as none is set
up they wait there, and the journey goes on.
"""

from __future__ import annotations

from typing import Any

from wend.delivery.asks.done import Done
from wend.delivery.outbox import Row
from wend.store.postgres import Connection, sql


async def note(conn: Connection, row: Row, profile: int, now: int) -> Done:
    """Write the change down, once for each effect, in the caller's transaction."""
    request: dict[str, Any] = row.data["request"]
    args = {"effect": row.effect_id, "now": now, "audience": request["audience"], "action": request["action"]}
    await conn.execute(sql("audience_note"), {**args, "profile": profile})
    return Done("ok", "written down for the network's provider")
