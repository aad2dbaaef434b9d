"""`all: […]` · `any: […]` · `not: …`: conditions of conditions.

Rule of time: a false `all` stays false until each of its false parts has changed, so the latest of their instants is waited
for; `any` likewise with true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from wend.core.aggregate import Leaf
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import Form, Reader
from wend.core.problems import join, shown

MAX_PARTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Group(Form):
    """Base of `all` and `any`."""

    parts: tuple[Condition, ...]

    def leaves(self) -> Iterator[Leaf]:
        for part in self.parts:
            yield from part.leaves()

    def listens(self) -> Listens:
        heard = Listens()
        for part in self.parts:
            heard |= part.listens()
        return heard


@dataclass(frozen=True, slots=True, eq=False)
class All(Group):
    """Every part is true."""

    def check(self, view: View) -> Verdict:
        return settle((part.check(view) for part in self.parts), False)


@dataclass(frozen=True, slots=True, eq=False)
class Any_(Group):
    """At least one part is true."""

    def check(self, view: View) -> Verdict:
        return settle((part.check(view) for part in self.parts), True)


def settle(verdicts: Iterable[Verdict], decisive: bool) -> Verdict:
    """What the verdicts on all parts come to. `decisive`: the value of one part that settles the whole."""
    first, last, settled = FOREVER, 0, False
    for value, change in verdicts:
        if value is decisive:
            settled = True
            last = max(last, change)
            if last == FOREVER:
                break
        elif change < first:
            first = change
    return Verdict(decisive, last) if settled else Verdict(not decisive, first)


@dataclass(frozen=True, slots=True, eq=False)
class Not(Form):
    """The part is false."""

    part: Condition

    def check(self, view: View) -> Verdict:
        value, change = self.part.check(view)
        return Verdict(not value, change)

    def leaves(self) -> Iterator[Leaf]:
        return self.part.leaves()

    def listens(self) -> Listens:
        return self.part.listens()


def parse_all(reader: Reader) -> Condition | None:
    """`all: [a, b]`."""
    parts = _parts(reader, "all")
    return None if parts is None else All(reader.raw, parts)


def parse_any(reader: Reader) -> Condition | None:
    """`any: [a, b]`."""
    parts = _parts(reader, "any")
    return None if parts is None else Any_(reader.raw, parts)


def parse_not(reader: Reader) -> Condition | None:
    """`not: a`."""
    reader.only("not")
    part = reader.condition("not", reader.inside)
    return None if part is None else Not(reader.raw, part)


def _parts(reader: Reader, key: str) -> tuple[Condition, ...] | None:
    reader.only(key)
    raw = reader.raw[key]
    items = cast("list[Any]", raw) if isinstance(raw, list) else []
    if not 0 < len(items) <= MAX_PARTS:
        reader.fault(key, f"expected a list of 1 to {MAX_PARTS} conditions, found {shown(raw)}")
        return None
    where = join(reader.where, key)
    parts = [
        reader.parse(item, join(where, index), reader.errors, reader.inside, reader.depth + 1)
        for index, item in enumerate(items)
    ]
    found = tuple(part for part in parts if part is not None)
    return found if len(found) == len(parts) else None
