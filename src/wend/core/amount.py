"""Numbers as clients send them: many shops send money as text ("12.50").

Rule: what is not clearly a number is None, never zero; the caller decides what a missing amount means.
"""

from __future__ import annotations

import re
from typing import Any

LIMIT = 1e15
"""No real price or count is larger; beyond it sums would lose their cents."""
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,16}(?:\.[0-9]{1,9})?\s*")


def amount(value: Any) -> float | None:
    """The number in `value` (a number, or text such as '12.50'); None for anything else, also NaN and |x| > 10^15."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and -LIMIT <= value <= LIMIT:
        return value
    return None
