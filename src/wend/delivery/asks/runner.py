"""Carries out what journeys ask of the outside: each row of the outbox once, each with exactly one answer (engine.md 5, 8, 9).

- What the database alone does (coupons, audience changes, noting alerts) is done in the transaction that settles the row.
- A call of a service is marked as being sent, made, then settled; its answer enters the log in that last transaction. Who dies in
  between leaves a `sending` row: it is called once more where that is harmless, else it is `uncertain`.
- No service holds up another, nor mails: each works on `at_once` calls, has its own pace and its own breaker, and what is asked of
  a busy one stays in the outbox.
- In a replay nothing is done outside: everything is answered `ok` and empty, at the instant at which it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets as chance
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from wend.content.links import Links
from wend.core.profile import Profile
from wend.delivery.asks import alert, api, audience, coupon
from wend.delivery.asks.done import Done
from wend.delivery.asks.http import Caller
from wend.delivery.asks.lines import Line, Lines, NotNow
from wend.delivery.asks.services import Service, Services
from wend.delivery.outbox import Outbox, Row, Settled, groups
from wend.delivery.people import load_people
from wend.delivery.render import SenderSettings, context
from wend.store.clock import Clock
from wend.store.codec import decode_json
from wend.store.log import Appender
from wend.store.postgres import Connection, Pool, fetch_one, sql
from wend.store.secrets import Secrets

LEASE = 60_000
POLL = 0.1
"""Seconds between looks when there is nothing to do."""
BATCH = 64
_LOCAL = 3
_ALERTS_EVERY = 1.0
_GRACE = 5.0
_BEYOND = 30_000
"""ms for which a call's lease outlasts its timeout."""
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError)

_log = structlog.get_logger("wend.delivery.asks")


