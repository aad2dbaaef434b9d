"""Who is linked to a thing: the `linked` of business events. Conditions in which `$about` stands for the thing.

Forms: `{attribute: wishlist, contains: $about}` (a list or text; the same with `is`) ·
`{event: Product Viewed, where: {property: product_id, is: $about}, within: 30d}` (did that with the thing) ·
`any: […]` and `all: […]` of them · any other condition, judged as it stands.
The thing is read as property `about` of the event at hand. Of an event with `$about` the profile keeps the latest 200 values of
the property, each with its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from wend.core.aggregate import MAX_KEYS, Leaf, key_text
from wend.core.attributes import get
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form
from wend.core.condition.groups import All, Any_
from wend.core.condition.syntax import parse as parse_condition
from wend.core.duration import parse_duration
from wend.core.problems import Problem, nearest, shown

ABOUT = "$about"
_DEED = ("event", "where", "within")


@dataclass(frozen=True, slots=True, eq=False)
class ByAttribute(Form):
    """The attribute is the thing, or a list (or text) in which it stands."""

    path: str
    contains: bool

    def check(self, view: View) -> Verdict:
        found, about = get(view.profile.attributes, self.path), _about(view)
        if isinstance(found, list):
            held = self.contains and any(_same(one, about) for one in cast("list[Any]", found))
        elif isinstance(found, str) and self.contains:
            held = about in found
        else:
            held = _same(found, about)
        return TRUE if held else FALSE

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({self.path.split(".")[0], self.path}))


@dataclass(frozen=True, slots=True, eq=False)
class ByDeed(Form):
    """The person did something with the thing, not longer ago than `within` ms."""

    leaf: Leaf
    within: int

    def check(self, view: View) -> Verdict:
        about = _about(view)
        keys = {key_text(about)}
        if about.isdecimal() and len(about) < 19:
            keys.add(key_text(int(about)))
        kept = view.profile.windows.get(self.leaf.id, ())
        return TRUE if any(key in keys and at > view.now - self.within for at, key in kept) else FALSE

    def leaves(self) -> Iterator[Leaf]:
        yield self.leaf

    def listens(self) -> Listens:
        return Listens(events=self.leaf.events)


def _about(view: View) -> str:
    return str((view.properties or {}).get("about", ""))


def _same(value: Any, about: str) -> bool:
    """Ids of things are texts here, and may be numbers there."""
    return value == about or (isinstance(value, int | float) and not isinstance(value, bool) and str(value) == about)


def parse_linked(raw: Any, where: str, problems: list[Problem]) -> Condition | None:
    """See above; None after a complaint."""
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected who is linked, such as {{segment: …}}, found {shown(raw)}"))
        return None
    found = cast("dict[str, Any]", raw)
    if not _mentions(found):
        return parse_condition(found, where, problems)
    if len(found) == 1 and isinstance(found.get("any", found.get("all")), list):
        ((kind, parts),) = found.items()
        inner = [parse_linked(one, f"{where}.{kind}[{at}]", problems) for at, one in enumerate(parts)]
        known = tuple(one for one in inner if one is not None)
        return All(found, known) if kind == "all" else Any_(found, known)
    if "attribute" in found:
        return _attribute(found, where, problems)
    if "event" in found:
        return _deed(found, where, problems)
    problems.append(Problem(where, f"{ABOUT} can be compared with an attribute, or with a property of an event"))
    return None


def _mentions(raw: Any) -> bool:
    if isinstance(raw, dict):
        return any(map(_mentions, cast("dict[str, Any]", raw).values()))
    if isinstance(raw, list):
        return any(map(_mentions, cast("list[Any]", raw)))
    return raw == ABOUT


def _attribute(raw: dict[str, Any], where: str, problems: list[Problem]) -> Condition | None:
    way = next((one for one in ("contains", "is") if raw.get(one) == ABOUT), None)
    path = raw["attribute"]
    if way is None or len(raw) != 2 or not isinstance(path, str) or not path:
        wish = f"{{attribute: wishlist, contains: {ABOUT}}} or {{attribute: course_id, is: {ABOUT}}}"
        problems.append(Problem(where, f"expected {wish}, found {shown(raw)}"))
        return None
    return ByAttribute(raw, path, way == "contains")


def _deed(raw: dict[str, Any], where: str, problems: list[Problem]) -> Condition | None:
    before = len(problems)
    for name in raw:
        if name not in _DEED:
            hint = nearest(name, _DEED)
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed beside {ABOUT}{hint}"))
    event = raw["event"]
    names = cast("list[Any]", event) if isinstance(event, list) else [event]
    if not names or not all(isinstance(one, str) and one for one in names):
        problems.append(Problem(f"{where}.event", f"expected the name of an event, found {shown(event)}"))
    inner = cast("dict[str, Any]", raw["where"]) if isinstance(raw.get("where"), dict) else {}
    path = inner.get("property")
    if set(inner) != {"property", "is"} or inner["is"] != ABOUT or not isinstance(path, str) or not path:
        wish = f"{{property: product_id, is: {ABOUT}}}"
        problems.append(Problem(f"{where}.where", f"expected {wish}, found {shown(raw.get('where'))}"))
    within = FOREVER
    if "within" in raw:
        try:
            within = parse_duration(raw["within"])
        except ValueError as wrong:
            problems.append(Problem(f"{where}.within", str(wrong)))
    if len(problems) > before:
        return None
    return ByDeed(raw, Leaf(frozenset(names), None, "distinct", str(path), within, MAX_KEYS), within)
