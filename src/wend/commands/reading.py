"""Reading the files that people hand to a command."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wend.commands.errors import UserError

if TYPE_CHECKING:
    from wend.intake.items import Message


@dataclass(frozen=True, slots=True)
class Told:
    """One readable message of a file of events."""

    at: int
    message: Message


def read_document(path: Path) -> Any:
    """The one YAML document of a file. UserError names file, line and column."""
    from wend.content.documents import DocumentError, read

    try:
        return read(path)
    except DocumentError as error:
        where, _, what = str(error).partition(": ")
        raise UserError(where, what) from None


def read_told(path: Path) -> tuple[list[Told], list[str]]:
    """Readable Segment messages of an NDJSON file (.gz too) in order of time, and what was wrong with the others."""
    import gzip

    from wend.intake.items import Envelope, ItemReader
    from wend.intake.limits import Limits
    from wend.intake.refused import Refused

    reader = ItemReader(Limits())
    envelope = Envelope(int(time.time() * 1000), own_times=True)
    found: list[Told] = []
    rejected: list[str] = []
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise UserError(str(path), getattr(error, "strerror", None) or str(error)) from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            message = reader.read_raw(line.strip(), envelope)
        except Refused as refused:
            rejected.append(f"{path}:{number}: {refused.message}")
        else:
            found.append(Told(message.at, message))
    return sorted(found, key=lambda one: one.at), rejected
