"""What is known about a person: attributes (a bounded JSON object), tags and score; how they change and are read.

Rules: top-level traits replace, null removes (Segment's semantics; objects are not merged). Values may be shared with the
input they came from, so nothing nested is ever changed in place. What does not fit (200 roots, 16 KB) is refused with a
reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from wend.core.inputs import Group
from wend.core.profile import Profile

MAX_ROOTS = 200
MAX_BYTES = 16 * 1024
MAX_NAME = 100
MAX_DEPTH = 32
MAX_TAGS = 100
MAX_SCORE = 1_000_000_000.0
_text = json.JSONEncoder(separators=(",", ":")).encode

Changes = dict[str, tuple[Any, Any]]
"""Root name → (old, new); None stands for "not there"."""


def get(attributes: Mapping[str, Any] | None, path: str) -> Any:
    """The value at a dotted path ('address.city', 'children.0.name'), or None. A root with that very name comes first."""
    if not attributes:
        return None
    found = attributes.get(path)
    if found is not None or "." not in path:
        return found
    value: Any = attributes
    for part in path.split("."):
        if isinstance(value, dict):
            value = cast("dict[str, Any]", value).get(part)
        elif (
            isinstance(value, list)
            and part.isdecimal()
            and len(part) < 10
            and int(part) < len(cast("list[Any]", value))
        ):
            value = cast("list[Any]", value)[int(part)]
        else:
            return None
    return value


def apply_traits(profile: Profile, traits: Mapping[str, Any], refused: dict[str, str] | None = None) -> Changes:
    """Set the traits, remove those that are null; what changed, by root. `refused` gets the reasons of what did not fit."""
    changes: Changes = {}
    attributes = profile.attributes
    for name, new in traits.items():
        old = attributes.get(name)
        if _same(old, new):
            continue
        why = _unfit(attributes, name, new)
        if why:
            if refused is not None:
                refused[name[:MAX_NAME]] = why
            continue
        # A new root each time: the old one may be in other hands. Only on a change, and small.
        attributes = {**attributes, name: new}
        if new is None:
            del attributes[name]
        changes[name] = (old, new)
    if changes:
        profile.attributes = attributes
        profile.attributes_changed = True
    return changes


def set_attribute(
    profile: Profile, path: str | tuple[str, ...], value: Any, refused: dict[str, str] | None = None
) -> Changes:
    """Set (or with None remove) the value at a path, making objects on the way; what changed, by root.

    A tuple is a path whose parts may contain dots. What stands in the way and is not an object is replaced.
    """
    parts = tuple(path.split(".")) if isinstance(path, str) else path
    root = _with(profile.attributes.get(parts[0]), parts[1:], value)
    return apply_traits(profile, {parts[0]: root}, refused)


def apply_group(profile: Profile, group: Group, refused: dict[str, str] | None = None) -> Changes:
    """Keep the company's traits at `groups.<group_id>`; null traits remove single ones."""
    path = ("groups", group.group_id)
    known: Any = profile.attributes.get("groups")
    old: Any = cast("dict[str, Any]", known).get(group.group_id) if isinstance(known, dict) else None
    merged = {**cast("dict[str, Any]", old), **group.traits} if isinstance(old, dict) else group.traits
    return set_attribute(profile, path, {name: value for name, value in merged.items() if value is not None}, refused)


def add_tag(profile: Profile, tag: str) -> bool:
    """Give the tag. False: nothing changed, as it is there already, is empty or overlong, or 100 tags are there."""
    if tag in profile.tags or not 0 < len(tag) <= MAX_NAME or len(profile.tags) >= MAX_TAGS:
        return False
    profile.tags = [*profile.tags, tag]
    return True


def remove_tag(profile: Profile, tag: str) -> bool:
    """Take the tag away; whether anything changed."""
    if tag not in profile.tags:
        return False
    profile.tags = [other for other in profile.tags if other != tag]
    return True


def adjust_score(
    profile: Profile, by: float, floor: float = -MAX_SCORE, ceiling: float = MAX_SCORE
) -> tuple[float, float]:
    """Add `by` (may be negative) and return (old, new); the score stays within the limits. NaN raises ValueError."""
    if by != by:
        raise ValueError("a score cannot be adjusted by something that is not a number")
    old = profile.score
    # Six decimals are kept, so that 0.1 + 0.2 − 0.3 is 0 again and a threshold is met when it looks met.
    profile.score = round(min(max(old + by, floor), ceiling), 6)
    return old, profile.score


def _with(old: Any, parts: tuple[str, ...], value: Any) -> Any:
    """`old` with `value` at the path, as copies along the path."""
    if not parts:
        return value
    copy = dict(cast("dict[str, Any]", old)) if isinstance(old, dict) else {}
    inner = _with(copy.get(parts[0]), parts[1:], value)
    if inner is None:
        copy.pop(parts[0], None)
    else:
        copy[parts[0]] = inner
    return copy


def _same(old: Any, new: Any) -> bool:
    # True == 1 in Python, not in JSON; inside lists and objects too.
    if old is new:
        return True
    if type(old) is not type(new) or old != new:
        return False
    return not isinstance(old, (dict, list)) or json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


def _unfit(attributes: Mapping[str, Any], name: str, new: Any) -> str:
    """Why the value cannot be kept; '' when it can."""
    if new is None:
        return ""
    if not 0 < len(name) <= MAX_NAME:
        return f"the name of an attribute has 1 to {MAX_NAME} characters, this one {len(name)}"
    if name not in attributes and len(attributes) >= MAX_ROOTS:
        return f"the person has {MAX_ROOTS} attributes already, which is the most allowed"
    if _too_deep(new):
        return f"nested deeper than {MAX_DEPTH} levels"
    size = len(_text({**attributes, name: new}))
    if size > MAX_BYTES and size > len(_text(attributes)):
        return f"all attributes together would take {size} bytes; {MAX_BYTES} are allowed"
    return ""


def _too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(cast("dict[str, Any]", one).values())
            elif isinstance(one, list):
                inner.extend(cast("list[Any]", one))
        level = inner
        if not level:
            return False
    return True
