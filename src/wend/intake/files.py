"""Imports: Segment messages out of NDJSON files (plain or gzipped), profiles out of CSV files (csv_profiles.py).

Exactly once, resumable, with progress and a file of refused rows: import_job.py. `--replay` (engine.md 22): rows enter
the log at their own time, in order of time, in slices that the engine finishes before the next begins.
"""

from __future__ import annotations

import gzip
import zlib
from array import array
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from wend.content.catalogue.replenishment import Replenishment
from wend.intake.body import GZIP_MAGIC, mark
from wend.intake.csv_profiles import Columns, read_profiles
from wend.intake.import_job import Imported, ImportFailed, Job, Progress, Row, job_id
from wend.intake.items import Envelope, ItemReader
from wend.intake.limits import Limits
from wend.intake.places import Places
from wend.intake.refused import Refused
from wend.store.clock import Clock
from wend.store.log import message_hash
from wend.store.postgres import Pool

CHUNK: Final = 1_000
"""Rows in one transaction."""
REPLAYED: Final = 6_000
"""The same in a replay, where each transaction is followed by a round through all partitions."""
SLICE: Final = 3_600_000
"""ms of history that the engine finishes before more is appended."""

Advance = Callable[[int], Awaitable[None]]
"""Run the engine until the log has reached that instant (ms UTC), with all that follows from it."""


async def import_events(
    path: Path,
    *,
    pool: Pool,
    clock: Clock,
    partitions: int,
    limits: Limits | None = None,
    progress: Progress | None = None,
    replay: Advance | None = None,
    slice_length: int = SLICE,
) -> Imported:
    """Import a file of Segment messages, one JSON object a line.

    Without `replay` rows enter the log now, marked as imported, with their own timestamps. With `replay` (the workspace must
    be in replay mode) they enter at their own time, and `replay` is awaited with the end of each slice (at most `slice_length` ms).
    Messages without messageId get one from the file's digest and the row. Raises OSError, ImportFailed.
    """
    limits = limits or Limits()
    digest = job_id(path, kind="events", replay=replay is not None)
    job = Job(path, digest, pool, clock, partitions, progress, timed=replay is not None)
    done = await job.open()
    if done is not None:
        return done
    replenishment, places = Replenishment(), Places()
    async with pool.connection() as conn:
        await replenishment.refresh(conn)
        await places.refresh(conn)
    reader = _EventReader(path, digest, limits, clock.now_ms(), replenishment, places, live=replay is not None)
    try:
        if replay is None:
            return await _import_as_it_stands(job, reader.rows())
        return await _replay(job, reader, replay, slice_length)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFailed(f"{path}: cannot be unpacked behind row {job.position}: {error}") from error


async def import_profiles(
    path: Path,
    *,
    pool: Pool,
    clock: Clock,
    partitions: int,
    limits: Limits | None = None,
    progress: Progress | None = None,
    columns: Columns | None = None,
    start: str | None = None,
) -> Imported:
    """Import a CSV file of profiles (csv_profiles.py says how columns are read). `start`: a journey to start for each of them.

    Raises OSError; ImportFailed when the header has no column that identifies a person, or names a column twice.
    """
    limits = limits or Limits()
    wanted = columns or Columns()
    digest = job_id(path, kind="profiles", start=start, columns=wanted.as_options())
    job = Job(path, digest, pool, clock, partitions, progress)
    done = await job.open()
    if done is not None:
        return done
    rows = read_profiles(
        path, wanted, limits, now=clock.now_ms(), source=f"import {path.name}", job=digest[:16], start=start
    )
    return await _import_as_it_stands(job, rows)


async def upload_list(
    path: Path,
    list: str,
    *,
    made_at: int,
    pool: Pool,
    clock: Clock,
    partitions: int,
    limits: Limits | None = None,
    progress: Progress | None = None,
    columns: Columns | None = None,
) -> Imported:
    """Put everybody whom a CSV file names on a list; whoever is not known yet becomes known. Other columns are not read.

    `made_at`: when the list was made (ms UTC): the same file is taken once for one list. Raises OSError; ImportFailed when the
    header has no column that identifies a person.
    """
    limits = limits or Limits()
    wanted = columns or Columns()
    digest = job_id(path, kind="list", list=list, made_at=made_at, columns=wanted.as_options())
    job = Job(path, digest, pool, clock, partitions, progress)
    done = await job.open()
    if done is not None:
        return done
    rows = read_profiles(path, wanted, limits, now=clock.now_ms(), source=f"list {list}", job=digest[:16], list=list)
    return await _import_as_it_stands(job, rows)


