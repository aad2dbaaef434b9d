"""Which Wend runs on a data folder: the lock that lets only one, and the file that tells other commands where it is.

`wend.lock` is locked by the kernel for the life of `wend up`. `wend.run` (0600: it may hold the database's password) says
process, address and database; it is believed only while that very process lives, so a killed Wend leaves no lie behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from wend.commands.errors import UserError


@dataclass(frozen=True, slots=True)
class Running:
    """A serving `wend up`: `born` is its process's creation time, which tells it from a later one of the same number."""

    pid: int
    born: float
    url: str
    database_url: str
    schema: str
    smtp_port: int

    @classmethod
    def here(cls, *, url: str, database_url: str, schema: str, smtp_port: int) -> Running:
        """The record of this process."""
        return cls(os.getpid(), psutil.Process().create_time(), url, database_url, schema, smtp_port)


class Claim:
    """The right to run on `data`; UserError when another Wend has it. Dropped by `release`, or by the process's end."""

    def __init__(self, data: Path) -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = data / "wend.run"
        self._file = os.open(data / "wend.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            other = find(data)
            who = f"the Wend at {other.url} (process {other.pid})" if other else "another Wend that is just starting"
            raise UserError(
                str(data), f"in use by {who}", "stop that one, or choose another folder with --data"
            ) from None
        self._path.unlink(missing_ok=True)

    def announce(self, running: Running) -> None:
        """Tell other commands where this Wend is."""
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as out:
            json.dump(asdict(running), out)
        new.replace(self._path)

    def release(self) -> None:
        """Let another Wend have the folder."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def find(data: Path) -> Running | None:
    """The Wend that serves on `data` now, or None."""
    with suppress(OSError, ValueError, TypeError, psutil.Error):
        said = Running(**json.loads((data / "wend.run").read_text()))
        if abs(psutil.Process(said.pid).create_time() - said.born) < 0.5:
            return said
    return None
