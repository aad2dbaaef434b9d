"""What people and servers do with a message, written into the log of the person it went to.

A repeat within the days that the engine remembers counts once: the message id of the input is derived from what happened
(opened: once per message; clicked: once per message and link).
"""

from __future__ import annotations

from hashlib import blake2b

from wend.core.inputs import Consent, Feedback, Input, MessageState
from wend.store.clock import Clock
from wend.store.codec import encode_input
from wend.store.log import Appender, NewInput, message_hash
from wend.store.postgres import Connection, Pool, fetch_one, sql


class FeedbackLog:
    """Appends feedback and consent for messages of one workspace."""

    def __init__(self, pool: Pool, clock: Clock, partitions: int) -> None:
        self.pool = pool
        self.clock = clock
        self.partitions = partitions
        self._appender = Appender(partitions)

    async def message(
        self,
        profile: int,
        effect_id: str,
        state: MessageState,
        *,
        once: str = "",
        url: str = "",
        why: str = "",
        machine: bool = False,
        channel: str = "",
        also: Consent | None = None,
    ) -> None:
        """One feedback, in a transaction of its own. `once`: what makes a repeat a repeat ('' : never one).

        `channel` replaces the message's; `also` is a consent that is appended beside it.
        """
        async with self.pool.connection() as conn:
            known = await fetch_one(conn, sql("delivery_message"), (profile % self.partitions, effect_id))
            journey, node, run, move, own, template, address, _ = known or ("", "", "", 0, "", "", "", "")
            feedback = Feedback(
                effect_id=effect_id,
                state=state,
                at=self.clock.now_ms(),
                run=run,
                move=move,
                journey=journey,
                node=node,
                channel=channel or own,
                template=template,
                address=address,
                why=why,
                url=url,
                machine=machine,
                message_id=f"{once}:{effect_id}" if once else "",
            )
            await self.append(conn, profile, [feedback] if also is None else [feedback, also])

    async def append(self, conn: Connection, profile: int, inputs: list[Input]) -> None:
        """Append inputs of one person inside the caller's transaction."""
        rows: list[NewInput] = []
        for one in inputs:
            identifier = str(getattr(one, "message_id", ""))
            rows.append(
                NewInput(profile, one.KIND, encode_input(one), message_hash(identifier) if identifier else None)
            )
        await self._appender.append(conn, rows)


def of_link(url: str) -> str:
    """What makes a second click on the same link a repeat."""
    return "click:" + blake2b(url.encode(), digest_size=8).hexdigest()
