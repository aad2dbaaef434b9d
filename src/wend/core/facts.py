"""Built-in facts about a person, kept from events of the Segment spec: cart, recent views, sessions, orders, devices.

Rules: bounded whatever comes in (lines ≤ 50, latest ≤ 10, texts cut). Judged by the event's own time: an order takes out of
the cart what was put in before it, in whatever order both arrive. Properties may be of any type: what makes no sense is
passed over, never an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from wend.core.amount import amount
from wend.core.inputs import Event
from wend.core.profile import Facts, Profile

SESSION_GAP = 30 * 60_000
MAX_LINES = 50
MAX_LINKED = 5
MAX_RECENT = 10
MAX_DEVICES = 10
RECENT = ("viewed", "searched", "bought")
RECENT_EVENTS = {
    "recent.viewed": frozenset({"Product Viewed", "Product List Viewed"}),
    "recent.searched": frozenset({"Products Searched"}),
    "recent.bought": frozenset({"Order Completed"}),
}
"""Fact, as in `Listens.facts` → the events it is kept from."""

_TEXT = {"product_id": 100, "name": 150, "category": 100, "url": 300, "image_url": 300}
_LINKS = frozenset({"url", "image_url"})


def apply_event(profile: Profile, event: Event, reads: frozenset[str]) -> set[str]:
    """Take the event into the facts; names of those that changed, as in `Listens.facts`.

    `reads` names the optional facts that some published plan reads ('recent.viewed', 'recent.searched', 'recent.bought'):
    others are not kept, and let go where they were. Imported events count for orders and cart but are no activity, and
    what a journey emitted is no deed of the person.
    """
    changed: set[str] = set()
    facts = profile.facts
    if facts.recent:
        for name in [name for name in facts.recent if f"recent.{name}" not in reads]:
            del facts.recent[name]
    if event.hops == 0:
        _activity(facts, event, changed)
    _device(profile, event, changed)
    keep = _KEEPERS.get(event.name)
    if keep is not None:
        keep(facts, event, reads, changed)
    return changed


def _activity(facts: Facts, event: Event, changed: set[str]) -> None:
    at = event.at
    if facts.first_seen == 0 or at < facts.first_seen:
        facts.first_seen = at
        changed.add("first_seen")
    if event.imported or at <= facts.last_seen:
        return
    if facts.last_seen == 0 or at - facts.last_seen > SESSION_GAP:
        facts.sessions += 1
        changed.add("sessions")
    facts.last_seen = at
    changed.add("last_seen")


def _device(profile: Profile, event: Event, changed: set[str]) -> None:
    device: Any = event.context.get("device")
    if not isinstance(device, dict):
        return
    found = cast("dict[str, Any]", device)
    token, kind = found.get("token"), found.get("type")
    if not isinstance(token, str) or not 0 < len(token) <= 1000:
        return
    web = isinstance(kind, str) and kind.lower() in ("web", "browser")
    if add_device(profile, "web_push" if web else "mobile_push", token, event.at):
        changed.add("devices")


def add_device(profile: Profile, channel: str, token: str, at: int) -> bool:
    """Keep a push token (the 10 seen last, by channel); whether the tokens changed (not merely when they were seen)."""
    tokens = profile.devices.get(channel, {})
    new = token not in tokens
    seen = {**tokens, token: max(at, tokens.get(token, at))}
    if len(seen) > MAX_DEVICES:
        oldest = min(seen, key=lambda one: (seen[one], one))
        del seen[oldest]
        new = new and oldest != token
    profile.devices[channel] = seen
    return new


# --- what each event does ---


def _line(properties: dict[str, Any], at: int) -> dict[str, Any] | None:
    """A product as it is kept; None when nothing names it."""
    line: dict[str, Any] = {}
    for name, length in _TEXT.items():
        value = properties.get(name)
        if isinstance(value, str) and value:
            line[name] = value[:length]
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18 and name == "product_id":
            line[name] = str(value)
    if "product_id" not in line:
        for name in ("sku", "name"):
            value = properties.get(name)
            if isinstance(value, str) and value:
                line["product_id"] = value[:100]
                break
        else:
            return None
    price = amount(properties.get("price"))
    if price is not None:
        line["price"] = price
    line["at"] = at
    return line


def _quantity(properties: dict[str, Any]) -> float:
    found = amount(properties.get("quantity"))
    return 1 if found is None or found < 0 else found


def _products(properties: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The list `products`; None when there is none."""
    found: Any = properties.get("products")
    if not isinstance(found, list):
        return None
    return [cast("dict[str, Any]", one) for one in cast("list[Any]", found)[:500] if isinstance(one, dict)]


def _touch_cart(facts: Facts, event: Event, changed: set[str]) -> None:
    found: Any = event.properties.get("cart_id")
    if isinstance(found, (str, int)) and not isinstance(found, bool) and len(str(found)) <= 100:
        facts.cart_id = found
    currency = event.properties.get("currency")
    if isinstance(currency, str) and 0 < len(currency) <= 8:
        facts.currency = currency
    facts.cart_changed_at = max(facts.cart_changed_at, event.at)
    changed.add("cart")


