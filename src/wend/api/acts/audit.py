"""The audit log: who did what to the workspace. Written in the act's own transaction."""

from __future__ import annotations

import json
from typing import Any

from wend.store.clock import now_ms
from wend.store.postgres import Connection


async def audit(conn: Connection, who: str, what: str, detail: dict[str, Any] | None = None) -> None:
    """Note that `who` (`key <id>` or `command line`) did `what`."""
    text = None if detail is None else json.dumps(detail)
    await conn.execute(
        "insert into audit (at, who, what, detail) values (%s, %s, %s, %s)", (await now_ms(conn), who, what, text)
    )
