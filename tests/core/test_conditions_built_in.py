"""Conditions on what is built in: activity, cart, recent things, numbers, tags, runs, contact, messages."""

from datetime import datetime
from typing import Any

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.syntax import parse
from wend.core.profile import Facts, Profile, Run
from wend.core.sample import bucket

DAY = 86_400_000
ZONE = "Europe/Berlin"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOW = ms("2026-11-22T12:00:00+01:00")


def condition(raw: Any, *inside: str) -> Condition:
    errors: list[Any] = []
    found = parse(raw, "c", errors, inside=frozenset(inside))
    assert found is not None, [str(error) for error in errors]
    assert errors == []
    return found


def check(raw: Any, profile: Profile | None = None, now: int = NOW, **more: Any) -> Verdict:
    inside = ("event", "journey") if more.get("run") else ("event",)
    return condition(raw, *inside).check(View(profile or Profile(1), now, ZONE, **more))


def holds(raw: Any, **attributes: Any) -> bool:
    return check(raw, Profile(1, attributes)).value


def test_inactive_needs_an_event_before_and_becomes_true_by_mere_passing_of_time():
    raw = {"inactive": "30d"}
    assert check(raw) == (False, FOREVER)
    profile = Profile(1, facts=Facts(last_seen=NOW))
    assert check(raw, profile) == (False, NOW + 30 * DAY)
    assert check(raw, profile, NOW + 30 * DAY) == (True, FOREVER)
    assert condition(raw).listens() == Listens(facts=frozenset({"last_seen"}))


def test_the_cart_is_asked_for_numbers_lines_and_its_time():
    lines = [
        {"product_id": "a", "quantity": 2, "price": 10.1, "category": "Shoes", "at": NOW},
        {"product_id": "b", "quantity": 1, "at": NOW},
    ]
    profile = Profile(1, facts=Facts(cart=lines, cart_changed_at=NOW))
    for test, expected in [
        ({"items": {"gt": 0}}, True),
        ({"items": {"is": 3}}, True),
        ({"lines": {"is": 2}}, True),
        ({"value": {"between": [20.2, 20.2]}}, True),
        ({"value": {"gt": 20.2}}, False),
        ({"line": {"property": "category", "is": "Shoes"}}, True),
        ({"line": {"property": "category", "is": "Hats"}}, False),
    ]:
        assert check({"cart": test}, profile) == (expected, FOREVER)
    raw = {"cart": {"items": {"gt": 0}, "changed_at": {"before": {"ago": "2h"}}}}
    assert check(raw, profile) == (False, NOW + 7_200_001)
    assert check(raw, Profile(1)) == (False, FOREVER)
    assert check({"cart": {"changed_at": {"before": {"ago": "2h"}}}}) == (False, FOREVER)
    assert condition(raw).listens() == Listens(attributes=frozenset({"timezone"}), facts=frozenset({"cart"}))
    assert condition({"cart": {"line": {"property": "x", "is": 1}}}).listens() == Listens(facts=frozenset({"cart"}))


def test_recent_things_are_counted_until_they_are_too_old():
    items = [
        {"product_id": "b", "category": "Shoes", "at": NOW - DAY},
        {"product_id": "a", "category": "Hats", "at": NOW - 2 * DAY},
    ]
    profile = Profile(1, facts=Facts(recent={"viewed": items}))
    assert check({"recent": "viewed"}, profile) == (True, FOREVER)
    assert check({"recent": "viewed", "count": {"gte": 3}}, profile) == (False, FOREVER)
    assert check({"recent": "bought"}, profile) == (False, FOREVER)
    raw = {
        "recent": "viewed",
        "within": "7d",
        "where": {"property": "category", "in": ["Shoes", "Hats"]},
        "count": {"gte": 2},
    }
    assert check(raw, profile) == (True, NOW + 5 * DAY)
    assert check({**raw, "where": {"property": "category", "is": "Hats"}}, profile) == (False, FOREVER)
    assert condition(raw).listens() == Listens(facts=frozenset({"recent.viewed"}))
    assert condition({"recent": "viewed"}).listens() == Listens(facts=frozenset({"recent.viewed"}))


def test_built_in_numbers_and_times():
    profile = Profile(
        1, score=50, facts=Facts(orders=3, revenue=99.5, sessions=2, last_order_at=NOW, first_seen=NOW, last_seen=NOW)
    )
    for raw, expected in [
        ({"orders": {"gte": 3}}, True),
        ({"revenue": {"gt": 99.5}}, False),
        ({"sessions": {"is": 2}}, True),
        ({"score": {"gte": 50, "lt": 60}}, True),
        ({"first_seen": {"after": "2026-11-01"}}, True),
        ({"last_seen": {"before": "2026-11-01"}}, False),
    ]:
        assert check(raw, profile) == (expected, FOREVER)
        (name,) = raw
        assert name in condition(raw).listens().facts
    raw = {"last_order_at": {"before": {"ago": "90d"}}}
    assert check(raw, profile) == (False, NOW + 90 * DAY + 1)
    assert check(raw) == (False, FOREVER)


