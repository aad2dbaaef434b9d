"""How much one client may send at once, and how much this process holds. Every number is configurable (intake.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, durations in seconds. The defaults are the documented ones."""

    item_bytes: int = 32 * 1024
    body_bytes: int = 4 * 1024 * 1024 + 64 * 1024
    """rudder-sdk-python fills a batch to 4 MiB and puts the envelope around it afterwards."""
    batch_items: int = 2_500
    depth: int = 64
    """Nested arrays and objects within one item."""
    message_id_chars: int = 100
    name_chars: int = 200
    id_chars: int = 255
    body_seconds: float = 30.0
    """From the head of a request to the last byte of its body; a slower client gets 408."""
    drain_bytes: int = 64 * 1024 * 1024
    """How much of a body that is too large is read and thrown away, so that its sender can read the 413."""
    queue_items: int = 20_000
    queue_bytes: int = 64 * 1024 * 1024
    """Accepted into memory, not yet committed; beyond it a request gets 429."""
    group_items: int = 2_000
    """Most items in one transaction."""
    store_seconds: float = 5.0
    """How long a group waits for a connection to the store before its requests get 503."""
    retry_after: int = 2
    """Seconds a client is told to wait when the queue is full or the store is away."""
