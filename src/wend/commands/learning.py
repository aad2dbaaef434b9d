"""`wend learn`: what can be worked out from everybody is published as a setting now; housekeeping does the same now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError
from wend.core.duration import DAY, HOUR, WEEK

if TYPE_CHECKING:
    from wend.core.plan import Plan
    from wend.store.postgres import Connection


async def rfm(conn: Connection, now: int) -> dict[str, Any]:
    """Thresholds of the classes of buyers. UserError: there is too little to learn from."""
    from wend.insight import rfm as insight

    try:
        return {"rfm": await insight.learn(conn, now)}
    except insight.TooFew as error:
        raise UserError("rfm", str(error)) from None


async def best_time(conn: Connection, now: int) -> dict[str, Any]:
    """The hour in which most people answer, by channel. UserError: there is too little to learn from."""
    from wend.engine.plans import load_plan
    from wend.insight import best_time as insight

    hours = await insight.learn(conn, now, (await load_plan(conn)).zone)
    if not hours:
        raise UserError("best_time", f"on no channel there were {insight.LEAST} opens and clicks in the last 30 days")
    return {"best_time": hours}


async def bandits(conn: Connection, now: int) -> dict[str, Any]:
    """Weights of the splits that optimise for their goal. UserError: there are none."""
    from wend.engine.plans import load_plan
    from wend.insight import bandits as insight

    found = await insight.learn(conn, await load_plan(conn))
    if not found:
        raise UserError("bandits", "no running journey has a split with `optimise: goal`")
    return {"bandits": found}


def _asked_for(subject: str) -> Callable[[Plan], bool]:
    """Its setting says `learned: true`."""
    return lambda plan: bool(plan.settings.get(subject)) and plan.settings[subject].get("learned") is True


def _optimised(plan: Plan) -> bool:
    from wend.insight.bandits import optimised

    return any(True for _ in optimised(plan))


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that can be learned."""

    learn: Callable[[Connection, int], Awaitable[dict[str, Any]]]
    """The settings that come of it at an instant (ms UTC)."""
    wanted: Callable[[Plan], bool]
    """Whether housekeeping is to learn it anew."""
    every: int
    """Then so often (ms)."""


SUBJECTS: dict[str, Subject] = {
    "rfm": Subject(rfm, _asked_for("rfm"), WEEK),
    "best_time": Subject(best_time, lambda plan: "hours" in plan.reads, DAY),
    "bandits": Subject(bandits, _optimised, HOUR),
}


async def publish(conn: Connection, subject: str, *, who: str) -> str:
    """Learn the subject and bring what came of it into force; what to tell about it. UserError: there is too little to learn from."""
    from wend.api.acts import settings as acts
    from wend.engine.plans import load_plan
    from wend.store.clock import now_ms

    learned = await SUBJECTS[subject].learn(conn, await now_ms(conn))
    plan = await load_plan(conn)
    if all(plan.settings.get(name) == value for name, value in learned.items()):
        return "nothing has changed"
    number = await acts.publish(conn, learned, who=who)
    return f"published as change {number} of the plan"


def learn(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="What to learn: " + ", ".join(SUBJECTS))],
    data: Data = None,
) -> None:
    """Work out settings from what all people did, and bring them into force."""
    from wend.commands.database import opened
    from wend.core.problems import nearest

    if subject not in SUBJECTS:
        allowed = ", ".join(SUBJECTS)
        raise UserError(
            "SUBJECT", f"{subject!r} cannot be learned{nearest(subject, SUBJECTS)}", f"there are: {allowed}"
        )
    config = settings(data)

    async def run() -> str:
        async with opened(config) as conn:
            return await publish(conn, subject, who="wend learn")

    print(f"{subject}: {asyncio.run(run())}")
