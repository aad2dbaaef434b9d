"""Reading the documents that people hand to a command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wend.commands.errors import UserError


def read_document(path: Path) -> Any:
    """The one YAML document of a file. UserError names file, line and column."""
    from wend.content.documents import DocumentError, read

    try:
        return read(path)
    except DocumentError as error:
        where, _, what = str(error).partition(": ")
        raise UserError(where, what) from None
