"""An import that can be cut off at any moment and goes on where it was: `import_job` moves in the rows' own transaction.

Rules:
1. A job is a file's content with its options; the same again is the same job, and a finished one does nothing.
2. Position, accepted and rejected are committed together with the rows. So every row enters once, whatever is killed.
3. Refused rows stand, with reason and row number, in `<file>.rejected.ndjson`; the first of them are dead letters too.
   Written before the commit; what lies beyond the position is taken out on resuming.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import psycopg

from wend.intake.dead_letters import DeadLetter, letter
from wend.intake.items import Message
from wend.intake.refused import Refused
from wend.intake.writing import StoreAway, Writer, WrongMode
from wend.store.clock import Clock
from wend.store.log import Appender
from wend.store.postgres import Connection, Pool, fetch_one, sql

Progress = Callable[[int, int, int, int], None]
"""(bytes done, bytes in all, rows accepted, rows rejected), after every commit."""

_DEAD_LETTERS = 1_000
_PATIENCE = 60.0  # seconds that the store may be away in the middle of an import


class ImportFailed(Exception):
    """The import stopped; what was committed stays, and the same call goes on from there. The message says why and where."""


class ImportBusy(ImportFailed):
    """Another process is importing this very file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did in all its attempts. `rows` = accepted + rejected."""

    rows: int
    accepted: int
    rejected: int
    rejected_file: Path | None
    """Where the refused rows stand; None: there are none."""
    already_done: bool
    """The same file was imported before, with the same options: nothing was done now."""


@dataclass(slots=True)
class Row:
    """One row of a file: what it means, or why it was refused. `number` counts from 1, as editors do."""

    number: int
    text: bytes
    message: Message | None
    refused: Refused | None
    done: int
    """Bytes of the file that are read when this row is."""


@dataclass(slots=True)
class Job:
    """One import. `open` first; then `write` chunks of rows in order; `finish`."""

    path: Path
    id: str
    pool: Pool
    clock: Clock
    partitions: int
    progress: Progress | None
    timed: bool = False
    position: int = 0
    accepted: int = 0
    rejected: int = 0
    total: int = 0
    _writer: Writer = field(init=False)

    @property
    def rejected_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.rejected.ndjson")

    async def open(self) -> Imported | None:
        """Take the job up where it was; what it did when it is done already. Raises psycopg.Error."""
        self._writer = Writer(self.pool, Appender(self.partitions), self.clock)
        self.total = self.path.stat().st_size
        async with self.pool.connection() as conn:
            await conn.execute(sql("import_begin"), (self.id, str(self.path), self.clock.now_ms()))
            row = await fetch_one(conn, sql("import_get"), (self.id,))
        assert row is not None
        self.position, self.accepted, self.rejected, done = row
        if done:
            return self._result(already_done=True)
        self._trim_rejected()
        return None

    async def write(self, rows: Sequence[Row], position: int) -> None:
        """Commit `rows` and the position behind them (how many rows of the file are done then)."""
        good = [row for row in rows if row.message is not None]
        bad = [row for row in rows if row.message is None]
        try:
            await self._commit(good, bad, position)
        except psycopg.DataError as error:
            if len(good) == 1:
                good[0].message = None
                good[0].refused = Refused("refused_by_store", f"The database refused this row: {error}")
                await self._commit([], rows, position)
                return
            start = self.position
            middle = rows.index(good[len(good) // 2])
            await self.write(rows[:middle], start + middle)
            await self.write(rows[middle:], position)

    async def finish(self, rows: int) -> Imported:
        """Mark the job done, `rows` rows in all."""

        async def close(conn: Connection) -> None:
            await self._advance(conn, rows, self.accepted, self.rejected, done=True)

        await self._patiently([], [], close)
        return self._result(already_done=False)

    def _result(self, *, already_done: bool) -> Imported:
        file = self.rejected_path if self.rejected else None
        return Imported(self.accepted + self.rejected, self.accepted, self.rejected, file, already_done)

    async def _commit(self, good: Sequence[Row], bad: Sequence[Row], position: int) -> None:
        accepted, rejected = self.accepted + len(good), self.rejected + len(bad)
        letters: list[DeadLetter] = []
        for row in bad:
            assert row.refused is not None
            if self.rejected + len(letters) < _DEAD_LETTERS:
                letters.append(
                    letter(f"{self.path.name}:{row.number}", row.refused.code, row.refused.message, row.text)
                )
        self._write_rejected(bad)

        async def advance(conn: Connection) -> None:
            await self._advance(conn, position, accepted, rejected, done=False)

        await self._patiently([row.message for row in good if row.message is not None], letters, advance)
        self.position, self.accepted, self.rejected = position, accepted, rejected
        if self.progress is not None:
            done = max((row.done for row in (*good, *bad)), default=0)
            self.progress(min(done, self.total), self.total, accepted, rejected)

    async def _patiently(
        self, messages: list[Message], letters: list[DeadLetter], first: Callable[[Connection], Any]
    ) -> None:
        """Write; a store that is away for a while is waited for. A commit whose outcome is unknown is looked up by `first`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while True:
            try:
                await self._writer.write(messages, letters, timed=self.timed, first=first)
            except _Done:
                return
            except WrongMode as error:
                wanted = "in replay mode" if self.timed else "live"
                raise ImportFailed(f"{self.path}: {error}; for this import it must be {wanted}") from error
            except StoreAway as error:
                if loop.time() >= until:
                    raise ImportFailed(f"{self.path}: the store is away after row {self.position}: {error}") from error
                await asyncio.sleep(0.5)
            else:
                return

    async def _advance(self, conn: Connection, position: int, accepted: int, rejected: int, *, done: bool) -> None:
        row = await fetch_one(conn, sql("import_lock"), (self.id,))
        if row is None or row[0] != self.position:
            if row is not None and row[0] == position:
                raise _Done  # an earlier attempt was committed after all, only its answer was lost
            raise ImportBusy(f"{self.path}: another process imports this file; it is at row {row[0] if row else '?'}")
        await conn.execute(sql("import_advance"), (position, accepted, rejected, done, self.clock.now_ms(), self.id))

    def _write_rejected(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        with self.rejected_path.open("a", encoding="utf-8") as out:
            for row in rows:
                assert row.refused is not None
                line = {
                    "row": row.number,
                    "code": row.refused.code,
                    "message": row.refused.message,
                    "line": row.text.decode("utf-8", "backslashreplace"),
                }
                out.write(json.dumps(line, ensure_ascii=True) + "\n")

    def _trim_rejected(self) -> None:
        """Keep only what was committed: as many lines as the job counts."""
        path = self.rejected_path
        if not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            kept = [line for _, line in zip(range(self.rejected), lines, strict=False)]
        if kept:
            path.write_text("".join(kept), encoding="utf-8")
        else:
            path.unlink()


class _Done(Exception):
    """What is to be written is there already."""


def job_id(path: Path, **options: Any) -> str:
    """Digest of a file's content and of the options. Reads the whole file."""
    digest = blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
