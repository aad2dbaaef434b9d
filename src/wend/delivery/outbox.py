"""The outbox as those use it who carry out what is in it: claim, mark, settle. One transaction each; a claim is under a lease
(engine.md 9). The sender takes messages, asks/runner.py what is asked of the outside.

A row is mine while its `owner` is my name. A lease that ran out while I still work is no harm: whoever claims the row
becomes its owner, and then my settling touches nothing and appends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wend.core.effects import ASK_KINDS
from wend.core.inputs import Answer, Feedback, MessageState
from wend.store.codec import decode_json, encode_input
from wend.store.log import Appender, NewInput
from wend.store.postgres import Connection, Pool, fetch_all, sql

_WHY = 300
"""Characters of a reason that an answer carries."""

Status = Literal["queued", "accepted", "refused", "dropped", "uncertain"]
Reply = Literal["ok", "failed", "exhausted", "uncertain"]


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed message. Times in ms UTC; `at` is the log time of the decision."""

    partition: int
    effect_id: str
    profile_id: int
    channel: str
    journey: str
    version: int
    node: str
    run: str
    move: int
    template: str
    topic: str
    transactional: bool
    address: str
    status: str
    at: int
    expires_at: int
    tries: int
    why: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a row. `queued` puts it back until `not_before`. `bounced`: the address is dead (suppresses)."""

    row: Row
    status: Status
    why: str = ""
    provider_id: str | None = None
    not_before: int = 0
    address: str = ""
    bounced: bool = False
    answer: tuple[Reply, Any] | None = None
    """Of something asked: state and value of its `Answer`; None for alerts, to which nobody listens."""


def groups(partitions: int, spread: int) -> list[list[int]]:
    """All partitions, so many at once: what one claim names."""
    return [list(range(first, min(first + spread, partitions))) for first in range(0, partitions, spread)]


class Outbox:
    """The statements, for one sender named `owner`."""

    def __init__(self, pool: Pool, appender: Appender, owner: str, *, replay: bool = False) -> None:
        self._pool = pool
        self._appender = appender
        self.owner = owner
        self._mode = '"replay"' if replay else '"live"'

    async def claim(self, partitions: Sequence[int], now: int, lease: int, limit: int) -> list[Row]:
        """At most `limit` due rows of these partitions, mine until `lease`."""
        args = {
            "partitions": list(partitions),
            "now": now,
            "lease": lease,
            "owner": self.owner,
            "limit": limit,
            "each": max(8, limit * 2 // len(partitions)),
            "mode": self._mode,
        }
        return await self._claimed("delivery_claim", args)

    async def claim_asks(
        self,
        partitions: Sequence[int],
        now: int,
        lease: int,
        limit: int,
        busy: Sequence[str] = (),
    ) -> list[Row]:
        """The same for what is asked of the outside; nothing of the services that are `busy`."""
        args = {
            "partitions": list(partitions),
            "now": now,
            "lease": lease,
            "owner": self.owner,
            "limit": limit,
            "each": max(8, limit * 2 // len(partitions)),
            "mode": self._mode,
            "busy": list(busy),
        }
        return await self._claimed("ask_claim", args)

    async def _claimed(self, block: str, args: dict[str, Any]) -> list[Row]:
        async with self._pool.connection() as conn:
            found = await fetch_all(conn, sql(block), args)
        rows = [Row(*row[:-1], data=decode_json(row[-1])) for row in found]
        rows.sort(key=lambda row: (row.at, row.partition, row.effect_id))
        return rows

    async def mark_sending(self, rows: Sequence[Row], now: int, lease: int) -> set[str]:
        """queued → sending; the effect ids for which that was still possible."""
        async with self._pool.connection() as conn:
            found = await fetch_all(conn, sql("delivery_sending"), {**self._keys(rows), "now": now, "lease": lease})
        return {row[0] for row in found}

    async def renew(self, rows: Sequence[Row], lease: int) -> None:
        """Keep the lease of rows that are being sent."""
        async with self._pool.connection() as conn:
            await conn.execute(sql("delivery_renew"), {**self._keys(rows), "lease": lease})

    async def settle(self, settled: Sequence[Settled], now: int, *, sent: bool, at: int | None = None) -> int:
        """Write outcomes and append their feedback, in one transaction; how many were still mine.

        `sent`: the rows were marked as being sent. `at`: log time in replay mode.
        """
        if not settled:
            return 0
        async with self._pool.connection() as conn:
            return len(await self.settle_in(conn, settled, now, sent=sent, at=at))

    async def settle_in(
        self, conn: Connection, settled: Sequence[Settled], now: int, *, sent: bool, at: int | None = None
    ) -> set[str]:
        """The same in the caller's transaction; the effect ids that were still mine."""
        args = {
            **self._keys([one.row for one in settled]),
            "states": [one.status for one in settled],
            "whys": [one.why[:1000].replace("\x00", "") for one in settled],
            "providers": [one.provider_id for one in settled],
            "times": [one.not_before for one in settled],
            "addresses": [one.address or one.row.address for one in settled],
            "now": now,
        }
        block = "delivery_settle_sent" if sent else "delivery_settle_queued"
        mine = {row[0] for row in await fetch_all(conn, sql(block), args)}
        inputs = [
            new for one in settled if one.row.effect_id in mine for new in _told(one, now if at is None else one.row.at)
        ]
        await self._appender.append(conn, inputs, at=at)
        return mine

    def _keys(self, rows: Sequence[Row]) -> dict[str, Any]:
        return {
            "partitions": [row.partition for row in rows],
            "effects": [row.effect_id for row in rows],
            "owner": self.owner,
        }


def _told(one: Settled, now: int) -> list[NewInput]:
    """What the person's log is told of a settled row."""
    row = one.row
    if one.status == "queued" or (row.channel in ASK_KINDS and one.answer is None):
        return []
    if one.answer is not None:
        answer = Answer(row.effect_id, one.answer[0], now, row.run, row.move, one.answer[1], one.why[:_WHY])
        return [NewInput(row.profile_id, Answer.KIND, encode_input(answer))]
    states: list[MessageState] = [one.status]
    if one.bounced:
        states.append("bounced")
    return [
        NewInput(
            one.row.profile_id, Feedback.KIND, encode_input(feedback_of(one.row, state, now, one.why, one.address))
        )
        for state in states
    ]


def feedback_of(row: Row, state: MessageState, at: int, why: str = "", address: str = "") -> Feedback:
    """The input that tells of a message's fate."""
    return Feedback(
        effect_id=row.effect_id,
        state=state,
        at=at,
        run=row.run,
        move=row.move,
        journey=row.journey,
        node=row.node,
        channel=row.channel,
        template=row.template,
        address=address or row.address,
        why=why,
    )
