"""What the demo invents around the real orders, labelled so on every person: addresses, names, consent, app installs, carts.

Everything is a function of the customer's number, so that two runs invent the same. Phone numbers are from the range that the
British regulator keeps free for fiction, addresses from example.com.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from wend.commands.demo.orders import DAY, Order

HOUR = DAY // 24
LABEL = "invented for the demo: name, e-mail, phone, consent, app installs, carts"
VISITORS = 240
_NAMES = [
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Margaret",
    "Ken",
    "Radia",
    "Dennis",
    "Frances",
    "Niklaus",
    "Joan",
    "Tony",
    "Hedy",
    "Linus",
    "Annie",
    "Guido",
]
_ZONES = {
    "Germany": "Europe/Berlin",
    "France": "Europe/Paris",
    "Australia": "Australia/Sydney",
    "Japan": "Asia/Tokyo",
    "USA": "America/New_York",
}
_WEB_SHARE, _APP_SHARE = 0.2, 0.3
_PRODUCTS = (
    ("MUG-1", "Heart Mug", 6.5),
    ("LAMP-2", "Lantern", 24.0),
    ("BAG-3", "Jumbo Bag", 2.1),
    ("CLOCK-4", "Alarm Clock", 32.0),
)


def share(*what: object) -> float:
    """A number in [0, 1) that is always the same for the same `what`."""
    text = "\n".join(map(str, what)).encode()
    return int.from_bytes(blake2b(text, digest_size=7).digest(), "big") / (1 << 56)


def messages(orders: Iterable[Order], now: int) -> list[dict[str, Any]]:
    """The demo's history as Segment messages in order of time, ready to be imported with `--replay`."""
    found: list[tuple[int, dict[str, Any]]] = []
    first: dict[str, int] = {}
    for order in orders:
        if order.customer not in first:
            first[order.customer] = order.at
            found += _person(f"uci-{order.customer}", order.customer, order.at - HOUR, order.country)
        found.append((order.at, _order(order)))
        if share("app", order.customer) < _APP_SHARE and order.at == first[order.customer]:
            found.append(_install(f"uci-{order.customer}", order.at + int(share("when", order.customer) * 3 * DAY)))
    for number in range(VISITORS):
        found += _visitor(number, now)
    return [message for at, message in sorted(found, key=lambda one: one[0]) if at <= now]


def lines(history: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """NDJSON."""
    for message in history:
        yield json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _person(user: str, number: str, at: int, country: str) -> Iterator[tuple[int, dict[str, Any]]]:
    name = _NAMES[int(share("name", number) * len(_NAMES))]
    traits = {
        "first_name": name,
        "email": f"{name.lower()}.{number}@example.com",
        "phone": f"+447700900{int(share('phone', number) * 1000):03d}",
        "country": country,
        "timezone": _ZONES.get(country, "Europe/London"),
        "demo": LABEL,
    }
    yield (
        at,
        {"type": "identify", "userId": user, "messageId": f"demo-{user}-who", "timestamp": _iso(at), "traits": traits},
    )
    for channel, part in (("email", 0.85), ("sms", 0.5), ("mobile_push", 1.0)):
        if share("consent", channel, number) < part:
            consent = {"channel": channel, "state": "subscribed", "source": "demo (invented)"}
            yield (
                at,
                {
                    "type": "consent",
                    "userId": user,
                    "messageId": f"demo-{user}-{channel}",
                    "timestamp": _iso(at),
                    **consent,
                },
            )


def _order(order: Order) -> dict[str, Any]:
    properties = {
        "order_id": order.id,
        "total": round(order.total, 2),
        "currency": "GBP",
        "lines": order.lines,
        "products": order.products,
    }
    web = share("web", order.id) < _WEB_SHARE
    context = {"page": {"url": "https://shop.example/checkout", "note": "invented"}} if web else {}
    return _track(f"uci-{order.customer}", "Order Completed", order.at, f"demo-{order.id}", properties, context)


def _install(user: str, at: int) -> tuple[int, dict[str, Any]]:
    device = {"device": {"type": "android", "token": f"demo-{user}"}}
    return at, _track(user, "Application Installed", at, f"demo-{user}-app", {"note": "invented"}, device)


def _visitor(number: int, now: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """An invented visitor: a cart in the last weeks, now and then bought, and an offer some days ago."""
    user, key = f"visitor-{number:03d}", f"v{number:03d}"
    at = now - DAY - int(share("cart", number) * 20 * DAY)
    yield from _person(user, key, at - 2 * HOUR, "United Kingdom")
    for step in range(1 + int(share("lines", number) * 3)):
        product, name, price = _PRODUCTS[int(share("product", number, step) * len(_PRODUCTS))]
        properties = {"cart_id": f"cart-{number}", "product_id": product, "name": name, "price": price, "quantity": 1}
        yield at + step * 60_000, _track(user, "Product Added", at + step * 60_000, f"demo-{key}-{step}", properties)
    if share("buys", number) < 0.35:
        bought = at + HOUR // 2
        yield (
            bought,
            _track(
                user,
                "Order Completed",
                bought,
                f"demo-{key}-order",
                {"order_id": f"V{number}", "total": 40.0, "currency": "GBP"},
            ),
        )
    if number % 3 == 0:
        announced = now - 4 * DAY + number * 60_000
        offer = {"offer_id": "autumn", "title": "Autumn lights, 20 % off"}
        yield announced, _track(user, "Offer Announced", announced, f"demo-{key}-offer", offer)


def _track(
    user: str, event: str, at: int, id_: str, properties: dict[str, Any], context: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": user,
        "event": event,
        "messageId": id_,
        "timestamp": _iso(at),
        "properties": properties,
        "context": context or {},
    }
