"""Timestamps as clients write them → ms UTC, and the correction for clients' wrong clocks (intake.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from wend.core.problems import shown
from wend.intake.refused import Refused

_MILLISECONDS_FROM: Final = 100_000_000_000
"""Numbers from here on are ms since 1970, smaller ones seconds (1e11 s is the year 5138, 1e11 ms is 1973)."""
_LAST: Final = 253_402_300_799_999  # the end of the year 9999


def instant(value: Any, field: str) -> int | None:
    """ms UTC of an ISO 8601 text (without offset: UTC) or a number (s or ms since 1970); None for null and "".

    Raises Refused with code `invalid_timestamp` for anything else, and for instants outside 1970 … 9999.
    """
    if value is None:
        return None
    if type(value) is str:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            if not value.strip():
                return None
            found = _other_spellings(value, field)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        at = round(found.timestamp() * 1000)
    elif type(value) in (int, float) and 0 <= value <= _LAST:
        at = int(value) if value >= _MILLISECONDS_FROM else int(value * 1000)
    else:
        raise _impossible(value, field)
    if not 0 <= at <= _LAST:
        raise _impossible(value, field)
    return at


def lenient_instant(value: Any) -> int | None:
    """The same, but None where it cannot be read: for `sentAt`, without which a time is only not corrected."""
    try:
        return instant(value, "sentAt")
    except Refused:
        return None


def happened_at(item: dict[str, Any], received: int, sent: int | None) -> int:
    """When a live message happened, ms UTC: received − (sent − timestamp), never after `received`.

    `sent`: `sentAt` of the batch, in force where the item has none. Without a timestamp: `received`.
    """
    at = instant(item.get("timestamp"), "timestamp")
    if at is None:
        at = instant(item.get("originalTimestamp"), "originalTimestamp")
        if at is None:
            return received
    own = item.get("sentAt")
    if own is not None:
        sent = lenient_instant(own) or sent
    if sent is not None:
        at += received - sent
    return max(0, min(at, received))


def recorded_at(item: dict[str, Any], received: int) -> int:
    """When a message out of a file happened: `timestamp` as it stands (exports hold the corrected one), else
    `originalTimestamp`, corrected by the file's own `receivedAt` and `sentAt`; never after `received`."""
    at = instant(item.get("timestamp"), "timestamp")
    if at is None:
        at = instant(item.get("originalTimestamp"), "originalTimestamp")
        then, sent = lenient_instant(item.get("receivedAt")), lenient_instant(item.get("sentAt"))
        if at is None:
            at = received if then is None else then
        elif then is not None and sent is not None:
            at += then - sent
    return max(0, min(at, received))


def _other_spellings(value: str, field: str) -> datetime:
    # Small t and z, blanks around, and a blank before the offset are seen in the wild.
    text = value.strip().upper()
    head, _, offset = text.partition(" +")
    try:
        return datetime.fromisoformat(f"{head}+{offset}" if offset else text)
    except ValueError:
        raise _impossible(value, field) from None


def _impossible(value: Any, field: str) -> Refused:
    return Refused(
        "invalid_timestamp",
        f"{field} {shown(value)} is not a time that exists; allowed are ISO 8601 as '2026-11-22T14:00:00.000Z', "
        "or seconds or milliseconds since 1970.",
    )
