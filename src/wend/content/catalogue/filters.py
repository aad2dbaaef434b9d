"""Liquid filters over the catalogue: product, related, newest. They read the hidden name `_shelf` of the rendering context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any, cast

from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from wend.content.catalogue.shelf import EACH, Shelf

USUAL = 4


@with_context
def product(value: object, *, context: RenderContext) -> dict[str, Any] | None:
    """`{% assign it = entry.product_id | product %}{{ it.title }}`: the product of that id; nothing when there is none."""
    return _shelf(context).product(_id(value))


@with_context
def related(value: object, count: object = USUAL, *, context: RenderContext) -> list[dict[str, Any]]:
    """`{% assign more = cart | related: 3 %}{% for one in more %}`: others of the same category that can be had, newest first.

    Of an id, a product, a line of the cart, or a list of them (then of each category in turn). What is in the cart or among the things
    bought lately is left out.
    """
    shelf, most = _shelf(context), _count(count)
    things = list(cast("Iterable[object]", value)) if isinstance(value, list | tuple) else [value]
    ids = {_id(one) for one in things}
    categories = list(dict.fromkeys(name for one in things if (name := _category(one, shelf))))
    ids |= {_id(line) for line in _listed(context, "cart")}
    recent: Any = context.globals.get("recent")
    if isinstance(recent, Mapping):
        ids |= {_id(line) for line in cast("Mapping[str, Any]", recent).get("bought") or ()}
    found: list[dict[str, Any]] = []
    for rank in zip_longest(*(shelf.category(name) for name in categories)):
        found += [one for one in rank if one is not None and one["id"] not in ids]
    return found[:most]


@with_context
def newest(value: object, count: object = USUAL, *, context: RenderContext) -> list[dict[str, Any]]:
    """`{% assign new = "Courses" | newest: 3 %}`: the newest of the category that can be had; of '' those of the whole catalogue."""
    if is_undefined(value):
        str(value)  # raises, naming the variable
    return _shelf(context).category("" if value is None else str(value))[: _count(count)]


def _shelf(context: RenderContext) -> Shelf:
    found: Any = context.globals.get("_shelf")
    return found if isinstance(found, Shelf) else Shelf()


def _id(value: Any) -> str:
    if is_undefined(value):
        str(value)
    if isinstance(value, dict):
        thing = cast("dict[str, Any]", value)
        value = thing.get("product_id", thing.get("id"))
    return "" if value is None else str(value)


def _category(value: object, shelf: Shelf) -> str:
    if isinstance(value, dict):
        category: Any = cast("dict[str, Any]", value).get("category")
        if isinstance(category, str) and category:
            return category
    known = shelf.product(_id(value))
    return known["category"] if known is not None else ""


def _listed(context: RenderContext, name: str) -> list[Any]:
    found: Any = context.globals.get(name)
    return cast("list[Any]", found) if isinstance(found, list) else []


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= EACH:
        return value
    raise FilterArgumentError(f"expected a number of products from 1 to {EACH}, found {value!r}", token=None)


FILTERS = {"product": product, "related": related, "newest": newest}
"""Name in templates → function."""
READS = {"related": ("cart", "recent.bought")}
"""Filter → facts of the person that it reads."""