class Asks:
    """One process that carries out; as many as wanted may run. `email`: alerts by mail go through it. `virtual`: a replay's."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        secrets: Secrets,
        links: Links,
        settings: SenderSettings,
        partitions: int,
        *,
        email: Any = None,
        lease: int = LEASE,
        spread: int = 64,
        virtual: bool = False,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._partitions = partitions
        self._lease = lease
        self._virtual = virtual
        self.name = f"{socket.gethostname()}:{os.getpid()}:asks:{chance.token_hex(4)}"
        self._outbox = Outbox(pool, Appender(partitions), self.name, replay=virtual)
        self._services = Services(secrets, clock.now_ms)
        self._caller = Caller()
        self._alerts = alert.Alerts(pool, self._caller, self._services, email, settings.sender, links.base)
        self._groups = groups(partitions, spread)
        self._lines = Lines()
        self._local = asyncio.Semaphore(_LOCAL)
        self._calls: set[asyncio.Task[None]] = set()
        self._doing: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self.counts: Counter[tuple[str, str]] = Counter()
        """(kind, status) → rows, for metrics."""

    def paused(self) -> dict[str, tuple[int, str]]:
        """Service → (until, why) of those that are left alone now."""
        return self._lines.paused(self._clock.now_ms())

    async def run(self) -> None:
        """Carry out until `stop`. A database that is away is waited for."""
        alerting = asyncio.create_task(self._send_alerts())
        try:
            while not self._stop.is_set():
                try:
                    found = await self._round()
                except _AWAY as problem:
                    _log.warning("the outbox cannot be read", problem=str(problem))
                    await asyncio.sleep(1)
                    continue
                if not found:
                    await self._pause(POLL)
        finally:
            alerting.cancel()
            await asyncio.gather(alerting, return_exceptions=True)
            await self._finish()

    async def _finish(self) -> None:
        """Let what is in hand come to its end; what takes longer is left as a sender leaves it that dies."""
        tasks = self._calls | self._doing
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=_GRACE)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        await self._caller.close()

    async def stop(self) -> None:
        """Take nothing more; what is in hand may take five seconds more before `run` returns."""
        self._stop.set()

    async def drain(self) -> int:
        """Carry out everything that is due now, alerts included, and return how many rows were worked on (replays, tests)."""
        done = 0
        while True:
            found = await self._round()
            while in_hand := self._calls | self._doing:
                await asyncio.wait(in_hand)
            done += found
            if not found:
                break
        if not self._virtual:
            await self._alerts.send_due(self._clock.now_ms())
        await self._caller.close()
        return done

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _send_alerts(self) -> None:
        while True:
            try:
                await self._alerts.send_due(self._clock.now_ms())
            except _AWAY as problem:
                _log.warning("alerts cannot be sent yet", problem=str(problem))
            except Exception as problem:  # noqa: BLE001 - one alert must not keep back the others for ever
                _log.error("alerts failed", problem=repr(problem))
            await asyncio.sleep(_ALERTS_EVERY)

    async def _round(self) -> int:
        """Take what is due and begin with it; how many rows that were."""
        taken = 0
        for group in self._groups:
            while len(self._doing) >= BATCH:  # no more under lease than will soon be done
                await asyncio.wait(self._doing, return_when=asyncio.FIRST_COMPLETED)
            busy = self._lines.busy(self._services.known)
            now = self._clock.now_ms()
            rows = await self._outbox.claim_asks(group, now, now + self._lease, BATCH, busy=busy)
            if rows:
                await self._begin(rows)
            taken += len(rows)
        return taken

    async def _begin(self, rows: Sequence[Row]) -> None:
        if self._virtual:
            await self._settle([_as_in_a_replay(row) for row in rows], sent=False)
            return
        async with self._pool.connection() as conn:
            people = await load_people(conn, {row.profile_id for row in rows}, self._partitions)
            services = await self._services.get(conn)
            law = await _published(conn)
        for row in rows:
            profile = people.get(row.profile_id)
            early = self._early(row, profile, services.get(row.template))
            if early is not None:
                await self._settle([early], sent=False)
            elif row.channel == "api":
                await self._begin_call(row, cast(Profile, profile), services.get(row.template), law)
            else:
                self._start(self._do(row, cast(Profile, profile), law), self._doing)

    def _start(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._doing.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            # Its row comes back when its lease is over: nothing is lost, but somebody should know.
            _log.error("carrying out failed", problem=repr(problem))

    def _early(self, row: Row, profile: Profile | None, service: Service | None) -> Settled | None:
        """What becomes of a row that is not begun at all."""
        if row.channel == "api" and row.status == "sending" and not api.may_repeat(row, service):
            return Settled(row, "uncertain", "its sender died while calling", answer=("uncertain", None))
        answer: Any = None if row.channel == "alert" else ("failed", None)
        if profile is None or profile.erased:
            return Settled(row, "dropped", "the person is not here any more", answer=answer)
        if self._clock.now_ms() >= row.expires_at:
            last = f"; last attempt: {row.why}" if row.tries and row.why else ""
            return Settled(row, "dropped", f"it could not be done in time{last}", answer=answer)
        return None

    # --- calls ---

    async def _begin_call(self, row: Row, profile: Profile, service: Service | None, law: Mapping[str, Any]) -> None:
        now = self._clock.now_ms()
        if service is None:
            return await self._settle([api.failed(row, f"there is no service '{row.template}'")], sent=False)
        if row.tries > int(row.data["request"]["retries"]):
            return await self._settle([api.failed(row, f"no attempt is left; the last: {row.why}")], sent=False)
        line = self._lines.begin(service, now)
        if isinstance(line, NotNow):
            again = Settled(row, "queued", line.why, not_before=min(now + line.after, row.expires_at))
            return await self._settle([again], sent=False)
        self._start(self._call(row, service, line, self._values(row, profile, now, law)), self._calls)
        return None

    async def _call(self, row: Row, service: Service, line: Line, values: Mapping[str, Any]) -> None:
        try:
            now = self._clock.now_ms()
            lease = now + int(row.data["request"]["timeout"]) + _BEYOND
            if not await self._outbox.mark_sending([row], now, lease):
                return  # withdrawn meanwhile
            settled = await api.call(row, service, values, self._caller, now)
            if settled.status in ("queued", "uncertain"):
                line.breaker.failed(self._clock.now_ms(), settled.why, hard=False)
            else:
                line.breaker.worked()
            await self._settle([settled], sent=True)
        finally:
            self._lines.end(line)

    # --- what the database alone does ---

    async def _do(self, row: Row, profile: Profile, law: Mapping[str, Any]) -> None:
        async with self._local:
            await self._persistently(lambda: self._do_once(row, profile, law))

    async def _do_once(self, row: Row, profile: Profile, law: Mapping[str, Any]) -> None:
        now = self._clock.now_ms()
        async with self._pool.connection() as conn:
            while True:
                try:
                    async with conn.transaction():
                        done = await self._done(conn, row, profile, law, now)
                        settled = done.settled(row, now)
                        if not await self._outbox.settle_in(conn, [settled], now, sent=False):
                            raise psycopg.Rollback  # withdrawn: it was not done
                    break
                except psycopg.errors.UniqueViolation:
                    continue  # the same person, this very moment: now it is theirs
        self.counts[row.channel, settled.status] += 1

    async def _done(self, conn: Connection, row: Row, profile: Profile, law: Mapping[str, Any], now: int) -> Done:
        match row.channel:
            case "coupon":
                return await coupon.issue(conn, row, profile.id, now)
            case "audience":
                return await audience.note(conn, row, profile.id, now)
            case _:
                zone = str(law.get("zone") or self._settings.zone)
                return await alert.note(conn, row, profile, self._values(row, profile, now, law), law, zone, now)

    # --- both ---

    def _values(self, row: Row, profile: Profile, now: int, law: Mapping[str, Any]) -> dict[str, Any]:
        locale = profile.attributes.get("locale")
        known = locale if isinstance(locale, str) else self._settings.locale
        return context(row, profile, self._settings, known, now, law)

    async def _settle(self, settled: Sequence[Settled], *, sent: bool) -> None:
        now = self._clock.now_ms()
        at = now if self._virtual else None
        await self._persistently(lambda: self._outbox.settle(settled, now, sent=sent, at=at))
        for one in settled:
            self.counts[one.row.channel, one.status] += 1

    async def _persistently(self, act: Callable[[], Awaitable[object]]) -> None:
        """Answers live only in our memory until they are written: a database that restarts is waited for."""
        give_up = time.monotonic() + self._lease / 1000
        while True:
            try:
                await act()
                return
            except _AWAY as problem:
                if time.monotonic() > give_up:
                    raise
                _log.warning("answers cannot be written yet", problem=str(problem))
                await asyncio.sleep(0.5)


def _as_in_a_replay(row: Row) -> Settled:
    return Settled(
        row, "accepted", "replay: nothing was done outside", answer=None if row.channel == "alert" else ("ok", {})
    )


async def _published(conn: Connection) -> Mapping[str, Any]:
    row = await fetch_one(conn, sql("delivery_settings"))
    return cast("Mapping[str, Any]", decode_json(row[0]) if row is not None and row[0] is not None else {})
