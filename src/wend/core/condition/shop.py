"""`{cart: {items: {gt: 0}}}` and `{recent: viewed, where: …, count: …, within: 7d}`: the bounded shopping facts."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.built_in import every_moment, read_moments
from wend.core.condition.form import COUNTED, FALSE, TRUE, Form, Reader
from wend.core.condition.measure import follow
from wend.core.condition.moments import MomentTest
from wend.core.condition.numbers import Holds, compare, count_reader, number_reader, read_object
from wend.core.facts import MAX_RECENT, RECENT
from wend.core.problems import shown
from wend.core.profile import Facts

CART_NUMBERS = ("items", "lines", "value")


def cart_items(facts: Facts) -> float:
    """How many things are in the cart, quantities counted."""
    return sum(line["quantity"] for line in facts.cart)


def cart_value(facts: Facts) -> float:
    """What the cart costs; lines without a price count nothing."""
    return round(sum(line["quantity"] * line.get("price", 0) for line in facts.cart), 6)


def _cart_lines(facts: Facts) -> float:
    return len(facts.cart)


_OF = {"items": cart_items, "lines": _cart_lines, "value": cart_value}


@dataclass(frozen=True, slots=True, eq=False)
class Cart(Form):
    """All that is asked of the cart: numbers, when it changed, and a line that must be in it."""

    numbers: tuple[tuple[str, Holds], ...]
    changed: tuple[MomentTest, ...]
    line: Condition | None

    def check(self, view: View) -> Verdict:
        facts = view.profile.facts
        for name, holds in self.numbers:
            if not holds(_OF[name](facts)):
                return FALSE
        if self.line is not None:
            line = self.line
            if not any(line.check(view.seeing(one)).value for one in facts.cart):
                return FALSE
        if not self.changed:
            return TRUE
        return every_moment(self.changed, facts.cart_changed_at, view) if facts.cart_changed_at else FALSE

    def listens(self) -> Listens:
        heard = Listens(facts=frozenset({"cart"}), attributes=frozenset({"timezone"} if self.changed else ()))
        return heard if self.line is None else heard | self.line.listens()


@dataclass(frozen=True, slots=True, eq=False)
class Recent(Form):
    """How many of the latest ten things viewed, searched or bought fit."""

    name: str
    where: Condition | None
    within: int
    holds: Holds

    def check(self, view: View) -> Verdict:
        items = view.profile.facts.recent.get(self.name, ())
        where = self.where
        if where is not None:
            items = [one for one in items if where.check(view.seeing(one)).value]
        ats = sorted(one["at"] for one in items)
        if self.within == FOREVER:
            return TRUE if self.holds(len(ats)) else FALSE
        within = self.within

        def truth(instant: int) -> bool:
            return self.holds(len(ats) - bisect_right(ats, instant - within))

        return follow(view.now, truth, {at + within for at in ats if at + within > view.now})

    def listens(self) -> Listens:
        heard = Listens(facts=frozenset({f"recent.{self.name}"}))
        return heard if self.where is None else heard | self.where.listens()


def parse_cart(reader: Reader) -> Condition | None:
    """`{cart: {items: …, lines: …, value: …, changed_at: …, line: condition on one line}}`."""
    reader.only("cart")
    inner = reader.sub("cart", "a comparison such as {items: {gt: 0}}")
    if inner is None:
        return None
    faults = len(reader.errors)
    for name in inner.raw:
        if name not in (*CART_NUMBERS, "changed_at", "line"):
            inner.fault(
                str(name), f"a cart has no {shown(name)}; it has {', '.join(CART_NUMBERS)}, changed_at and line"
            )
    numbers: list[tuple[str, Holds]] = []
    for name in CART_NUMBERS:
        test = read_object(inner, name, number_reader) if name in inner.raw else None
        if test is not None:
            numbers.append((name, test.holds))
    changed = read_moments(inner, "changed_at") if "changed_at" in inner.raw else ()
    line = inner.condition("line", frozenset({COUNTED})) if "line" in inner.raw else None
    return Cart(reader.raw, tuple(numbers), changed or (), line) if len(reader.errors) == faults else None


def parse_recent(reader: Reader) -> Condition | None:
    """`{recent: viewed | searched | bought, where: …, count: {gte: 2}, within: 7d}`."""
    faults = len(reader.errors)
    reader.only("recent", "where", "count", "within")
    name = reader.choice("recent", RECENT, "kept")
    where = reader.condition("where", frozenset({COUNTED})) if "where" in reader.raw else None
    holds = compare("gte", 1)
    if "count" in reader.raw:
        test = read_object(reader, "count", count_reader)
        if test is not None:
            holds = test.holds
            if test.edges[-1] > MAX_RECENT + 1:
                reader.fault("count", f"only the latest {MAX_RECENT} are kept; count the events themselves instead")
    within = reader.duration("within")
    return Recent(reader.raw, name, where, within, holds) if len(reader.errors) == faults else None
