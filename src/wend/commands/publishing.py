"""Publishing several documents in one transaction, with errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wend.api.acts import journeys as acts
from wend.commands.database import WHO
from wend.commands.errors import UserError
from wend.commands.output import refuse, warnings
from wend.engine.publish import PublishError
from wend.store.postgres import Connection


async def publish_all(conn: Connection, documents: list[tuple[Path, Any]]) -> list[acts.Published]:
    """Publish each document, in the caller's transaction; warnings are printed. Raises Several or UserError."""
    done: list[acts.Published] = []
    for path, raw in documents:
        try:
            published = await acts.publish(conn, raw, who=WHO)
        except acts.Refused as refused:
            warnings(refused.problems, str(path))
            raise refuse(refused.problems, str(path)) from None
        except PublishError as error:
            raise UserError(str(path), str(error)) from None
        warnings(published.warnings, str(path))
        done.append(published)
    return done
