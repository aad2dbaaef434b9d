"""`wend learn`: what can be worked out from everybody is published as a setting now; housekeeping does the same now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError

if TYPE_CHECKING:
    from wend.store.postgres import Connection


async def rfm(conn: Connection, now: int) -> dict[str, Any]:
    """Thresholds of the classes of buyers. UserError: there is too little to learn from."""
    from wend.insight import rfm as insight

    try:
        return {"rfm": await insight.learn(conn, now)}
    except insight.TooFew as error:
        raise UserError("rfm", str(error)) from None


SUBJECTS: dict[str, Callable[[Connection, int], Awaitable[dict[str, Any]]]] = {"rfm": rfm}
"""What can be learned → the settings that come of it at an instant (ms UTC)."""


async def publish(conn: Connection, subject: str, *, who: str) -> str:
    """Learn the subject and bring what came of it into force; what to tell about it. UserError: there is too little to learn from."""
    from wend.api.acts import settings as acts
    from wend.engine.plans import load_plan
    from wend.store.clock import now_ms

    learned = await SUBJECTS[subject](conn, await now_ms(conn))
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
