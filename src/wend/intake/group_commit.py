"""Many requests, one transaction: the answer to each is sent after the commit (intake.md; engine.md 23).

Rules:
1. One writer per process. While one group is being written the next one gathers, so there is no artificial delay:
   alone, a request is written at once; under load, hundreds share a commit.
2. The queue is bounded in items and bytes. Full → `Busy`, nothing is taken.
3. A group that the database refuses for its content is halved until the one item is found; that item is refused.
4. `stop` writes what was taken, then ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from wend.intake.dead_letters import DeadLetter
from wend.intake.items import Message
from wend.intake.limits import Limits
from wend.intake.writing import StoreAway, Writer, WrongMode


class Busy(Exception):
    """The queue is full: come back later."""


class Stopping(Exception):
    """This process is on its way out: another takes over."""


@dataclass(slots=True, eq=False)
class _Waiting:
    messages: Sequence[Message]
    letters: Sequence[DeadLetter]
    size: int
    done: asyncio.Future[list[int]]
    refused: list[int] = field(default_factory=list)


class GroupCommit:
    """Owns the writer. `submit` from any task of the same event loop."""

    def __init__(self, writer: Writer, limits: Limits) -> None:
        self._writer = writer
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._items = 0
        self._bytes = 0
        self._more = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.committed = 0
        """Messages written since the start."""
        self.groups = 0
        """Transactions since the start."""

    @property
    def waiting(self) -> int:
        """Messages taken but not yet written."""
        return self._items

    def start(self) -> None:
        """Start writing. Inside the event loop."""
        self._task = asyncio.create_task(self._run(), name="intake group commit")

    async def stop(self) -> None:
        """Take no more, write what was taken, end."""
        self._stopping = True
        self._more.set()
        if self._task is not None:
            await self._task
            self._task = None

    def check(self) -> None:
        """Raises Busy or Stopping when `submit` would: so that a body need not be read first."""
        if self._stopping:
            raise Stopping
        if self._items >= self._limits.queue_items or self._bytes >= self._limits.queue_bytes:
            raise Busy

    async def submit(self, messages: Sequence[Message], letters: Sequence[DeadLetter] = ()) -> list[int]:
        """Durable when it returns. Returns the positions of messages that the database refused (normally none).

        Raises Busy, Stopping, WrongMode; StoreAway when it is not known to be written.
        """
        self.check()
        if not messages and not letters:
            return []
        count = len(messages) + len(letters)
        size = sum(len(entry.payload) for message in messages for entry in message.entries) + 200 * count
        waiting = _Waiting(messages, letters, size, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._items += count
        self._bytes += size
        self._more.set()
        # A task that is cancelled here does not take back what it gave: the group is written all the same.
        return await waiting.done

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._more.clear()
                await self._more.wait()
                continue
            await self._write(self._take())

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        count = 0
        while self._queue:
            size = len(self._queue[0].messages)
            if group and count + size > self._limits.group_items:
                break
            group.append(self._queue.popleft())
            count += size
        return group

    async def _write(self, group: list[_Waiting]) -> None:
        failure: Exception | None = None
        try:
            await self._write_or_halve(group)
        except (StoreAway, WrongMode) as error:
            failure = error
        except Exception as error:  # noqa: BLE001 — whatever it is, the clients must be told that nothing is known
            failure = StoreAway(f"{type(error).__name__}: {error}")
        for waiting in group:
            self._items -= len(waiting.messages) + len(waiting.letters)
            self._bytes -= waiting.size
            if waiting.done.done():
                continue
            if failure is None:
                waiting.done.set_result(waiting.refused)
            else:
                waiting.done.set_exception(failure)
                waiting.done.exception()  # looked at: a client that went away is no unhandled error

    async def _write_or_halve(self, group: list[_Waiting]) -> None:
        parts = [(waiting, position, message) for waiting in group for position, message in enumerate(waiting.messages)]
        letters = [letter for waiting in group for letter in waiting.letters]
        try:
            await self._commit([message for _, _, message in parts], letters)
            return
        except psycopg.DataError:
            pass
        await self._commit([], letters)
        todo = [parts]
        while todo:
            part = todo.pop()
            try:
                await self._commit([message for _, _, message in part], [])
            except psycopg.DataError:
                if len(part) == 1:
                    waiting, position, _ = part[0]
                    waiting.refused.append(position)
                else:
                    middle = len(part) // 2
                    todo += [part[middle:], part[:middle]]

    async def _commit(self, messages: list[Message], letters: list[DeadLetter]) -> None:
        if messages or letters:
            await self._writer.write(messages, letters)
            self.committed += len(messages)
            self.groups += 1
