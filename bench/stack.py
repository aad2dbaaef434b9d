"""A whole `wend up` of the shipped settings in a folder of its own, and the loading process beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import psutil

from bench.processes import end, spawn

_READY = "Wend is ready at "


@dataclass(frozen=True, slots=True)
class Stack:
    """A serving Wend."""

    process: Popen[str]
    url: str
    data: Path

    @property
    def postmaster(self) -> int:
        """PostgreSQL's first process."""
        return int(next(self.data.glob("postgres-*/postmaster.pid")).read_text().split()[0])

    @property
    def python(self) -> list[int]:
        """The server and its children, without PostgreSQL."""
        own = psutil.Process(self.process.pid)
        found: list[int] = []
        for one in (own, *own.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # servers of PostgreSQL come and go
                if not one.name().startswith("postgres"):
                    found.append(one.pid)
        return found

    @property
    def children(self) -> list[int]:
        """Workers and senders."""
        return [pid for pid in self.python if pid != self.process.pid]

    def key(self) -> str:
        """A write key."""
        made = spawn(["-m", "wend.cli", "key", "new", "--kind", "write", "--data", str(self.data)])
        said, _ = made.communicate(timeout=60)
        return next(word for word in said.split() if word.startswith("wk_"))


@contextmanager
def wend_up(data: Path, settings: Mapping[str, str] | None = None) -> Generator[Stack]:
    """`wend up` on `data`, serving."""
    data.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {value}" for name, value in (settings or {}).items()]
    (data / "wend.toml").write_text("\n".join([*lines, ""]))
    process = spawn(["-m", "wend.cli", "up", "--data", str(data), "--port", "0"])
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(_READY):
                break
        else:
            raise RuntimeError(f"`wend up` ended without serving; see {data}/wend.log")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Stack(process, line.removeprefix(_READY).strip(), data)
    finally:
        end(process)


def load(stack: Stack, key: str, **order: Any) -> dict[str, Any]:
    """Let the loading process do `order` and return what it says (bench/load.py). Raises when an answer was not 200."""
    place = urlsplit(stack.url)
    full = {
        "host": place.hostname,
        "port": place.port,
        "key": key,
        "people": 20_000,
        "first": 0,
        "name": "Product Viewed",
        **order,
    }
    process = spawn(["-m", "bench.load"], stdin=True)
    try:
        said, _ = process.communicate(json.dumps(full) + "\n", timeout=600)
    finally:
        end(process)
    result = json.loads(said)
    if result["bad_count"]:
        raise RuntimeError(f"{result['bad_count']} of {result['requests']} requests were refused: {result['bad']}")
    return result
