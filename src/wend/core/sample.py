"""Stable random parts of all people: a person is always in the same bucket of the same salt."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

BUCKETS = 1_000_000
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


def bucket(salt: str, profile: int) -> int:
    """A number in [0, 1,000,000) drawn by hash: the same for the same salt and person, always."""
    text = f"{salt}:{profile}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % BUCKETS


def parse_share(raw: Any) -> int | None:
    """How many of the buckets a part such as '10%' (0 % to 100 %) takes; None when it is none."""
    found = _PERCENT.fullmatch(raw) if isinstance(raw, str) else None
    if found is None or float(found[1]) > 100:
        return None
    return round(float(found[1]) * BUCKETS / 100)