async def _import_as_it_stands(job: Job, rows: Iterator[Row]) -> Imported:
    chunk: list[Row] = []
    count = 0
    skip = job.position
    for row in rows:
        count += 1
        if count <= skip:
            continue
        chunk.append(row)
        if len(chunk) >= CHUNK:
            await job.write(chunk, count)
            chunk = []
    if chunk:
        await job.write(chunk, count)
    return await job.finish(count)


async def _replay(job: Job, reader: _EventReader, advance: Advance, slice_length: int) -> Imported:
    """Two passes: where every row begins and when it happened; then the rows, sorted by time."""
    with TemporaryFile() as copy:
        index = reader.index(copy)
        order = sorted(range(len(index.at)), key=index.at.__getitem__)
        chunk: list[Row] = []
        begin = last = 0
        for count, at_row in enumerate(order[job.position :], job.position):
            at = index.at[at_row]
            if chunk and (len(chunk) >= REPLAYED or at - begin >= slice_length):
                await job.write(chunk, count)
                await advance(last)
                chunk = []
            if at and not chunk:
                begin = at
                await advance(at - 1)
            copy.seek(index.offset[at_row])
            text = copy.read(index.size[at_row])
            row = reader.row(index.number[at_row], text, 0)
            row.done = job.total * (count + 1) // len(order)
            chunk.append(row)
            last = at
        if chunk:
            await job.write(chunk, len(order))
        if last:
            await advance(last)
        return await job.finish(len(order))


class _Index:
    """Where the rows of a file are, and when they happened; refused rows come first (time 0)."""

    def __init__(self) -> None:
        self.at = array("q")
        self.offset = array("q")
        self.size = array("q")
        self.number = array("q")


class _EventReader:
    def __init__(
        self,
        path: Path,
        digest: str,
        limits: Limits,
        now: int,
        replenishment: Replenishment,
        places: Places,
        *,
        live: bool,
    ) -> None:
        self._path = path
        self._prefix = f"{digest}:"
        self._limits = limits
        self._items = ItemReader(limits, trusted=True, replenishment=replenishment, places=places)
        self._envelope = Envelope(now, imported=not live, own_times=True)

    def rows(self) -> Iterator[Row]:
        """All rows of the file, blank lines left out."""
        for number, text, done in self._lines():
            yield self.row(number, text, done)

    def index(self, copy: IO[bytes]) -> _Index:
        """The index of the file; its rows are copied, unpacked, to `copy`."""
        found = _Index()
        offset = 0
        for number, text, _ in self._lines():
            row = self.row(number, text, 0)
            found.at.append(0 if row.message is None else row.message.at)
            found.offset.append(offset)
            found.size.append(len(text))
            found.number.append(number)
            copy.write(text)
            offset += len(text)
        return found

    def row(self, number: int, text: bytes, done: int) -> Row:
        """One row read."""
        try:
            message = self._items.read_raw(
                text if len(text) > self._limits.item_bytes else self._safe(text), self._envelope
            )
        except Refused as refused:
            return Row(number, text, None, refused, done)
        for entry in message.entries:
            if entry.message_hash is None:
                entry.message_hash = message_hash(f"{self._prefix}{number}")
        return Row(number, text, message, None, done)

    def _safe(self, text: bytes) -> bytes:
        if text.count(b"{") + text.count(b"[") > self._limits.depth or b"\\u" in text:
            return mark(text, self._limits.depth)
        return text

    def _lines(self) -> Iterator[tuple[int, bytes, int]]:
        """(number, line, bytes of the file read); of an overlong line only as much as shows that it is overlong."""
        longest = self._limits.item_bytes + 2
        with self._path.open("rb") as raw:
            packed = raw.peek(2).startswith(GZIP_MAGIC)
            with gzip.GzipFile(fileobj=raw) if packed else raw as lines:
                number = 0
                while line := lines.readline(longest):
                    number += 1
                    if len(line) == longest and not line.endswith(b"\n"):
                        while (rest := lines.readline(1 << 16)) and not rest.endswith(b"\n"):
                            pass
                    text = line.strip()
                    if number == 1:
                        text = text.removeprefix(b"\xef\xbb\xbf")
                    if text:
                        yield number, text, raw.tell()
