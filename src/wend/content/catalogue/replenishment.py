"""How long what was ordered will last: told to the event at the door, as the core cannot ask the catalogue.

An `Order Completed` gets `replenish_after` (a duration, "45 d") on each of its products whose interval the catalogue knows, and, of the
one that is used up first, `replenish_after` and `replenish_product` (its id) on itself. So a journey can wait for it:
`wait: {entry: replenish_after}`, or `wait: {entry: products.0.replenish_after}`. What the sender wrote there itself is left as it is.
"""

from __future__ import annotations

from typing import Any, cast

from wend.content.catalogue.store import changed_at, intervals
from wend.core.duration import format_duration
from wend.store.postgres import Connection

EVENT = "Order Completed"
AFTER, PRODUCT = "replenish_after", "replenish_product"
MOST = 500
"""Products of one order that are looked at."""


class Replenishment:
    """The intervals at hand in one process; `refresh` now and then."""

    def __init__(self) -> None:
        self._intervals: dict[str, int] = {}
        self._read = 0

    async def refresh(self, conn: Connection) -> None:
        """Read the intervals anew, if the catalogue has changed since."""
        changed = await changed_at(conn)
        if changed != self._read:
            self._intervals = await intervals(conn)
            self._read = changed

    def told(self, properties: dict[str, Any]) -> dict[str, Any]:
        """The properties of an order with what is known; the very same ones when nothing is."""
        found: Any = properties.get("products")
        if not self._intervals or not isinstance(found, list):
            return properties
        products = cast("list[Any]", found)
        first: tuple[int, str] | None = None
        lines: list[Any] = []
        for at, line in enumerate(products):
            id, length = self._of(line) if at < MOST else ("", 0)
            if length and AFTER not in line:
                line = {**line, AFTER: format_duration(length)}
            if length and (first is None or length < first[0]):
                first = length, id
            lines.append(line)
        if first is None:
            return properties
        return {AFTER: format_duration(first[0]), PRODUCT: first[1], **properties, "products": lines}

    def _of(self, line: Any) -> tuple[str, int]:
        """Id and interval of a line; 0: not known."""
        if not isinstance(line, dict):
            return "", 0
        product = cast("dict[str, Any]", line)
        for name in ("product_id", "sku"):
            id = product.get(name)
            if isinstance(id, (str, int)) and str(id) in self._intervals:
                return str(id), self._intervals[str(id)]
        return "", 0
