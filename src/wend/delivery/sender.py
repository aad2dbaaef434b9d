"""The sender: takes due messages out of the outbox and hands them to their channels, each once (engine.md 8, 9).

One round of a message, each step committed before the next:
1. claim under a lease;
2. read the person fresh, decide once more (time to live, suppression, consent, quiet hours by the real clock), render;
3. pace, then `queued → sending` by compare-and-swap, just before the first byte;
4. provider.send;
5. outcome and its `Feedback` input, in one transaction.
A sender killed before 3 has done nothing: the lease runs out and another takes the row. Killed after 3, the message may be
out: it becomes `uncertain` and is never resent, except through providers that take an effect id only once (the inbox).
Polling is the truth, and often enough: a NOTIFY at every commit would make commits wait for each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from wend.channels.contract import Message, Outcome, Provider, Unknown
from wend.content.catalogue.shelf import ROUNDS, Shelf
from wend.content.links import Links
from wend.content.store import Templates
from wend.content.templates import Template
from wend.core.profile import Profile
from wend.delivery.outbox import Outbox, Row, Settled, groups
from wend.delivery.outcomes import Accounts, settled_as
from wend.delivery.people import load_people
from wend.delivery.prepare import Prepared, Surroundings, prepare
from wend.delivery.render import SenderSettings
from wend.store.clock import Clock
from wend.store.codec import decode_json
from wend.store.log import Appender
from wend.store.postgres import Connection, Pool, fetch_one, sql

LEASE = 60_000
POLL = 0.1
"""Seconds between looks when there is nothing to do."""
BATCH = 250
AT_ONCE = 3
_LAW_FOR = 2_000
_LONGEST_WAIT = 5_000
_GATHER = 0.005
_AGAIN = 0.2
_STUCK = 60.0
_SMALL = 50
"""After a claim of fewer rows the next one waits a moment, so that each is worth its transactions."""

_log = structlog.get_logger("wend.delivery")


class Sender:
    """One sending process of a workspace; as many as wanted may run.

    `channels`: channel → provider. `clock` tells real time; with `virtual=True` it is a replay's: feedback is then logged at
    that time, and real providers are not used. `spread`: partitions per claim (1 on Citus).
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        channels: Mapping[str, Provider],
        links: Links,
        settings: SenderSettings,
        partitions: int,
        *,
        rates: Mapping[str, float] | None = None,
        lease: int = LEASE,
        spread: int = 64,
        virtual: bool = False,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._channels = channels
        self._links = links
        self._settings = settings
        self._partitions = partitions
        self._lease = lease
        self._virtual = virtual
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._outbox = Outbox(pool, Appender(partitions), self.name, replay=virtual)
        self._templates = Templates()
        self._shelf = Shelf()
        self._accounts = Accounts(rates or {})
        self._groups = groups(partitions, spread)
        self._hint = asyncio.Event()
        self._stopping = False
        self._batches: set[asyncio.Task[None]] = set()
        self._law: tuple[int, Mapping[str, Any]] = (0, {})
        self._put_back = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        """(channel, status) → messages, for metrics."""

    def paused(self) -> dict[str, tuple[int, str]]:
        """Account → (until, why) of those that are paused now."""
        return self._accounts.paused(self._clock.now_ms())

    async def run(self) -> None:
        """Send until `stop`. A database that is away is waited for."""
        free = asyncio.Semaphore(AT_ONCE)
        while not self._stopping:
            self._hint.clear()
            found = 0  # 1: little, 2: much
            for group in self._groups:
                await free.acquire()
                try:
                    rows = await self._claim(group)
                except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError) as problem:
                    _log.warning("the outbox cannot be read", problem=str(problem))
                    free.release()
                    await asyncio.sleep(1)
                    continue
                if not rows or self._stopping:
                    free.release()
                    continue
                found = max(found, 1 if len(rows) < _SMALL else 2)
                task = asyncio.create_task(self._hand_over(rows), name="sender batch")
                self._batches.add(task)
                task.add_done_callback(lambda done: (free.release(), self._finished(done)))
            if found == 1:
                await asyncio.sleep(4 * _GATHER)
            elif not found:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hint.wait(), POLL)
        if self._batches:
            await asyncio.wait(set(self._batches))

    async def stop(self) -> None:
        """Claim nothing more; what is in hand is finished by `run` before it returns."""
        self._stopping = True
        self._hint.set()

    async def drain(self) -> int:
        """Hand over everything that is due now and return how many rows were worked on (for replay and tests).

        A replay's clock stands still, so there what cannot be handed over is tried again in real time, and given up with a
        TimeoutError when nothing at all went out for a minute.
        """
        done = 0
        stuck_since = time.monotonic()
        while True:
            rows = [row for group in self._groups for row in await self._claim(group)]
            if not rows:
                return done
            done += len(rows)
            before = self._put_back
            await self._hand_over(rows)
            if self._put_back - before < len(rows):
                stuck_since = time.monotonic()
            elif time.monotonic() - stuck_since > _STUCK:
                raise TimeoutError(
                    f"{len(rows)} messages of the replay cannot be handed over, the first: {rows[0].why}"
                )
            if self._virtual and self._put_back > before:
                await asyncio.sleep(_AGAIN)

    async def _claim(self, group: Sequence[int]) -> list[Row]:
        now = self._clock.now_ms()
        # Leases are real time also in a replay, whose clock may stand still.
        return await self._outbox.claim(group, now, now + self._lease, BATCH)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            # Its rows come back when their lease is over: nothing is lost, but somebody should know.
            _log.error("a batch of messages failed", problem=repr(problem))

    async def _hand_over(self, rows: Sequence[Row]) -> None:
        ready: list[Prepared] = []
        early: list[Settled] = []
        async with self._pool.connection() as conn:
            people = await load_people(conn, {row.profile_id for row in rows}, self._partitions)
            templates = await self._templates.load(conn, {row.template for row in rows})
            around = Surroundings(self._links, self._settings, await self._published(conn), self._virtual, self._shelf)
        for result in await self._prepare(rows, people, templates, around):
            if isinstance(result, Prepared):
                ready.append(result)
            else:
                early.append(result)
        await self._settle(early, sent=False)
        by_account: dict[str, list[Prepared]] = {}
        for one in ready:
            by_account.setdefault(one.provider.account, []).append(one)
        await asyncio.gather(*(self._through(account, part) for account, part in by_account.items()))

    async def _prepare(
        self,
        rows: Sequence[Row],
        people: Mapping[int, Profile],
        templates: Mapping[str, Template],
        around: Surroundings,
    ) -> Iterable[Prepared | Settled]:
        """What is to be done with each; what looks up products that are not at hand is rendered again when they are."""
        now, shelf = self._clock.now_ms(), self._shelf
        done: dict[str, Prepared | Settled] = {}
        todo = rows
        for _ in range(ROUNDS):
            again: list[Row] = []
            for number, row in enumerate(todo):
                template, provider = templates.get(row.template), self._channels.get(row.channel)
                # In a replay each message has its own time; the clock only says how far the replay has come.
                at, misses = row.at if self._virtual else now, shelf.misses
                done[row.effect_id] = prepare(row, people.get(row.profile_id), template, provider, around, at)
                if shelf.misses > misses:
                    again.append(row)
                if number % 8 == 7:
                    await asyncio.sleep(0)  # others have connections to keep alive
            if not again:
                break
            async with self._pool.connection() as conn:
                await shelf.fill(conn)
            todo = again
        return done.values()

    async def _through(self, account: str, waiting: list[Prepared]) -> None:
        """All messages of one account: at its pace, no more at once than it works on; none while it is paused."""
        give_up = self._real_ms() + _LONGEST_WAIT
        while waiting:
            now = self._real_ms()
            back = self._accounts.paused_until(account, now)
            why = self._accounts.why(account)
            given = 0
            if not back:
                given, wait = self._accounts.take(account, min(len(waiting), waiting[0].provider.width), now)
                back, why = now + wait, "paced"
            wave, waiting = waiting[:given], waiting[given:]
            if wave:
                await self._send(wave)
            elif back > give_up:
                again = [Settled(one.row, "queued", why, not_before=min(back, one.row.expires_at)) for one in waiting]
                return await self._settle(self._at_once(again), sent=False)
            elif waiting:
                await asyncio.sleep(max(0, back - now) / 1000)
        return None

    async def _send(self, wave: Sequence[Prepared]) -> None:
        now = self._clock.now_ms()
        still = await self._outbox.mark_sending([one.row for one in wave], now, now + self._lease)
        todo = [one for one in wave if one.row.effect_id in still]
        if not todo:
            return
        provider = todo[0].provider
        calls = {
            asyncio.create_task(_call(provider, [one.message for one in todo[i : i + provider.batch]])): todo[
                i : i + provider.batch
            ]
            for i in range(0, len(todo), provider.batch)
        }
        try:
            pending, renewed = set(calls), time.monotonic()
            while pending:
                # What finishes while a group is being settled, or within some ms, goes into the next transaction.
                finished, pending = await asyncio.wait(
                    pending, timeout=self._lease / 3000, return_when=asyncio.FIRST_COMPLETED
                )
                if pending and finished:
                    more, pending = await asyncio.wait(pending, timeout=_GATHER)
                    finished |= more
                settled = [
                    settled_as(one.row, one.message.to, outcome, provider, self._accounts, self._real_ms())
                    for task in finished
                    for one, outcome in zip(calls[task], task.result(), strict=True)
                ]
                await self._settle(self._at_once(settled), sent=True)
                if pending and time.monotonic() - renewed > self._lease / 3000:
                    rows = [one.row for task in pending for one in calls[task]]
                    await self._outbox.renew(rows, self._clock.now_ms() + self._lease)
                    renewed = time.monotonic()
        finally:
            for task in calls:
                task.cancel()

    def _real_ms(self) -> int:
        """Accounts recover in real time, also while a replay's clock stands still."""
        return int(time.time() * 1000) if self._virtual else self._clock.now_ms()

    def _at_once(self, settled: Sequence[Settled]) -> Sequence[Settled]:
        """In a replay what is put back is due again at once: its clock stands still until it is out."""
        if not self._virtual:
            return settled
        again = [one for one in settled if one.status == "queued"]
        self._put_back += len(again)
        return [replace(one, not_before=0) if one.status == "queued" else one for one in settled]

    async def _settle(self, settled: Sequence[Settled], *, sent: bool) -> None:
        if not settled:
            return
        now = self._clock.now_ms()
        mine = await self._persistently(settled, now, sent)
        for one in settled:
            self.counts[one.row.channel, one.status] += 1
        if mine < len(settled):
            _log.warning("outcomes came too late: others had taken the messages over", count=len(settled) - mine)

    async def _persistently(self, settled: Sequence[Settled], now: int, sent: bool) -> int:
        """Outcomes live only in our memory until they are written: a database that restarts is waited for."""
        give_up = time.monotonic() + self._lease / 1000
        while True:
            try:
                return await self._outbox.settle(settled, now, sent=sent, at=now if self._virtual else None)
            except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError) as problem:
                if time.monotonic() > give_up:
                    raise
                _log.warning("outcomes cannot be written yet", problem=str(problem))
                await asyncio.sleep(0.5)

    async def _published(self, conn: Connection) -> Mapping[str, Any]:
        read, law = self._law
        now = self._clock.now_ms()
        if not read or not 0 <= now - read < _LAW_FOR:
            row = await fetch_one(conn, sql("delivery_settings"))
            law = cast("Mapping[str, Any]", decode_json(row[0]) if row is not None and row[0] is not None else {})
            self._law = (now, law)
        return law


async def _call(provider: Provider, batch: Sequence[Message]) -> list[Outcome]:
    try:
        return await provider.send(batch)
    except Exception as problem:  # a provider's bug must not make us send twice  # noqa: BLE001
        _log.error("a provider failed", account=provider.account, problem=repr(problem))
        return [Unknown(f"{type(problem).__name__}: {problem}") for _ in batch]
