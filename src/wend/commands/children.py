"""The processes beside the server: started with it, started again when they die, never outliving it.

A child gets its orders as one JSON line on its standard input (a database password must not appear in a process list), tells
its counters on its standard output, and asks the kernel to be killed when its parent dies, however that dies (child.py).
A child that keeps dying is started again after ever longer pauses.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

_FIRST_PAUSE = 0.5  # seconds
_LONGEST_PAUSE = 30.0
_LIVED_WELL = 60.0  # after this the pauses start over
_STOP_WITHIN = 8.0  # a child that is asked to stop finishes its batch; then it is killed

log = structlog.get_logger("wend.children")


@dataclass(slots=True)
class Child:
    """One kept process: its name in the log, what it is told, and the counters that it told last."""

    name: str
    role: str
    orders: Mapping[str, Any]
    process: Process | None = None
    restarts: int = 0
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Children:
    """All kept processes of a server."""

    kept: list[Child] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: bool = False

    def keep(self, child: Child) -> None:
        """Start `child`, and again whenever it ends."""
        self.kept.append(child)
        self._tasks.append(asyncio.create_task(self._keep(child), name=f"keep {child.name}"))

    async def _keep(self, child: Child) -> None:
        pause = _FIRST_PAUSE
        clock = asyncio.get_running_loop().time
        while not self._stopping:
            began = clock()
            child.process = await _start(child)
            log.info("child started", child=child.name, pid=child.process.pid)
            await _listen(child)
            code = await child.process.wait()
            if self._stopping:
                return
            pause = _FIRST_PAUSE if clock() - began > _LIVED_WELL else min(pause * 2, _LONGEST_PAUSE)
            child.restarts += 1
            log.error("child ended, it will be started again", child=child.name, code=code, after_seconds=pause)
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """Ask all to stop, and kill those that do not within a few seconds; none is left when it returns."""
        self._stopping = True
        for child in self.kept:
            if child.process and child.process.returncode is None:
                with suppress(ProcessLookupError):
                    child.process.terminate()
        for task in self._tasks:
            if not any(child.process and child.process.returncode is None for child in self.kept):
                task.cancel()  # it sleeps before a restart
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WITHIN)
        for child in self.kept:
            if child.process and child.process.returncode is None:
                log.warning("child did not stop in time, it is killed", child=child.name)
                with suppress(ProcessLookupError):
                    child.process.kill()
                await child.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _start(child: Child) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wend.commands.child",
        child.role,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C in the terminal is for the parent, which then stops its children in order.
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(json.dumps({"name": child.name, "parent": os.getpid(), **child.orders}).encode() + b"\n")
        await process.stdin.drain()
        process.stdin.close()
    return process


async def _listen(child: Child) -> None:
    """Take in the counters that the child writes, until it closes its output by ending."""
    assert child.process is not None and child.process.stdout is not None
    while line := await child.process.stdout.readline():
        with suppress(ValueError):
            child.numbers = json.loads(line)
