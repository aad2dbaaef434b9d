"""Built-in facts from the events of the Segment spec: bounded, by the events' own time, whatever clients send."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.facts import MAX_DEVICES, MAX_LINES, MAX_RECENT, SESSION_GAP, add_device, apply_event
from wend.core.inputs import Event
from wend.core.profile import Profile

T = 1_795_000_000_000
NONE: frozenset[str] = frozenset()
ALL = frozenset({"recent.viewed", "recent.searched", "recent.bought"})
NAMES = (
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Order Completed",
    "Order Refunded",
    "Order Cancelled",
    "Product Viewed",
    "Product List Viewed",
    "Products Searched",
    "Application Installed",
)


def happen(profile: Profile, name: str, /, at: int = T, reads: frozenset[str] = ALL, **properties: Any) -> set[str]:
    return apply_event(profile, Event(name, at, properties), reads)


def cart(profile: Profile) -> dict[str, float]:
    return {line["product_id"]: line["quantity"] for line in profile.facts.cart}


def test_the_cart_follows_what_is_added_and_removed():
    profile = Profile(1)
    assert "cart" in happen(
        profile, "Product Added", product_id="a", price="9.99", quantity=2, cart_id="c1", currency="EUR"
    )
    happen(profile, "Product Added", T + 1, product_id="a")
    happen(profile, "Product Added", T + 2, sku="b")
    happen(profile, "Product Added", T + 3, name="c", product_id=7)
    assert cart(profile) == {"a": 3, "b": 1, "7": 1}
    assert profile.facts.cart[0]["price"] == 9.99
    assert (profile.facts.cart_id, profile.facts.currency, profile.facts.cart_changed_at) == ("c1", "EUR", T + 3)
    happen(profile, "Product Removed", T + 4, product_id="a", quantity=1)
    happen(profile, "Product Removed", T + 5, product_id="7")
    assert cart(profile) == {"a": 2, "b": 1}
    assert "cart" not in happen(profile, "Product Removed", T + 6, product_id="nowhere")
    assert "cart" not in happen(profile, "Product Removed", T + 6)
    assert "cart" not in happen(profile, "Product Added", T + 6, price=3)


def test_an_order_empties_the_cart():
    profile = Profile(1)
    happen(profile, "Product Added", product_id="a")
    changed = happen(profile, "Order Completed", T + 1, total="19.90", currency="EUR")
    assert {"cart", "orders", "revenue", "last_order_at"} <= changed
    assert cart(profile) == {}
    facts = profile.facts
    assert (facts.orders, facts.revenue, facts.last_order_at, facts.currency) == (1, 19.9, T + 1, "EUR")


def test_an_order_takes_what_was_put_in_before_it_in_whatever_order_both_arrive():
    profile = Profile(1)
    happen(profile, "Order Completed", T + 10)
    assert "cart" not in happen(profile, "Product Added", T, product_id="late")
    assert "cart" not in happen(profile, "Product Added", T + 10, product_id="same instant")
    happen(profile, "Product Added", T + 20, product_id="next")
    assert "cart" not in happen(profile, "Order Completed", T + 15)
    assert cart(profile) == {"next": 1}
    assert "last_order_at" not in happen(profile, "Order Completed", T + 5)
    assert (profile.facts.orders, profile.facts.last_order_at) == (3, T + 15)


def test_what_was_put_in_at_the_instant_of_the_order_was_ordered():
    profile = Profile(1)
    happen(profile, "Product Added", product_id="a")
    happen(profile, "Order Completed")
    assert cart(profile) == {}


def test_a_viewed_cart_is_a_snapshot_and_only_the_latest_counts():
    profile = Profile(1)
    happen(profile, "Product Added", product_id="old")
    happen(
        profile,
        "Cart Viewed",
        T + 5,
        products=[{"product_id": "a"}, {"product_id": "a", "quantity": 2}, 7, {"price": 1}],
    )
    assert cart(profile) == {"a": 3}
    assert "cart" not in happen(profile, "Cart Viewed", T + 1, products=[])
    assert "cart" not in happen(profile, "Cart Viewed", T + 6)
    assert cart(profile) == {"a": 3}
    happen(profile, "Cart Viewed", T + 7, products=[])
    assert cart(profile) == {}


def test_a_refund_takes_from_the_revenue_without_drift():
    profile = Profile(1)
    for _ in range(10):
        happen(profile, "Order Completed", revenue=0.1)
    happen(profile, "Order Refunded", value=0.3, currency="far too long")
    happen(profile, "Order Cancelled")
    assert (profile.facts.orders, profile.facts.revenue, profile.facts.currency) == (10, 0.7, "")


def test_the_latest_ten_are_kept_latest_first_and_each_once():
    profile = Profile(1)
    for number in range(MAX_RECENT + 5):
        happen(profile, "Product Viewed", T + number, product_id=f"p{number}", category="Shoes")
    viewed = profile.facts.recent["viewed"]
    assert [one["product_id"] for one in viewed] == [f"p{number}" for number in range(14, 4, -1)]
    assert happen(profile, "Product Viewed", T + 100, product_id="p7") >= {"recent.viewed"}
    assert [one["product_id"] for one in profile.facts.recent["viewed"]][:2] == ["p7", "p14"]
    assert "recent.viewed" not in happen(profile, "Product Viewed", T + 50, product_id="p7")
    happen(profile, "Product List Viewed", T + 200, category="Hats")
    assert profile.facts.recent["viewed"][0] == {"list": "Hats", "category": "Hats", "at": T + 200}
    happen(profile, "Products Searched", query="red")
    assert profile.facts.recent["searched"] == [{"query": "red", "at": T}]
    happen(profile, "Order Completed", products=[{"product_id": "a", "quantity": 2}, {}, "odd"])
    assert profile.facts.recent["bought"] == [{"product_id": "a", "quantity": 2, "at": T}]
    for name in ("Product Viewed", "Product List Viewed", "Products Searched"):
        assert not {one for one in happen(profile, name, T + 300) if one.startswith("recent")}


def test_what_no_plan_reads_is_not_kept_and_let_go_where_it_was():
    profile = Profile(1)
    happen(profile, "Product Viewed", product_id="a")
    happen(profile, "Products Searched", reads=frozenset({"recent.searched"}), query="red")
    assert list(profile.facts.recent) == ["searched"]
    assert happen(profile, "Product Viewed", T + 1, NONE, product_id="b") == {"last_seen"}
    assert profile.facts.recent == {}


def test_a_pause_of_more_than_thirty_minutes_begins_a_session():
    profile = Profile(1)
    assert happen(profile, "x", T) == {"first_seen", "last_seen", "sessions"}
    happen(profile, "x", T + SESSION_GAP)
    assert profile.facts.sessions == 1
    happen(profile, "x", T + 2 * SESSION_GAP + 1)
    assert profile.facts.sessions == 2


def test_late_events_move_first_seen_back_and_nothing_else():
    profile = Profile(1)
    happen(profile, "x", T)
    assert happen(profile, "x", T - 10 * SESSION_GAP) == {"first_seen"}
    assert (profile.facts.last_seen, profile.facts.sessions) == (T, 1)


def test_imports_and_emitted_events_are_no_activity():
    profile = Profile(1)
    assert apply_event(profile, Event("Order Completed", T, {"total": 5}, imported=True), NONE) == {
        "first_seen",
        "orders",
        "revenue",
        "last_order_at",
    }
    assert apply_event(profile, Event("Progress Report Sent", T, hops=1), NONE) == set()
    assert profile.facts.last_seen == 0


@pytest.mark.parametrize(
    ("device", "channel"),
    [
        ({"token": "t", "type": "ios"}, "mobile_push"),
        ({"token": "t", "type": "Android"}, "mobile_push"),
        ({"token": "t"}, "mobile_push"),
        ({"token": "t", "type": "web"}, "web_push"),
        ({"token": "", "type": "ios"}, None),
        ({"token": 7}, None),
        ({"token": "t" * 1001}, None),
        ("odd", None),
    ],
)
def test_a_push_token_is_taken_from_the_context(device: object, channel: str | None):
    profile = Profile(1)
    changed = apply_event(profile, Event("x", T, {}, {"device": device}), NONE)
    assert ("devices" in changed) == (channel is not None)
    assert profile.devices == ({channel: {"t": T}} if channel else {})
    assert "devices" not in apply_event(profile, Event("x", T + 5, {}, {"device": device}), NONE)


def test_only_the_ten_devices_seen_last_are_kept():
    profile = Profile(1)
    for number in range(MAX_DEVICES):
        assert add_device(profile, "mobile_push", f"t{number}", T + number)
    assert not add_device(profile, "mobile_push", "older", T - 1)
    assert add_device(profile, "mobile_push", "newer", T + 99)
    assert "t0" not in profile.devices["mobile_push"]
    assert len(profile.devices["mobile_push"]) == MAX_DEVICES


json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["x" * 400, "1.50", "-3", [], {}, [[1]], {"product_id": "x"}, [{"product_id": ["x"]}, None]]),
)
KEYS = (
    "product_id",
    "sku",
    "name",
    "price",
    "quantity",
    "products",
    "cart_id",
    "currency",
    "total",
    "revenue",
    "category",
    "query",
)
loose = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6)
events = st.builds(
    Event,
    st.sampled_from(NAMES),
    st.integers(T, T + 10**6),
    st.one_of(loose, st.builds(lambda one, several: {**one, "products": several}, loose, st.lists(loose, max_size=3))),
    st.dictionaries(
        st.just("device"), st.one_of(json_values, st.dictionaries(st.sampled_from(["token", "type"]), json_values))
    ),
    imported=st.booleans(),
    hops=st.integers(0, 1),
)


@settings(deadline=None)
@given(st.lists(events, max_size=10))
def test_no_property_of_any_type_breaks_the_facts_or_their_bounds(happening: list[Event]):
    profile = Profile(1)
    for event in happening:
        apply_event(profile, event, ALL)
    facts = profile.facts
    assert len(facts.cart) <= MAX_LINES
    assert all(line["quantity"] >= 0 and len(line["product_id"]) <= 100 for line in facts.cart)
    assert all(len(items) <= MAX_RECENT for items in facts.recent.values())
    own = [event.at for event in happening if not event.imported and event.hops == 0]
    assert facts.last_seen == max(own, default=0)
    assert facts.last_order_at == max((event.at for event in happening if event.name == "Order Completed"), default=0)


@given(st.permutations(range(6)))
def test_sums_and_times_do_not_depend_on_the_order_of_arrival(order: list[int]):
    happening = [
        Event("Order Completed", T + 5, {"total": 10.1}),
        Event("Product Added", T, {"product_id": "a"}),
        Event("Order Completed", T + 9, {"total": 0.2}),
        Event("Product Added", T + 7, {"product_id": "b"}),
        Event("Order Refunded", T + 10, {"total": 1}),
        Event("Product Added", T + 20, {"product_id": "c"}),
    ]
    profile = Profile(1)
    for index in order:
        apply_event(profile, happening[index], NONE)
    facts = profile.facts
    assert (facts.orders, facts.revenue, facts.first_seen, facts.last_seen, facts.last_order_at) == (
        2,
        9.3,
        T,
        T + 20,
        T + 9,
    )
    assert cart(profile) == {"c": 1}


def test_a_cart_never_has_more_than_fifty_lines():
    profile = Profile(1)
    for number in range(MAX_LINES + 10):
        happen(profile, "Product Added", T + number, product_id=f"p{number}")
    assert len(profile.facts.cart) == MAX_LINES
    assert profile.facts.cart[-1]["product_id"] == f"p{MAX_LINES + 9}"


def test_only_the_latest_lines_of_a_long_cart_keep_their_links_and_recent_things_have_none():
    profile = Profile(1)
    reads = frozenset({"recent.viewed"})
    for number in range(60):
        product = {
            "product_id": f"P{number}",
            "name": "x",
            "url": "https://shop.example/p",
            "image_url": "https://i.example/p",
        }
        apply_event(profile, Event("Product Viewed", number + 1, product), reads)
        apply_event(profile, Event("Product Added", number + 1, product), reads)
    assert len(profile.facts.cart) == 50
    assert [line["product_id"] for line in profile.facts.cart if "url" in line] == [f"P{n}" for n in range(55, 60)]
    assert not any("image_url" in item for item in profile.facts.recent["viewed"])
