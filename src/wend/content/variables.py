"""What a template reads, and whether there is such a thing: asked before a journey that uses it is published."""

from __future__ import annotations

from collections.abc import Collection

from wend.content.liquid import Text
from wend.content.templates import Template
from wend.core.problems import Problem, nearest

ROOTS: dict[str, str] = {
    "profile": "attributes of the person: profile.first_name, profile.address.city",
    "tags": "list of the person's tags",
    "score": "the person's score",
    "stage": "the stage of the funnel where the person is",
    "rfm": "class of the buyer: champions, loyal …; empty for whoever never ordered",
    "abc": "a, b or c by revenue; empty for whoever never ordered",
    "entry": "properties of the event that started the journey: entry.cart_id",
    "event": "properties of the latest event that moved the person on",
    "saved": "answers that the journey fetched: saved.related",
    "cart": "lines of the cart: {product_id, name, quantity, price, category, url, image_url}",
    "recent": "recent.viewed, recent.searched, recent.bought: at most 10 each, latest first",
    "orders": "number of orders",
    "revenue": "sum of all orders",
    "last_order_at": "time of the last order, for the filter date",
    "currency": "currency of cart and orders",
    "first_seen": "time of the first event",
    "last_seen": "time of the latest event",
    "sessions": "number of sessions",
    "message": "message.id, message.channel, message.journey, message.topic",
    "unsubscribe_url": "page on which the person unsubscribes",
    "preferences_url": "page of channels and topics",
    "sender": "sender.name, sender.address, sender.postal_address",
}
"""The names a template may use, with what they hold (the reference page is made of this)."""

_SHAPES = {
    "recent": {"viewed", "searched", "bought"},
    "message": {"id", "channel", "journey", "topic"},
    "sender": {"name", "address", "postal_address"},
}


def variables(template: Template) -> set[str]:
    """Dotted paths of all that the template reads, in any language: 'profile.first_name', 'cart', 'entry.total' …"""
    return {path for texts in template.texts.values() for text in texts.values() for path in text.variables()}


def filters(template: Template) -> set[str]:
    """Names of all filters that the template uses, in any language."""
    return {name for texts in template.texts.values() for text in texts.values() for name in text.filters()}


def check_variables(
    template: Template,
    known_attributes: Collection[str] | None = None,
    known_event_properties: Collection[str] | None = None,
    where: str = "",
) -> list[Problem]:
    """Names that nothing will fill. An unknown root is an error; an attribute or property that was never seen a warning.

    `known_*`: names of the first level (`first_name`, `cart_id`); None: not known, so not checked.
    """
    problems: list[Problem] = []
    for locale, texts in template.texts.items():
        for field, text in texts.items():
            place = ".".join(part for part in (where, "translations." + locale if locale else "", field) if part)
            problems += check_text(text, known_attributes, known_event_properties, place)
    return problems


def check_text(
    text: Text, known_attributes: Collection[str] | None, known_event_properties: Collection[str] | None, where: str
) -> list[Problem]:
    """The same for one text."""
    problems: list[Problem] = []
    for path in sorted(text.variables()):
        problem = _check(path, known_attributes, known_event_properties)
        if problem is not None:
            level, message = problem
            problems.append(Problem(where, message, level))  # pyright: ignore[reportArgumentType]
    return problems


def _check(path: str, attributes: Collection[str] | None, properties: Collection[str] | None) -> tuple[str, str] | None:
    root, _, rest = path.partition(".")
    first = rest.partition(".")[0]
    if root not in ROOTS:
        if attributes is not None and root in attributes:
            return "error", f"{path!r} is unknown; an attribute is written 'profile.{path}'"
        return "error", f"{path!r} is unknown{nearest(root, ROOTS)} (there are {', '.join(ROOTS)})"
    if first and root in _SHAPES and first not in _SHAPES[root]:
        return "error", f"{path!r} is unknown{nearest(first, _SHAPES[root])}"
    known = attributes if root == "profile" else properties if root in ("entry", "event") else None
    if first and known is not None and first not in known:
        what = "attribute" if root == "profile" else "event property"
        return "warning", f"{path!r}: no {what} {first!r} has been seen{nearest(first, known)}"
    return None
