"""Rows of a catalogue file, CSV or NDJSON, as products: each with its row, or with what is wrong with it.

A file whose first character is `{` is NDJSON, one object a line; any other is CSV (csv_rows.py). Of two rows with one
id the first counts, the second is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from wend.content.catalogue.product import Product, read_product
from wend.intake.csv_rows import Heading, read_heading, read_line, records
from wend.intake.import_job import ImportFailed
from wend.intake.refused import Refused

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One row: a product, or why it is none. `number` counts lines from 1; `done`: bytes of the file read so far."""

    number: int
    text: bytes
    product: Product | None
    why: str
    done: int


def read_products(path: Path) -> Iterator[ProductRow]:
    """The rows of the file. Raises OSError; ImportFailed when it cannot be read at all, or its header names no id or title."""
    with path.open("rb") as file:
        first = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        file.seek(0)
        rows = _json_rows(file) if first.startswith(b"{") else _csv_rows(path, file)
        seen: dict[str, int] = {}
        for number, text, raw in rows:
            if isinstance(raw, Refused):
                product, why = None, raw.message
            else:
                product, problems = read_product(raw)
                why = "; ".join(map(str, problems))
            if product is not None:
                other = seen.setdefault(product.id, number)
                if other != number:
                    product, why = None, f"id: {product.id!r} is in row {other} already"
            yield ProductRow(number, text, product, why, file.tell())


Raw = tuple[int, bytes, Any]
"""Line, text, and what it says (or a Refused)."""


def _json_rows(file: IO[bytes]) -> Iterator[Raw]:
    for number, line in enumerate(iter(lambda: read_line(file), b""), 1):
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if text:
            yield number, text, _of_json(text)


def _of_json(text: bytes) -> Any:
    try:
        return _decode(text)
    except UnicodeDecodeError as error:
        return Refused("not_utf8", f"The row is not UTF-8: {error}.")
    except msgspec.DecodeError as error:
        return Refused("invalid_json", f"The row is no JSON: {error}.")


def _csv_rows(path: Path, file: IO[bytes]) -> Iterator[Raw]:
    heading = read_heading(path, file)
    _check_header(path, heading)
    for number, text in records(file):
        try:
            yield number, text, dict(zip(heading.names, heading.cells(text), strict=True))
        except Refused as refused:
            yield number, text, refused


def _check_header(path: Path, heading: Heading) -> None:
    for wanted in (("id", "product_id", "sku"), ("title", "name")):
        if not set(heading.names) & set(wanted):
            found = ", ".join(heading.names)[:200]
            raise ImportFailed(f"{path}: no column is called {' or '.join(wanted)}; found are {found}")
    twice = next((name for name in heading.names if name and heading.names.count(name) > 1), None)
    if twice is not None:
        raise ImportFailed(f"{path}: there are two columns {twice!r}")
