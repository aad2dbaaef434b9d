"""`{attribute: address.city, is: Berlin}`: what is known about the person."""

from __future__ import annotations

from dataclasses import dataclass

from wend.core.attributes import get
from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import COMPANY, Form, Reader
from wend.core.condition.values import SETTINGS, Test, read_value_test


@dataclass(frozen=True, slots=True, eq=False)
class Attribute(Form):
    """A comparison with the attribute at a path."""

    path: str
    test: Test
    zoned: bool

    def check(self, view: View) -> Verdict:
        return self.test(get(view.profile.attributes, self.path), view)

    def listens(self) -> Listens:
        # Either the root, or a root whose very name has dots.
        roots = {self.path.split(".")[0], self.path}
        return Listens(attributes=frozenset(roots | {"timezone"} if self.zoned else roots))


@dataclass(frozen=True, slots=True, eq=False)
class Trait(Form):
    """A comparison with the attribute of the company at hand (company.py)."""

    path: str
    test: Test
    zoned: bool

    def check(self, view: View) -> Verdict:
        return self.test(get(view.properties, self.path), view)

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({"timezone"})) if self.zoned else Listens()


def parse_attribute(reader: Reader) -> Condition | None:
    """`{attribute: path, operator: value, …}`."""
    reader.only("attribute", *SETTINGS)
    path = reader.text("attribute", "the name or path of an attribute")
    found = read_value_test(reader)
    form = Trait if COMPANY in reader.inside else Attribute
    return None if found is None or not path else form(reader.raw, path, *found)
