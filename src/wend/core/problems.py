"""What is wrong with a document, said so that a person can mend it: where, what was found, what is allowed.

Rule: everything is collected, nothing stops at the first error. `where` is a dotted path (`nodes.remind.channel`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, Literal

_SHORT = Repr()
_SHORT.maxstring = 60
_SHORT.maxlevel = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. An `error` refuses the document, a `warning` is only shown."""

    where: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def nearest(name: Any, allowed: Iterable[str]) -> str:
    """The end of an error message: "; did you mean 'email'?", or "" when nothing allowed looks like `name`."""
    by_lower = {word.lower(): word for word in allowed}
    close = get_close_matches(str(name).lower()[:100], by_lower, n=1)
    return f"; did you mean '{by_lower[close[0]]}'?" if close else ""


def join(where: str, key: object) -> str:
    """The path of `key` inside the thing at `where`."""
    return f"{where}.{key}" if where else str(key)


def shown(value: Any) -> str:
    """A found value as it appears in a message: short, on one line, however large or deep it is."""
    return _SHORT.repr(value)