def test_known_and_tags():
    profile = Profile(1, known=True, tags=["vip"])
    assert check({"known": True}, profile).value
    assert not check({"known": False}, profile).value
    assert check({"tag": "vip"}, profile).value
    assert not check({"tag": "other"}, profile).value
    assert condition({"known": True}).listens() == Listens(facts=frozenset({"known"}))


def test_a_sample_is_stable_and_about_as_large_as_asked():
    found = [check({"sample": "10%", "salt": "x"}, Profile(id)).value for id in range(3000)]
    assert found == [check({"sample": "10%", "salt": "x"}, Profile(id)).value for id in range(3000)]
    assert 200 < sum(found) < 400
    assert found != [check({"sample": "10%", "salt": "y"}, Profile(id)).value for id in range(3000)]
    assert all(check({"sample": "100%"}, Profile(id)).value for id in range(100))
    assert not any(check({"sample": "0 %"}, Profile(id)).value for id in range(100))
    assert condition({"sample": "0.5%"}).listens() == Listens()
    assert 0 <= bucket("\ud800", 1) < 1_000_000


def test_a_run_is_asked_for_its_age_and_rounds_inside_a_journey_only():
    run = Run("r", "j", 1, "ask", NOW, NOW, rounds={"ask": 3, "mail": 12})
    raw = {"run_age": {"lt": "180d"}}
    assert check(raw, run=run) == (True, NOW + 180 * DAY)
    assert check(raw, now=NOW + 180 * DAY, run=run) == (False, FOREVER)
    assert check({"run_age": {"gt": "1d"}}, run=run) == (False, NOW + DAY + 1)
    assert check({"run_age": {"between": ["1d", "2d"]}}, now=NOW + DAY, run=run) == (True, NOW + 2 * DAY + 1)
    assert check({"rounds": {"lt": 12}}, run=run).value
    assert not check({"rounds": {"lt": 12}, "node": "mail"}, run=run).value
    view = View(Profile(1), NOW)
    assert condition(raw, "journey").check(view) == (False, FOREVER)
    assert condition({"rounds": {"lt": 12}}, "journey").check(view) == (False, FOREVER)
    assert condition({"event": "A", "since": "entry"}, "journey").check(view) == (False, FOREVER)
    assert condition({"event": "A", "since": "entry", "sum": "x", "gt": -1}, "journey").check(view) == (True, FOREVER)


def test_contact_conditions_see_addresses_consent_and_topics():
    profile = Profile(
        1,
        {"email": "ann@example.com"},
        consent={"email": ["subscribed", 1], "sms": ["unsubscribed", 1]},
        topics={"offers": ["unsubscribed", 1], "news": ["opted_in", 1]},
    )
    for raw, expected in [
        ({"reachable": "email"}, True),
        ({"reachable": "email", "for": "marketing", "topic": "offers"}, False),
        ({"reachable": "sms", "for": "address"}, False),
        ({"reachable": "web_push", "for": "transactional"}, False),
        ({"consent": "email"}, True),
        ({"consent": "sms"}, False),
        ({"consent": "sms", "state": "unsubscribed"}, True),
        ({"consent": "tracking", "state": "never_asked"}, True),
        ({"topic": "news"}, True),
        ({"topic": "offers"}, False),
        ({"topic": "other", "state": "never_asked"}, True),
    ]:
        assert check(raw, profile) == (expected, FOREVER), raw
    assert condition({"reachable": "email"}).listens() == Listens(
        attributes=frozenset({"email"}), facts=frozenset({"suppressed", "consent"})
    )
    assert condition({"reachable": "web_push", "topic": "x"}).listens().facts == {
        "devices",
        "suppressed",
        "consent",
        "topics",
    }
    assert condition({"reachable": "in_app", "for": "address"}).listens() == Listens()
    assert condition({"topic": "x"}).listens().facts == {"topics"}
    assert condition({"consent": "sms"}).listens().facts == {"consent"}


def test_messages_are_found_by_what_became_of_them():
    profile = Profile(
        1,
        messages=[
            ["r1.1", "cart", "mail", "email", "cart-mail", NOW - DAY, "accepted", "delivered", "clicked"],
            ["r1.2", "cart", "text", "sms", "cart-sms", NOW, "refused"],
            ["r2.1", "win", "mail", "email", "win-mail", NOW - 3 * DAY],
        ],
    )
    for test, expected in [
        ({"journey": "cart", "state": "opened"}, (True, FOREVER)),
        ({"template": "cart-mail", "state": "delivered", "within": "14d"}, (True, NOW + 13 * DAY)),
        ({"template": "cart-mail", "within": "1d"}, (False, FOREVER)),
        ({"node": "text", "state": "sent"}, (False, FOREVER)),
        ({"channel": "sms", "state": "failed"}, (True, FOREVER)),
        ({"journey": "win"}, (True, FOREVER)),
        ({"journey": "win", "state": "sent"}, (False, FOREVER)),
        ({"journey": "other"}, (False, FOREVER)),
    ]:
        assert check({"message": test}, profile) == expected, test
    meant = frozenset({("x", "", "", "")})
    assert condition({"message": {"journey": "x"}}).listens() == Listens(facts=frozenset({"messages"}), messages=meant)
