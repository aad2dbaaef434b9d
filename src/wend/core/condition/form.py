"""What all forms share: `Form`, their base, and `Reader`, which takes a form's settings apart and collects what is wrong.

Rules: a form keeps the document's text (`raw`), which is its identity and what `dump` gives back; everything needed to check
it is worked out once, when it is parsed. A reader never stops at the first fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from wend.core.aggregate import Leaf
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict
from wend.core.duration import YEAR, parse_duration
from wend.core.problems import Problem, join, nearest, shown

EVENT = "event"
"""`inside`: there is an event at hand (`property`, `context` may be read)."""
JOURNEY = "journey"
"""`inside`: there is a run at hand (`run_age`, `rounds`, `since: entry`)."""
COUNTED = "counted"
"""`inside`: the `where` of a counted event: the event alone may be read, as it is judged once and for all."""
COMPANY = "company"
"""`inside`: a company of the person is at hand; `attribute` means one of the company's."""

MAX_WINDOW = 5 * YEAR
"""The longest way back that a window may reach; whoever means all time leaves the window out."""

TRUE = Verdict(True)
FALSE = Verdict(False)


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Base of all forms. Two are equal when their documents are."""

    raw: dict[str, Any]

    def dump(self) -> dict[str, Any]:
        """The document's form of this condition."""
        return deepcopy(self.raw)

    def leaves(self) -> Iterator[Leaf]:
        """The counted leaves inside."""
        yield from ()

    def listens(self) -> Listens:
        """What can change the value."""
        return Listens()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Form) and type(other) is type(self) and _text(self.raw) == _text(other.raw)

    def __hash__(self) -> int:
        return hash(_text(self.raw))


def _text(raw: dict[str, Any]) -> str:
    return json.dumps(raw, sort_keys=True)


def during(now: int, begin: int, end: int) -> Verdict:
    """True in [begin, end), which is not empty."""
    if now < begin:
        return Verdict(False, begin)
    return Verdict(True, end) if now < end else FALSE


Parse = Callable[[Any, str, list[Problem], frozenset[str], int], Condition | None]


@dataclass(slots=True)
class Reader:
    """The settings of one form while it is parsed."""

    raw: dict[str, Any]
    where: str
    errors: list[Problem]
    inside: frozenset[str]
    depth: int
    parse: Parse

    def fault(self, key: str, message: str) -> None:
        """Something is wrong with the setting `key` ('': with the form itself)."""
        self.errors.append(Problem(join(self.where, key) if key else self.where, message))

    def only(self, *allowed: str) -> None:
        """Complain of every key that the form (named like its first key) does not have."""
        for key in self.raw:
            if key not in allowed:
                hint = (
                    nearest(key, allowed) or f" (it has {', '.join(allowed)}; several conditions are joined by 'all')"
                )
                self.fault(str(key), f"a condition on '{allowed[0]}' has no setting {shown(key)}{hint}")

    def text(self, key: str, what: str, *, limit: int = 200) -> str:
        """A text that must be there; '' after a complaint."""
        found = self.raw.get(key)
        if isinstance(found, str) and 0 < len(found) <= limit:
            return found
        self.fault(key, f"expected {what}, found {shown(found)}")
        return ""

    def optional(self, key: str, what: str) -> str:
        """A text that may be missing; '' when it is."""
        return self.text(key, what) if key in self.raw else ""

    def choice(self, key: str, allowed: Collection[str], what: str) -> str:
        """One of `allowed`; '' after a complaint."""
        found = self.raw.get(key)
        if isinstance(found, str) and found in allowed:
            return found
        self.fault(key, f"{shown(found)} is not {what}{nearest(found, allowed)} (allowed: {', '.join(allowed)})")
        return ""

    def flag(self, key: str) -> bool:
        """true or false; True after a complaint."""
        found = self.raw.get(key)
        if isinstance(found, bool):
            return found
        self.fault(key, f"expected true or false, found {shown(found)}")
        return True

    def duration(self, key: str, *, zero: bool = False) -> int:
        """How far back to look, in ms; FOREVER when missing, 1 after a complaint."""
        if key not in self.raw:
            return FOREVER
        try:
            ms = parse_duration(self.raw[key])
        except ValueError as wrong:
            self.fault(key, str(wrong))
            return 1
        if ms == 0 and not zero:
            self.fault(key, "must be longer than nothing")
            return 1
        if ms > MAX_WINDOW:
            text = shown(self.raw[key])
            self.fault(
                key, f"{text} is longer than the 5 years (5y) that are looked back at most; for all time leave it out"
            )
            return 1
        return ms

    def condition(self, key: str, inside: frozenset[str]) -> Condition | None:
        """The condition under `key`; None after a complaint."""
        return self.parse(self.raw.get(key), join(self.where, key), self.errors, inside, self.depth + 1)

    def sub(self, key: str, what: str) -> Reader | None:
        """A reader of the object under `key`; None after a complaint."""
        found = self.raw.get(key)
        if isinstance(found, dict) and found:
            return Reader(found, join(self.where, key), self.errors, self.inside, self.depth, self.parse)  # pyright: ignore[reportUnknownArgumentType]
        self.fault(key, f"expected {what}, found {shown(found)}")
        return None
