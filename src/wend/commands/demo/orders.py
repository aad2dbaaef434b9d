"""The real orders of the demo: UCI Online Retail, every invoice of a British gift shop over a year (Chen 2015, CC BY 4.0).

Rules: cancellations (numbers with C), lines without a customer, returns and exact duplicate lines do not count. All times are
shifted alike, so that the last order is now; the shop's local times are read as UTC. Without the file a sample is made, and said so.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

DAY = 86_400_000
FILE = Path("../shared/data/online_retail_uci.csv.gz")
_PRODUCTS_SHOWN = 3


@dataclass(slots=True)
class Order:
    """One invoice. `at` in ms UTC, `total` in pounds."""

    id: str
    customer: str
    at: int
    country: str
    total: float = 0.0
    lines: int = 0
    products: list[dict[str, object]] = field(default_factory=list)


def read(path: Path) -> list[Order]:
    """The orders of the file, in order of time. OSError when it cannot be read."""
    orders: dict[str, Order] = {}
    seen: set[tuple[str, ...]] = set()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            invoice, code, name, quantity, date, price, customer, country = row
            if not customer or invoice.startswith("C") or int(quantity) <= 0:
                continue
            key = tuple(row)
            if key in seen:
                continue
            seen.add(key)
            order = orders.get(invoice)
            if order is None:
                at = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)
                order = orders[invoice] = Order(invoice, customer.removesuffix(".0"), at, country)
            order.total += int(quantity) * float(price)
            order.lines += 1
            if len(order.products) < _PRODUCTS_SHOWN:
                order.products.append(
                    {"product_id": code, "name": name.strip().title(), "price": float(price), "quantity": int(quantity)}
                )
    return sorted(orders.values(), key=lambda order: (order.at, order.id))


def sample(people: int = 800, seed: int = 20261122) -> list[Order]:
    """Made-up orders with the rhythm of the real ones, for machines without the file. Times as in the file: 2011."""
    chance = random.Random(seed)
    end = int(datetime(2011, 12, 9, 12, tzinfo=UTC).timestamp() * 1000)
    orders: list[Order] = []
    for person in range(people):
        at = end - int(chance.uniform(0, 373) * DAY)
        while at < end:
            number = len(orders)
            product: dict[str, object] = {
                "product_id": f"P{number % 97}",
                "name": f"Gift {number % 97}",
                "price": 4.5,
                "quantity": 2,
            }
            orders.append(
                Order(f"S{number}", str(20_000 + person), at, "United Kingdom", chance.uniform(20, 900), 3, [product])
            )
            at += int(chance.expovariate(1 / 60) * DAY) + 1
    return sorted(orders, key=lambda order: (order.at, order.id))


def shifted(orders: list[Order], end: int) -> Iterator[Order]:
    """The same orders, the last one at `end` (ms UTC)."""
    by = end - max(order.at for order in orders)
    for order in orders:
        order.at += by
        yield order
