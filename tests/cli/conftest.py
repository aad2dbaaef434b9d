"""`wend` as people run it: a process of its own, on a data folder of its own, stopped and looked after."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from wend.cli import main

READY_WITHIN = 90.0  # seconds; a busy machine is slow
STOPPED_WITHIN = 10.0


@dataclass
class Up:
    """A running `wend up`."""

    data: Path
    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list[str])

    @property
    def keys(self) -> dict[str, str]:
        """'Write key' and 'API key' of the first start."""
        return dict(line.split(": ", 1) for line in (self.data / "keys.txt").read_text().splitlines())

    def get(self, path: str, **params: str) -> Any:
        """The JSON of a GET with the API key."""
        with httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.keys['API key']}"}) as client:
            return client.get(path, params=params, timeout=30).json()

    def send(self, *items: dict[str, Any]) -> Any:
        """The answer to a batch of events."""
        with httpx2.Client(base_url=self.url, auth=(self.keys["Write key"], "")) as client:
            return client.post("/v1/batch", json={"batch": list(items)}, timeout=30).json()

    def status(self, path: str, **headers: str) -> int:
        """The status of a GET without a key."""
        with httpx2.Client(base_url=self.url, headers=headers) as client:
            return client.get(path, timeout=30).status_code

    def family(self) -> list[psutil.Process]:
        """The server and all its children, PostgreSQL's too."""
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and wait; returns how long it took (seconds)."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.monotonic() - began


def command(*words: str | Path) -> list[str]:
    """The command line of `wend …`."""
    return [sys.executable, "-m", "wend.cli", *map(str, words)]


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def wend(*words: str | Path, data: Path | None = None, **environment: str) -> Said:
    """Run a command to its end, by its entry point, in this process: a new Python each time would take a second or more."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        where = [] if data is None else ["--data", str(data)]
        patch.setattr(sys, "argv", ["wend", *map(str, words), *where])
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Said(code, out.getvalue(), err.getvalue())


@contextmanager
def started(data: Path, *options: str, **environment: str) -> Generator[Up]:
    """`wend up`, ended in any case."""
    up = start(data, *options, **environment)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.stop()
        assert up.process.stdout is not None
        up.process.stdout.close()


def start(data: Path, *options: str, **environment: str) -> Up:
    """Start `wend up` and wait until it says that it is ready."""
    process = subprocess.Popen(
        command("up", "--data", data, "--port", "0", *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "WEND_PARTITIONS": "4", **environment},
    )  # fmt: skip
    assert process.stdout is not None
    said: list[str] = []
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"wend up ended with {process.wait()}:\n" + "".join(said))
        said.append(line)
        if line.startswith("Wend is ready at "):
            return Up(data, process, line.removeprefix("Wend is ready at ").strip(), said)
    process.kill()
    raise AssertionError("wend up did not get ready:\n" + "".join(said))


def await_that(what: Callable[[], object], within: float = 60.0) -> None:
    """Wait until `what` is true."""
    until = time.monotonic() + within
    while not what():
        if time.monotonic() > until:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One server for the tests of a module."""
    with started(tmp_path_factory.mktemp("wend") / "data") as running:
        yield running
