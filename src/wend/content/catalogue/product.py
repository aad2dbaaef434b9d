"""One thing of the catalogue, and how it is read from a row or an object: with all faults at once, each with its field.

Fields: id, title (both needed), kind (product, course, article), category, price, currency, image, url, availability, replenish_after (a
duration until it is used up), and whatever else: that is kept as `extra`. Names as shops write them are understood (`product_id`,
`sku`, `name`, `image_url`, `image_link`, `link`). Empty texts say nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.amount import amount
from wend.core.duration import format_duration, parse_duration
from wend.core.problems import Problem, nearest, shown

KINDS = ("product", "course", "article")
MAX_ID = 100
MAX_EXTRA = 8_000
"""Bytes of JSON."""
_LENGTHS = {"title": 300, "category": 100, "image": 2_000, "url": 2_000}
_NAMES = {
    "id": ("id", "product_id", "sku"),
    "title": ("title", "name"),
    "image": ("image", "image_url", "image_link"),
    "url": ("url", "link"),
    "availability": ("availability", "available"),
    "replenish_after": ("replenish_after", "replenishment", "replenishment_interval"),
}
_YES = frozenset({"yes", "true", "1", "in_stock", "in stock", "available"})
_NO = frozenset(
    {"no", "false", "0", "out_of_stock", "out of stock", "unavailable", "preorder", "backorder", "discontinued"}
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_PRICED = re.compile(r"([0-9.]+) ?([A-Z]{3})")


@dataclass(frozen=True, slots=True)
class Product:
    """One thing. `replenish`: ms until it is used up, 0: not known. `added_at` (ms UTC) is set by the store."""

    id: str
    title: str
    kind: str = "product"
    category: str = ""
    price: float | None = None
    currency: str = ""
    image: str = ""
    url: str = ""
    available: bool = True
    replenish: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    added_at: int = field(default=0, compare=False)

    def shown(self) -> dict[str, Any]:
        """As templates and the API see it; `product_id`, `name` and `image_url` too, so that it reads like a line of the cart."""
        return {
            **self.extra,
            "id": self.id,
            "product_id": self.id,
            "kind": self.kind,
            "title": self.title,
            "name": self.title,
            "category": self.category,
            "price": self.price,
            "currency": self.currency,
            "image": self.image,
            "image_url": self.image,
            "url": self.url,
            "available": self.available,
            "replenish_after": format_duration(self.replenish) if self.replenish else None,
        }


def read_product(raw: Any) -> tuple[Product | None, list[Problem]]:
    """The product that a row or object means, or None and everything that is wrong with it."""
    if not isinstance(raw, Mapping):
        return None, [Problem("", f"expected an object with id and title, found {shown(raw)}")]
    given = cast("Mapping[Any, Any]", raw)
    rest = {str(name).strip(): value for name, value in given.items() if value is not None and value != ""}
    problems: list[Problem] = []
    reader = _Reader(rest, problems)
    id, title = reader.text("id", MAX_ID, needed=True), reader.text("title", _LENGTHS["title"], needed=True)
    kind = reader.text("kind", 20) or "product"
    if kind not in KINDS:
        problems.append(
            Problem("kind", f"{shown(kind)} is no kind{nearest(kind, KINDS)} (there are {', '.join(KINDS)})")
        )
    category = reader.text("category", _LENGTHS["category"])
    currency = reader.text("currency", 3).upper()
    price, named = reader.price()
    currency = currency or named
    if currency and not _CURRENCY.fullmatch(currency):
        problems.append(Problem("currency", f"expected a code such as EUR, found {shown(currency)}"))
    image, url = reader.text("image", _LENGTHS["image"]), reader.text("url", _LENGTHS["url"])
    available, replenish = reader.availability(), reader.interval()
    if len(json.dumps(rest, default=str)) > MAX_EXTRA:
        problems.append(Problem("", f"its further fields have more than {MAX_EXTRA} bytes"))
    if problems:
        return None, problems
    return Product(id, title, kind, category, price, currency, image, url, available, replenish, rest), []


class _Reader:
    """Takes fields out of what is there; what is left is `extra`."""

    def __init__(self, rest: dict[str, Any], problems: list[Problem]) -> None:
        self._rest = rest
        self._problems = problems

    def take(self, name: str) -> Any:
        for alias in _NAMES.get(name, (name,)):
            if alias in self._rest:
                return self._rest.pop(alias)
        return None

    def fault(self, name: str, message: str) -> None:
        self._problems.append(Problem(name, message))

    def text(self, name: str, limit: int, *, needed: bool = False) -> str:
        found = self.take(name)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)  # numbers as ids and titles
        if found is None or (isinstance(found, str) and not found.strip()):
            if needed:
                self.fault(name, "is missing")
            return ""
        if not isinstance(found, str) or len(found) > limit or "\0" in found:
            self.fault(name, f"expected a text of at most {limit} characters, found {shown(found)}")
            return ""
        return found.strip()

    def price(self) -> tuple[float | None, str]:
        found = self.take("price")
        currency = ""
        if isinstance(found, str) and (priced := _PRICED.fullmatch(found.strip())):
            found, currency = priced[1], priced[2]
        if found is None:
            return None, currency
        value = amount(found)
        if value is None or value < 0:
            self.fault("price", f"expected a price such as 12.50 (or 12.50 EUR), found {shown(found)}")
            return None, currency
        return value, currency

    def availability(self) -> bool:
        found = self.take("availability")
        if found is None or isinstance(found, bool):
            return found is not False
        word = str(found).strip().lower()
        if word not in _YES | _NO:
            self.fault("availability", f"expected yes or no (in_stock, out_of_stock …), found {shown(found)}")
        return word in _YES

    def interval(self) -> int:
        found = self.take("replenish_after")
        if found is None:
            return 0
        try:
            return parse_duration(found)
        except ValueError as wrong:
            self.fault("replenish_after", str(wrong))
            return 0
