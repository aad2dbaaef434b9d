"""Forgetting a person (engine.md 15), by the partition's owner and in the batch that applies the erasure.

What stays: the empty, nameless row of `profile` that turns away what is still on its way, and HMACs of addresses that
must never be written to again. Files of the archive are rewritten by the archiver, which looks for these rows.
People who were absorbed by this one are asked to be forgotten too.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from wend.core.inputs import Erase
from wend.core.profile import Profile
from wend.engine.sheet import Sheet
from wend.store.codec import encode_input
from wend.store.log import partition_of
from wend.store.postgres import Connection, fetch_all, sql

_ADDRESSES = ("email", "phone")


def address_hash(key: bytes, address: str) -> bytes:
    """What is kept of a suppressed address: HMAC-SHA256 of its lower-case form."""
    return hmac.new(key, address.strip().lower().encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


async def erase(conn: Connection, partition: int, partitions: int, sheet: Sheet, key: bytes | None) -> None:
    """Delete everything about the people in `sheet.erased`; their state was written (empty) before.

    The people as they were are in `sheet.forgotten`. `key` None: no HMACs are kept.
    """
    for id, at in sheet.erased:
        addresses = _addresses(sheet.forgotten[id])
        if key is not None:
            suppressed = [address_hash(key, address) for address, reason in addresses.items() if reason]
            if suppressed:
                await conn.execute(sql("erased_address_put"), (at, "suppressed", suppressed))
        absorbed = [row[0] for row in await fetch_all(conn, sql("erase_aliases"), (id,))]
        for other in absorbed:
            sheet.position += 1
            payload = encode_input(Erase(at)).decode()
            target = partition_of(other, partitions)
            await conn.execute(
                sql("relay_write"), (partition, [sheet.position], [target], [other], [Erase.KIND], [payload])
            )
        identifiers = [row[0] for row in await fetch_all(conn, sql("erase_identifiers"), (id,))]
        # A short value ("1") is no search term: it stands in everybody's letters.
        quoted = [f'"{value}"' for value in {*identifiers, *addresses} if len(value) > 3]
        args: dict[str, Any] = {"partition": partition, "id": id, "quoted": quoted, "addresses": list(addresses)}
        for name in _STATEMENTS:
            await conn.execute(sql(name), args)


_STATEMENTS = (
    "erase_inbox",
    "erase_outbox",
    "erase_relay",
    "erase_log",
    "erase_parked",
    "erase_seen",
    "erase_left_out",
    "erase_step",
    "erase_place",
    "erase_membership",
    "erase_staged",
    "erase_consent",
    "erase_coupon",
    "erase_alert",
    "erase_audience",
    "erase_identifier",
    "erase_alias",
    "erase_conflict",
    "erase_dead_letter",
    "erase_profile",
)


def _addresses(profile: Profile) -> dict[str, str]:
    """Addresses of the person as they were → the reason for which one is suppressed, or ''."""
    found: dict[str, str] = {}
    everywhere = profile.suppressed.get("*", "")
    channels = {"email": "email", "phone": "sms"}
    for name in _ADDRESSES:
        address = profile.attributes.get(name)
        if not isinstance(address, str) or not address:
            continue
        channel = channels[name]
        reason = everywhere or profile.suppressed.get(channel, "") or profile.suppressed.get(f"{channel}:{address}", "")
        if not reason and profile.consent.get(channel, [""])[0] == "unsubscribed":
            reason = "unsubscribed"
        found[address] = reason
    for name, reason in profile.suppressed.items():
        _, colon, address = name.partition(":")
        if colon:
            found[address] = reason
    return found
