"""`{property: price, gt: 20}` and `{context: page.path, is: /cart}`: the event at hand, in a `where` or a trigger.

Inside a journey also `{property: course_id, one_of: {saved: recommended.ids}}` (or `{attribute: wishlist}`): the property is a value that
is only known by then, or stands in such a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from wend.core.aggregate import read
from wend.core.attributes import get
from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import COUNTED, EVENT, FALSE, JOURNEY, TRUE, Form, Reader
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


@dataclass(frozen=True, slots=True, eq=False)
class OneOf(Form):
    """The property is one of the values that the run has fetched, or that an attribute holds."""

    path: str
    saved: bool
    values: str

    def check(self, view: View) -> Verdict:
        run = view.run
        source = (run.saved if run is not None else None) if self.saved else view.profile.attributes
        held = get(source, self.values)
        values: list[Any] = cast("list[Any]", held) if isinstance(held, list) else [held]
        found = read(view, self.path)
        # 1 == True in Python, not in JSON.
        same = (one == found and isinstance(one, bool) is isinstance(found, bool) for one in values)
        return TRUE if found is not None and any(same) else FALSE

    def listens(self) -> Listens:
        return Listens() if self.saved else Listens(attributes=frozenset({self.values.split(".")[0], self.values}))


def parse_property(reader: Reader) -> Condition | None:
    """`{property: path, operator: value, …}`."""
    if "one_of" in reader.raw:
        return _parse_one_of(reader)
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


def _parse_one_of(reader: Reader) -> Condition | None:
    faults = len(reader.errors)
    reader.only("property", "one_of")
    if JOURNEY not in reader.inside or EVENT not in reader.inside:
        reader.fault(
            "one_of", "reads a run and an event, so it can only stand where a journey waits for one; else use 'in'"
        )
    path = reader.text("property", "the name or path of a property")
    inner = reader.sub("one_of", "where the values are: {saved: name.path} or {attribute: name}")
    if inner is None:
        return None
    source = "saved" if "saved" in inner.raw else "attribute"
    inner.only(source)
    values = inner.text(source, "a name or path")
    return OneOf(reader.raw, path, source == "saved", values) if len(reader.errors) == faults else None
