"""What templates ask of the catalogue, at hand for a moment: no query per person.

A look-up that is not at hand is noted (`misses`) and answered as if there were nothing; whoever renders then fetches all that was noted,
for the whole batch at once, and renders those messages again. A template that looks up what it has looked up needs two rounds.
"""

from __future__ import annotations

import time
from typing import Any

from wend.content.catalogue.product import MAX_ID
from wend.content.catalogue.store import find_products, shelves
from wend.store.postgres import Connection

KEPT = 30.0
"""Seconds for which an answer is at hand."""
ROUNDS = 4
"""Times that a message is rendered at most: templates are no deeper."""
EACH = 60
"""Products of a category."""
_MOST = 20_000


class Shelf:
    """One for each process that renders."""

    def __init__(self) -> None:
        self.misses = 0
        self._products: dict[str, tuple[float, dict[str, Any] | None]] = {}
        self._categories: dict[str, tuple[float, list[dict[str, Any]]]] = {}
        self._wanted: set[str] = set()
        self._wanted_categories: set[str] = set()

    def product(self, id: str) -> dict[str, Any] | None:
        """The product as templates see it; None: there is none, or it is not at hand yet."""
        if not 0 < len(id) <= MAX_ID or "\0" in id:
            return None
        found = self._products.get(id)
        if found is None or found[0] < time.monotonic():
            self.misses += 1
            self._wanted.add(id)
            return None
        return found[1]

    def category(self, name: str) -> list[dict[str, Any]]:
        """The newest that can be had of the category, newest first; '' is all categories. Empty when it is not at hand yet."""
        found = self._categories.get(name)
        if "\0" in name or (found is not None and found[0] >= time.monotonic()):
            return found[1] if found is not None else []
        self.misses += 1
        self._wanted_categories.add(name)
        return []

    async def fill(self, conn: Connection) -> None:
        """Fetch what was looked up in vain."""
        ids, self._wanted = self._wanted, set()
        names, self._wanted_categories = self._wanted_categories, set()
        if len(self._products) + len(ids) > _MOST:
            self._products.clear()
        if len(self._categories) + len(names) > _MOST // EACH:
            self._categories.clear()
        until = time.monotonic() + KEPT
        if ids:
            found = await find_products(conn, ids)
            for id in ids:
                self._products[id] = until, found[id].shown() if id in found else None
        if names:
            for name, products in (await shelves(conn, names, EACH)).items():
                self._categories[name] = until, [one.shown() for one in products]
