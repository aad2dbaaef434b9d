"""Bounce mail → feedback. Works for mail that arrives at the built-in SMTP server and for raw mail handed over by hand."""

from __future__ import annotations

from wend.channels.dsn import Bounce, Kind, parse_bounce
from wend.content.links import BadToken, Links, effect_digest
from wend.core.inputs import MessageState
from wend.delivery.feedback import FeedbackLog
from wend.store.postgres import fetch_all, sql

_STATE: dict[Kind, MessageState] = {
    "hard": "bounced",
    "soft": "soft_bounced",
    "block": "soft_bounced",
    "delivered": "delivered",
    "delayed": "deferred",
}


async def read_bounce(log: FeedbackLog, links: Links, raw: bytes, recipients: tuple[str, ...] = ()) -> bool:
    """Append what a delivery report says to the log; False when it is none, or speaks of no message of ours.

    The message is known by the bounce address it went to, else by the returned headers. A report whose token is forged is
    not believed; one that is recognised by its headers only counts as soft, because anybody can write such a mail.
    """
    known = False
    for bounce in parse_bounce(raw, recipients):
        found = await _message_of(log, links, bounce)
        if found is None:
            continue
        profile, effect, proven = found
        state = _STATE[bounce.kind]
        if state == "bounced" and not proven:
            state = "soft_bounced"
        await log.message(profile, effect, state, once=f"{state}:{bounce.status}", why=bounce.why)
        known = True
    return known


async def _message_of(log: FeedbackLog, links: Links, bounce: Bounce) -> tuple[int, str, bool] | None:
    """(profile, effect id, proven by our signature)."""
    async with log.pool.connection() as conn:
        for address in bounce.to:
            try:
                profile, digest = links.read_bounce(address)
            except BadToken:
                continue
            rows = await fetch_all(conn, sql("delivery_of_person"), (profile % log.partitions, profile))
            effect = next((row[0] for row in rows if effect_digest(row[0]) == digest), None)
            if effect is not None:
                return profile, effect, True
        if not bounce.effect_id:
            return None
        partitions = list(range(log.partitions))
        rows = await fetch_all(conn, sql("delivery_by_effect"), (partitions, bounce.effect_id))
    return (int(rows[0][0]), bounce.effect_id, False) if rows else None