def _added(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    line = _line(event.properties, event.at)
    # An offline phone sends both: what went into the cart before the latest order was bought with it.
    if line is None or event.at <= facts.last_order_at:
        return
    quantity = _quantity(event.properties)
    cart: list[dict[str, Any]] = []
    for old in facts.cart:
        if old["product_id"] == line["product_id"]:
            line = {**old, **line, "at": max(old["at"], event.at)}
            quantity += old["quantity"]
        else:
            cart.append(old)
    line["quantity"] = quantity
    facts.cart = _within_bounds([*cart, line])
    _touch_cart(facts, event, changed)


def _within_bounds(cart: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most 50 lines; only the latest few keep their links, which are most of a line's bytes (engine.md 16)."""
    old, new = cart[-MAX_LINES:-MAX_LINKED], cart[-MAX_LINKED:]
    return [*({name: value for name, value in line.items() if name not in _LINKS} for line in old), *new]


def _removed(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    line = _line(event.properties, event.at)
    if line is None:
        return
    cart: list[dict[str, Any]] = []
    found = False
    for old in facts.cart:
        if old["product_id"] == line["product_id"]:
            found = True
            # Without a quantity the whole line goes.
            gone = _quantity(event.properties) if "quantity" in event.properties else old["quantity"]
            if old["quantity"] > gone:
                cart.append({**old, "quantity": old["quantity"] - gone})
        else:
            cart.append(old)
    if found:
        facts.cart = cart
        _touch_cart(facts, event, changed)


def _cart_viewed(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    products = _products(event.properties)
    # A snapshot: only the latest counts.
    if products is None or event.at < facts.cart_changed_at or event.at <= facts.last_order_at:
        return
    cart: dict[str, dict[str, Any]] = {}
    for product in products:
        line = _line(product, event.at)
        if line is not None:
            old = cart.get(line["product_id"])
            line["quantity"] = _quantity(product) + (old["quantity"] if old else 0)
            cart[line["product_id"]] = line
    facts.cart = _within_bounds(list(cart.values())[:MAX_LINES])
    _touch_cart(facts, event, changed)


def _completed(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    facts.orders += 1
    changed.add("orders")
    _earn(facts, event, 1, changed)
    if event.at > facts.last_order_at:
        facts.last_order_at = event.at
        changed.add("last_order_at")
    left = [line for line in facts.cart if line["at"] > event.at]
    if len(left) != len(facts.cart):
        facts.cart = left
        facts.cart_changed_at = max(facts.cart_changed_at, event.at)
        changed.add("cart")
    for product in (_products(event.properties) or [])[:MAX_RECENT]:
        line = _line(product, event.at)
        if line is not None:
            line["quantity"] = _quantity(product)
            _keep(facts, "bought", "product_id", line, reads, changed)


def _refunded(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    _earn(facts, event, -1, changed)


def _earn(facts: Facts, event: Event, sign: int, changed: set[str]) -> None:
    for name in ("total", "revenue", "value"):
        found = amount(event.properties.get(name))
        if found is not None:
            # Cents must not drift away over a thousand orders.
            facts.revenue = round(facts.revenue + sign * found, 6)
            changed.add("revenue")
            break
    currency = event.properties.get("currency")
    if isinstance(currency, str) and 0 < len(currency) <= 8:
        facts.currency = currency


def _viewed(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    line = _line(event.properties, event.at)
    if line is not None:
        _keep(facts, "viewed", "product_id", line, reads, changed)


def _list_viewed(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    category = event.properties.get("category")
    if isinstance(category, str) and category:
        _keep(
            facts,
            "viewed",
            "list",
            {"list": category[:100], "category": category[:100], "at": event.at},
            reads,
            changed,
        )


def _searched(facts: Facts, event: Event, reads: frozenset[str], changed: set[str]) -> None:
    query = event.properties.get("query")
    if isinstance(query, str) and query:
        _keep(facts, "searched", "query", {"query": query[:150], "at": event.at}, reads, changed)


def _keep(facts: Facts, name: str, key: str, item: dict[str, Any], reads: frozenset[str], changed: set[str]) -> None:
    """The latest 10, latest first, each thing once."""
    if f"recent.{name}" not in reads:
        return
    # Ten links of each kind would be more than all the rest of a state.
    item = {field: value for field, value in item.items() if field not in _LINKS}
    items = [item]
    for old in facts.recent.get(name, ()):
        if old.get(key) != item[key]:
            items.append(old)
        elif old["at"] > item["at"]:
            # Older news of something that is known from later on.
            return
    items.sort(key=lambda one: -one["at"])
    facts.recent[name] = items[:MAX_RECENT]
    changed.add(f"recent.{name}")


_KEEPERS: dict[str, Callable[[Facts, Event, frozenset[str], set[str]], None]] = {
    "Product Added": _added,
    "Product Removed": _removed,
    "Cart Viewed": _cart_viewed,
    "Order Completed": _completed,
    "Order Refunded": _refunded,
    "Order Cancelled": _refunded,
    "Product Viewed": _viewed,
    "Product List Viewed": _list_viewed,
    "Products Searched": _searched,
}
