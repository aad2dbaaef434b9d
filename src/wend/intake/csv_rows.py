"""Rows of a CSV file, each with its line: what all imports of tables share.

The separator (`,` `;` tab or `|`) is the one that the header has most of. The file is UTF-8, with or without a byte order mark. A row that
cannot be read is refused and spoils no other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from wend.intake.import_job import ImportFailed
from wend.intake.refused import Refused

_ROW_BYTES: Final = 64 * 1024
_ROW_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """The header of a file, by which its rows are read."""

    names: list[str]
    delimiter: str

    def cells(self, text: bytes) -> list[str]:
        """The cells of a row, as many as the header has. Raises Refused."""
        return _cells(text, self.delimiter, len(self.names))


def read_heading(path: Path, file: IO[bytes]) -> Heading:
    """Read the header, which is the file's first line. Raises ImportFailed for UTF-16."""
    first = read_line(file)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportFailed(f"{path}: the file is UTF-16; save it as UTF-8.")
    text = first.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    delimiter = max(",;\t|", key=text.count)
    return Heading([name.strip() for name in next(csv.reader([text], delimiter=delimiter), [""])], delimiter)


def read_line(file: IO[bytes]) -> bytes:
    """The next line; of an overlong one only the beginning."""
    line = file.readline(_ROW_BYTES)
    if len(line) == _ROW_BYTES and not line.endswith(b"\n"):
        while (rest := file.readline(_ROW_BYTES)) and not rest.endswith(b"\n"):
            pass
    return line


def records(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, text) of each record. A quote that is never closed spoils one line, not the rest."""
    number = 1
    pending: list[tuple[int, bytes]] = []  # lines that were read ahead
    while True:
        if not pending:
            line = read_line(file)
            if not line:
                return
            number += 1
            pending.append((number, line))
        at, text = pending.pop(0)
        ahead: list[tuple[int, bytes]] = []
        while text.count(b'"') % 2 and len(ahead) < _ROW_LINES and len(text) < _ROW_BYTES:
            if pending:
                more = pending.pop(0)
            else:
                line = read_line(file)
                if not line:
                    break
                number += 1
                more = (number, line)
            ahead.append(more)
            text += more[1]
        if text.count(b'"') % 2 and ahead:
            pending = ahead + pending
            text = text[: len(text) - sum(len(line) for _, line in ahead)]
        if text.strip():
            yield at, text.rstrip(b"\r\n")


def _cells(text: bytes, delimiter: str, count: int) -> list[str]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", f"The row is not UTF-8 (byte {error.start + 1}); save the file as UTF-8.") from error
    if "\0" in decoded:
        raise Refused("nul_character", "The row holds a NUL character.")
    try:
        found = list(csv.reader(decoded.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Refused("broken_row", f"The row cannot be read: {error}.") from error
    if len(found) != 1 or len(found[0]) != count:
        raise Refused("broken_row", f"The row has {len(found[0]) if found else 0} cells; the header has {count}.")
    return found[0]
