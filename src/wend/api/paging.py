"""Cursors: opaque texts that say where the next page begins. Made by us, so a malformed one is the caller's mistake (400)."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

from fastapi import Query

from wend.api.problem import Fault

Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="Most entries of one page.")]


def encode(*position: int | str) -> str:
    """The cursor of a position."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """The position of a cursor, whose parts must have these types; None when there is no cursor."""
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if [type(part) for part in position] != list(types) or any(
            isinstance(part, int) and not -(1 << 63) <= part < 1 << 63 for part in position
        ):
            raise ValueError(cursor)
    except (ValueError, TypeError):
        raise Fault(400, "cursor", "This cursor is not one of ours; start without one.") from None
    return tuple(position)


def cut(found: list[Any], limit: int) -> tuple[list[Any], bool]:
    """The first `limit` of a list that was asked for one more, and whether there is a next page."""
    return found[:limit], len(found) > limit
