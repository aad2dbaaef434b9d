"""Patterns of coupon codes: `?` becomes a letter or digit, `#` a digit; everything else stays as it is.

Rules: no character that can be mistaken for another (0 O, 1 I L); enough chance that no code can be guessed or repeats.
"""

from __future__ import annotations

import re
from typing import Any

from wend.core.problems import shown

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
DIGITS = "23456789"
LEAST = 1_000_000
"""Codes that a pattern must be able to give."""
LONGEST = 40
_PATTERN = re.compile(r"[A-Za-z0-9?#-]+")


def capacity(pattern: str) -> int:
    """How many different codes it can give."""
    return len(LETTERS) ** pattern.count("?") * len(DIGITS) ** pattern.count("#")


def pattern_fault(raw: Any) -> str:
    """'' or what is wrong with a pattern."""
    if not isinstance(raw, str) or len(raw) > LONGEST or not _PATTERN.fullmatch(raw):
        return f"expected letters, digits and - with ? and # for chance (at most {LONGEST}), found {shown(raw)}"
    if capacity(raw) < LEAST:
        return f"{shown(raw)} gives only {capacity(raw):,} codes, which can be guessed; use five or more ?"
    return ""
