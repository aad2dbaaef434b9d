"""Random conditions over all forms, and random histories of people whom they can tell apart: names, values and times meet often.

Drawn from a `Random` of one seed, which is all that hypothesis chooses: sixteen lives and forty conditions are too much for it.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tests.engine.world import DAY, HOUR, MINUTE, SECOND
from tests.history.stored import BEGINNING, Deed, Merge

from wend.core.inputs import Consent, Event, Group, Identify, Input, ListChange, Suppress

Raw = dict[str, Any]

END = BEGINNING + 20 * DAY + 3 * HOUR
EVENTS = ("Looked", "Order Completed", "Order Refunded", "Product Added", "Product Viewed", 'Ödd "name"\\ {')
ZONES = ("Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Mars/Base", "", None)
TEXTS = (
    "Berlin",
    "berlin",
    "Straße",
    "STRASSE",
    "ber",
    "z",
    "2",
    "12.50",
    " 7 ",
    "\u00a07",
    "e\u0301",
    "a'b\"c\\d%s",
    "日本",
    "K",
)
NUMBERS = (0, 1, 2, 1.0, 2.5, 0.1, 0.2, 0.7, -3, 50, 100.01, 1e15, 2e15, 1e23)
DATES = (
    *("2000-02-29", "1990-10-29", "2025-10-28", "2025-10-29", "2025-10-27T23:30:00Z", "2025-10-28T01:30:00+05:30"),
    *("2025-10-29 08:00", "2025-11-05", "2025-09-30T12:00:00", "2025-02-30", "2025-13-01", "0000-01-01", "9999-12-31"),
    *("2025-10-29T24:00", "2025-02-30T10:00", "2025-10-29\n"),
)
FIXED = ("2025-10-28", "2025-10-20", "2025-10-25T12:00:00Z", "2025-10-29T05:00:00")
SPANS = ("1h", "1d", "3d", "7d", "12d", "30d")
PATHS = ("a", "a", "a", "a", "b", "day", "list.0", "list.٠", "address.city", "address.0", "dotted.name", "context.page")
ORDER = ("gt", "gte", "lt", "lte")
EQUAL = ("is", "is_not")


def scalar(draw: Random) -> Any:
    few = (True, False, "", 1761696000, 1761696000000)
    return draw.choice(draw.choice((TEXTS, NUMBERS, NUMBERS, DATES, few)))


def value(draw: Random) -> Any:
    kind = draw.randrange(10)
    if kind == 0:
        return [scalar(draw) for _ in range(draw.randrange(4))]
    if kind == 1:
        return {draw.choice(("city", "0", "n")): scalar(draw) for _ in range(2)}
    return None if kind == 2 else scalar(draw)


# --- conditions ---


def _pair(draw: Random, values: tuple[Any, ...]) -> Raw:
    return {"between": sorted(draw.choices(values, k=2))}


def _plain(draw: Random) -> Raw:
    one = draw.choice((*TEXTS, *NUMBERS, True, False))
    match draw.randrange(12):
        case 0 | 1:
            return {draw.choice(EQUAL): one}
        case 2:
            return {draw.choice(("in", "not_in")): draw.choices((*TEXTS, *NUMBERS, True), k=3)}
        case 3 | 4:
            return {draw.choice(ORDER): draw.choice((*NUMBERS, *TEXTS))}
        case 5:
            return {draw.choice(ORDER): draw.choice(FIXED)}
        case 6:
            return _pair(draw, draw.choice((NUMBERS, TEXTS, FIXED)))
        case 7:
            return {"contains": one}
        case 8:
            return {draw.choice(("starts_with", "ends_with")): draw.choice(TEXTS)}
        case 9:
            return {"matches": draw.choice(("^[Bb]er", "ß", "[0-9]+$"))}
        case 10:
            return _folded(draw)
        case _:
            return {draw.choice(("exists", "missing")): draw.random() < 0.5}


def _folded(draw: Random) -> Raw:
    operator = draw.choice((*EQUAL, "contains", "starts_with", "ends_with", "gt", "in", "not_in"))
    bound = draw.choices(TEXTS, k=2) if operator.endswith("in") else draw.choice(TEXTS)
    return {operator: bound, "ignore_case": True}


def _fixed_moment(draw: Random) -> Raw:
    return {draw.choice(("before", "after")): draw.choice(FIXED)}


def _moment(draw: Random) -> Raw:
    match draw.randrange(4):
        case 0:
            return _fixed_moment(draw)
        case 1:
            return {"within": {draw.choice(("next", "last")): draw.choice(SPANS)}}
        case 2:
            return {draw.choice(("before", "after")): {draw.choice(("ago", "in")): draw.choice(SPANS)}}
        case _:
            return {"after": {"ago": "12d"}, "before": {"ago": draw.choice(("1h", "3d"))}}


def _attribute(draw: Random) -> Raw:
    kind = draw.randrange(8)
    if kind < 4:
        return {"attribute": draw.choice(PATHS), **_plain(draw)}
    if kind < 6:
        return {"attribute": draw.choice(("a", "day", "day")), **_moment(draw)}
    if kind == 6:
        return {"attribute": "a", **_plain(draw), "exists": True}
    return {"attribute": "day", "anniversary": draw.choice(("today", {"in": "7d"}))}


def _where(draw: Random, depth: int = 2) -> Raw:
    kind = draw.randrange(6 if depth else 3)
    if kind == 0:
        return {"context": draw.choice(("page", "page.city")), **_plain(draw)}
    if kind < 3:
        test = _plain(draw) if draw.random() < 0.8 else _fixed_moment(draw)
        return {"property": draw.choice(PATHS), **test}
    inner = [_where(draw, depth - 1) for _ in range(2)]
    return {"not": inner[0]} if kind == 3 else {draw.choice(("all", "any")): inner}


def _name(draw: Random) -> Any:
    return draw.choice((*EVENTS, *EVENTS[:2], "*", [EVENTS[0], EVENTS[3]]))


def _window(draw: Random) -> Raw:
    return draw.choice((
        *({}, {}, {"within": draw.choice(SPANS)}, {"within": draw.choice(SPANS)}),
        *({"from": "12d", "to": "3d"}, {"from": "7d", "to": "1d"}, {"from": "2d", "to": "0s"}),
        *({"since": draw.choice(FIXED)}, {"until": draw.choice(FIXED), "within": "30d"}),
    ))  # fmt: skip


def _source(draw: Random) -> Raw:
    where = {"where": _where(draw)} if draw.random() < 0.4 else {}
    return {"event": _name(draw), **_window(draw), **where}


def _count(draw: Random) -> Raw:
    few = ({"between": [1, 3]}, {"gte": 1, "is_not": 2})
    return draw.choice(({draw.choice((*EQUAL, *ORDER)): draw.randrange(5)}, *few))


def _ordered(draw: Random) -> Raw:
    return {draw.choice(ORDER): draw.choice((0, 0.3, 1, 2.5, 3, 50, 50.1, 100.01, -3))}


def _measure(draw: Random) -> Raw:
    return {draw.choice(("sum", "avg", "min", "max")): draw.choice(("a", "a", "total"))}


def _event(draw: Random) -> Raw:
    match draw.randrange(8):
        case 0:
            return _source(draw)
        case 1 | 2:
            return {**_source(draw), "count": _count(draw)}
        case 3:
            some = draw.choice(({"gte": 1}, {"gte": 2}, {"is": 2}, {"between": [1, 2]}))
            return {**_source(draw), "count": some, "per": draw.choice(PATHS)}
        case 4 | 5:
            return {**_source(draw), **_measure(draw), **_ordered(draw)}
        case 6:
            return {**_source(draw), "distinct": draw.choice(PATHS), draw.choice(ORDER): draw.randrange(4)}
        case _:
            where = {"where": _where(draw)} if draw.random() < 0.4 else {}
            return {"event": _name(draw), draw.choice(("first", "last")): _moment(draw), **where}


def _sequence(draw: Random) -> Raw:
    a, b, c = (_name(draw) for _ in range(3))
    match draw.randrange(5):
        case 0 | 1:
            return {**_source(draw), "then": {"event": b, "within": draw.choice(SPANS)}}
        case 2:
            return {**_source(draw), "then_not": {"event": b, "within": "30m"}}
        case 3:
            return {"event": a, "then": {"event": b, "where": _where(draw), "then": {"event": c}}}
        case _:
            return {"event": a, "within": "12d", "then": {"event": b, "then_not": {"event": c, "within": "1d"}}}


def _side(draw: Random) -> Raw:
    kind = draw.choice(({}, _measure(draw), {"distinct": "b"}))
    return {**_source(draw), **kind, **draw.choice(({}, {"times": 0.5}, {"times": 3}))}


def _compare(draw: Random) -> Raw:
    right = _side(draw) if draw.random() < 0.7 else draw.choice((0, 1, 2.5))
    return {"compare": [_side(draw), draw.choice((*EQUAL, *ORDER)), right]}


def _built_in(draw: Random) -> Raw:
    kind = draw.randrange(3)
    if kind == 0:
        bound = draw.choice((0, 1, 2, 50, 100.01))
        return {draw.choice(("orders", "revenue", "sessions", "score")): {draw.choice((*EQUAL, *ORDER)): bound}}
    if kind == 1:
        return {draw.choice(("first_seen", "last_seen", "last_order_at")): _moment(draw)}
    return {"inactive": draw.choice(SPANS)}


_OTHERS: tuple[Raw, ...] = (
    *({"known": True}, {"known": False}, {"tag": "x"}, {"sample": "40%", "salt": "s"}, {"reachable": "email"}),
    *(
        {"segment": "vip"},
        {"segment": "lookers"},
        {"reachable": "email", "for": "address"},
    ),
    *(
        {"consent": "email"},
        {"consent": "email", "state": "unsubscribed"},
        {"topic": "offers"},
        {"rfm": {"f": {"gte": 1}}},
    ),
    *({"cart": {"items": {"gt": 0}}}, {"cart": {"line": {"property": "product_id", "is": "2"}}}, {"abc": "a"}),
    *(
        {"recent": "viewed", "count": {"gte": 2}},
        {"group": {"attribute": "plan", "is": "pro"}},
        {"message": {"channel": "email"}},
    ),
    *({"near": {"lat": 52.5, "lon": 13.4, "within": "5km"}}, {"inside": "shop"}, {"stage": "lead"}),
)


def drawn_condition(draw: Random, depth: int = 2) -> Raw:
    kind = draw.randrange(14 if depth else 10)
    if kind >= 10:
        inner = [drawn_condition(draw, depth - 1) for _ in range(draw.randint(2, 3))]
        return {"not": inner[0]} if kind == 10 else {draw.choice(("all", "any")): inner}
    if kind < 3:
        return _attribute(draw)
    if kind < 6:
        return _event(draw)
    return (_sequence, _compare, _built_in, lambda draw: draw.choice(_OTHERS))[kind - 6](draw)


# --- histories ---

_NAMES = ("a", "b", "day", "list", "address", "dotted.name", "context.page", "total", "product_id", "quantity", "price")


def _some_event(draw: Random, at: int) -> Event:
    late = draw.choice((0, 0, 0, 1, 5 * MINUTE, HOUR, DAY, 4 * DAY, 11 * DAY, -SECOND, -DAY))
    properties = {name: value(draw) for name in draw.sample(_NAMES, draw.randrange(5))}
    if draw.random() < 0.7:
        properties["a"] = draw.choice((*NUMBERS[:10], "12.50", "Berlin"))
    kind = draw.randrange(12)
    return Event(
        draw.choice(EVENTS),
        at - late,
        properties,
        {"page": value(draw), "ip": "1"} if draw.random() < 0.5 else {},
        draw.choice(("", "", "m1", "m2", "m3")),
        hops=1 if kind == 1 else 0,
        imported=kind == 2,
        about="thing" if kind == 3 else "",
    )


def _other(draw: Random, at: int) -> Input:
    names = ("a", "b", "day", "list", "address", "dotted.name", "email")
    if draw.random() < 0.6:
        traits = {name: value(draw) for name in draw.sample(names, 3)}
        return Identify(traits, at, user_id=draw.choice((None, "u")), tags=draw.choice(([], ["x"])))
    few: tuple[Input, ...] = (
        *(Identify({"email": "p@example.com"}, at), Group("acme", {"plan": "pro"}, at), Suppress("asked", at, "email")),
        *(
            Consent("subscribed", at, "email"),
            Consent("unsubscribed", at, "email"),
            Consent("opted_in", at, "", "offers"),
        ),
        *(ListChange("vip", at), ListChange("vip", at), ListChange("vip", at, add=False)),
    )
    return draw.choice(few)


def drawn_history(draw: Random, people: int) -> list[Deed]:
    """What `people` people do within twenty days; the last three of them may turn out to be others of them."""
    deeds: list[Deed] = []
    others = {people: 1, people - 1: 1, people - 2: 2}
    zones = [draw.choice(ZONES) for _ in range(people)]
    for one in range(1, people + 1):
        # Whoever becomes another has that one's zone: when something happened, fixed dates were judged by the zone of then.
        zone = zones[others.get(one, one) - 1]
        known = {"a": scalar(draw), "day": draw.choice(DATES)}
        deeds.append((BEGINNING, one, Identify({**known, **({} if zone is None else {"timezone": zone})}, BEGINNING)))
        for _ in range(draw.randrange(24)):
            at = (
                BEGINNING
                + draw.randrange(20) * DAY
                + draw.choice((0, 1, 10 * MINUTE, 40 * MINUTE, 3 * HOUR, 3 * HOUR, 3 * HOUR))
            )
            deeds.append((at, one, _some_event(draw, at) if draw.random() < 0.75 else _other(draw, at)))
    for child, parent in others.items():
        if draw.random() < 0.7:
            deeds.append((BEGINNING + draw.randint(3, 19) * DAY + 7 * HOUR, 0, Merge(child, parent)))
    return [_in_time(deed) for deed in deeds]


def _in_time(deed: Deed) -> Deed:
    at, person, input = deed
    return (at, person, replace(input, at=max(1, input.at))) if isinstance(input, Event) else deed
