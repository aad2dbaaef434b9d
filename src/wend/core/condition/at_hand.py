"""`{property: price, gt: 20}` and `{context: page.path, is: /cart}`: the event at hand, in a `where` or a trigger."""

from __future__ import annotations

from dataclasses import dataclass

from wend.core.aggregate import read
from wend.core.attributes import get
from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import COUNTED, EVENT, Form, Reader
from wend.core.condition.values import SETTINGS, Test, read_value_test


@dataclass(frozen=True, slots=True, eq=False)
class Property(Form):
    """A comparison with a property of the event; a path that begins with 'context.' reads its context."""

    path: str
    test: Test
    zoned: bool

    def check(self, view: View) -> Verdict:
        return self.test(read(view, self.path), view)

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({"timezone"})) if self.zoned else Listens()


@dataclass(frozen=True, slots=True, eq=False)
class Context(Property):
    """A comparison with the context of the event."""

    def check(self, view: View) -> Verdict:
        return self.test(get(view.context, self.path), view)


def parse_property(reader: Reader) -> Condition | None:
    """`{property: path, operator: value, …}`."""
    return _parse(reader, "property", Property)


def parse_context(reader: Reader) -> Condition | None:
    """`{context: path, operator: value, …}`."""
    return _parse(reader, "context", Context)


def _parse(reader: Reader, key: str, form: type[Property]) -> Condition | None:
    if not reader.inside & {EVENT, COUNTED}:
        reader.fault(key, f"'{key}' reads an event, so it can only stand in the 'where' of one")
    reader.only(key, *SETTINGS)
    path = reader.text(key, "the name or path of a property")
    found = read_value_test(reader)
    return None if found is None or not path else form(reader.raw, path, *found)
