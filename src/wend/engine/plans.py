"""The plans of this process: `plan_change` applied row by row, each plan kept, so that any number is at hand.

A plan is immutable and shares its journeys with its predecessor; keeping them all costs little, and a person who stood
still (merge) is judged by the plan of the time.
"""

from __future__ import annotations

from bisect import bisect_right

from wend.core.plan import Plan, PlanChange
from wend.store.codec import decode_json
from wend.store.postgres import Connection, fetch_all, sql


class PlanBook:
    """All plans up to the highest number asked for."""

    def __init__(self) -> None:
        self._plans = [Plan.empty()]
        self._times = [0]

    async def plan(self, conn: Connection, number: int) -> Plan:
        """The plan after change `number`. LookupError when it is not in the database; ValueError when one cannot be applied."""
        if number >= len(self._plans):
            rows = await fetch_all(conn, sql("plan_changes"), (len(self._plans) - 1, number))
            for row in rows:
                if row[0] == len(self._plans):  # otherwise somebody was faster while we waited
                    self.add(change_of(row))
        if number >= len(self._plans):
            raise LookupError(f"plan change {number} is not in the database")
        return self._plans[number]

    def add(self, change: PlanChange) -> Plan:
        """Apply the next change. ValueError when it is not the next, or makes no plan."""
        plan = self._plans[-1].apply(change)
        self._plans.append(plan)
        self._times.append(change.at)
        return plan

    def at(self, instant: int, newest: int) -> Plan:
        """The plan in force at `instant`, not newer than number `newest`."""
        return self._plans[min(newest, bisect_right(self._times, instant) - 1)]


def change_of(row: tuple[object, ...]) -> PlanChange:
    """A row of the query `plan_changes` as the core takes it."""
    number, at, kind, journey, version, document, reads, policy, mapping = row
    return PlanChange(
        number=number,  # pyright: ignore[reportArgumentType]
        at=at,  # pyright: ignore[reportArgumentType]
        kind=kind,  # pyright: ignore[reportArgumentType]
        journey=journey,  # pyright: ignore[reportArgumentType]
        version=version,  # pyright: ignore[reportArgumentType]
        document=None if document is None else decode_json(document),  # pyright: ignore[reportArgumentType]
        reads=None if reads is None else decode_json(reads),  # pyright: ignore[reportArgumentType]
        policy=policy,  # pyright: ignore[reportArgumentType]
        mapping=None if mapping is None else decode_json(mapping),  # pyright: ignore[reportArgumentType]
    )


async def load_plan(conn: Connection, upto: int | None = None) -> Plan:
    """The plan after change `upto` (None: after all of them), for those who ask once (API, CLI)."""
    book = PlanBook()
    if upto is None:
        row = (await fetch_all(conn, sql("plan_next")))[0]
        upto = int(row[0]) - 1
    return await book.plan(conn, upto)
