"""Chunks: one row of the log for many people becomes one input for each of them when it is applied (engine.md 21).

Rules: all have the row's place and time; a batch is cut where it would come to more than `PEOPLE`; a chunk makes nobody: who is
unknown, erased, or has been merged into somebody else is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from wend.core.inputs import Chunk, Input
from wend.core.profile import Profile
from wend.engine.around import Row
from wend.engine.person import Person
from wend.store.codec import decode_input, encode_json

LogRow = tuple[int, int, str, int | None, bytes | Input, bool, int]
"""A `Row`, and whose it is."""
PEOPLE = 4_000
"""Inputs of one batch, at most, unless its first row alone is more."""


def fitting(rows: Sequence[LogRow]) -> int:
    """How many of the rows a batch may take."""
    people = 0
    for place, row in enumerate(rows):
        people += len(_chunk(row).ids) if row[2] == Chunk.KIND else 1
        if people > PEOPLE and place:
            return place
    return len(rows)


def expanded(rows: Sequence[LogRow]) -> Sequence[LogRow]:
    """The rows with every chunk replaced by its people's inputs, which are decoded already: that tells them from others."""
    if not any(row[2] == Chunk.KIND for row in rows):
        return rows
    found: list[LogRow] = []
    for row in rows:
        if row[2] != Chunk.KIND:
            found.append(row)
            continue
        chunk = _chunk(row)
        input = decode_input(chunk.kind, encode_json(chunk.payload))
        found += [(row[0], row[1], chunk.kind, None, input, False, id) for id in chunk.ids]
    return found


def without_strangers(people: dict[int, Person], by_person: dict[int, list[Row]]) -> None:
    """Leave out those whom a chunk names and whom it does not reach."""
    for id, rows in list(by_person.items()):
        person = people.get(id)
        if person is None or (person.loaded is None and all(map(_of_chunk, rows))):
            del by_person[id]
            people.pop(id, None)
        elif not reached(person.profile) and any(map(_of_chunk, rows)):
            by_person[id] = [row for row in rows if not _of_chunk(row)]


def reached(profile: Profile) -> bool:
    """Whether a chunk reaches this person."""
    return not profile.survivor and not profile.erased


def _of_chunk(row: Row) -> bool:
    return not isinstance(row[4], bytes)


def _chunk(row: LogRow) -> Chunk:
    found = decode_input(row[2], row[4]) if isinstance(row[4], bytes) else row[4]
    assert isinstance(found, Chunk)
    return found
