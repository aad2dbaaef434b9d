"""Other processes: starting them, their CPU time, their memory. Only what was started here is ever stopped here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent


@contextmanager
def scratch() -> Generator[Path]:
    """A folder that is gone afterwards. WEND_BENCH_DIR says where (a disk, not a memory file system: commits are durable)."""
    with tempfile.TemporaryDirectory(
        prefix="wend-bench-", dir=os.environ.get("WEND_BENCH_DIR"), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def environment() -> dict[str, str]:
    """Our environment without anybody's WEND_ settings: the shipped ones are measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEND_", "PG"))}
    return {**kept, "PYTHONPATH": str(ROOT)}


def spawn(arguments: Sequence[str], *, stdin: bool = False) -> subprocess.Popen[str]:
    """`python …` in the project's folder, its standard output to be read line by line."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE if stdin else None,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Ask to stop, wait, insist."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds."""

    python: float
    postgres: float

    def __sub__(self, other: Used) -> Used:
        return Used(self.python - other.python, self.postgres - other.postgres)


def used(python: Sequence[int], postmaster: int) -> Used:
    """CPU seconds of these processes, and of PostgreSQL with all its processes, those included that have ended."""
    return Used(sum(_seconds(psutil.Process(pid)) for pid in python), _with_children(psutil.Process(postmaster)))


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _with_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    return total + sum(_seconds(child) for child in process.children(recursive=True))


def memory(root: int, *others: int) -> tuple[float, float]:
    """MB of all processes below `root` and `others`: (Python, PostgreSQL), shared pages divided among those that share them (PSS)."""
    python = postgres = 0.0
    seen: set[int] = set()
    for pid in (root, *others):
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            if process.pid in seen:
                continue
            seen.add(process.pid)
            with suppress(psutil.Error):
                size = process.memory_full_info().pss / 2**20
                if process.name().startswith("postgres"):
                    postgres += size
                else:
                    python += size
    return python, postgres
