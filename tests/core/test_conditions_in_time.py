"""Every form in time: its truth never changes before the instant that `check` names (engine.md 16), whatever is known."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.aggregate import combine, remember
from wend.core.condition.base import FOREVER, Condition, View
from wend.core.condition.member import key_of
from wend.core.condition.syntax import FORMS, LATER, parse
from wend.core.facts import apply_event
from wend.core.inputs import Event
from wend.core.problems import Problem
from wend.core.profile import Profile, Run

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_795_000_000_000
READS = frozenset({"recent.viewed", "recent.searched", "recent.bought"})
RELATIVE: list[dict[str, Any]] = [
    {"within": {"next": "7d"}},
    {"within": {"last": "7d"}},
    {"before": {"ago": "2d"}},
    {"before": {"in": "2d"}},
    {"after": {"ago": "2d"}},
    {"after": {"in": "2d"}},
]
EVENTS = st.sampled_from(["Product Viewed", "Order Completed", "Product Added"])
WINDOWS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"within": "1d"}, {"within": "6h"}, {"from": "3d", "to": "1d"}, {"since": "entry"}, {"since": "2026-11-20"}]
)
COUNTS = st.sampled_from([{"gte": 1}, {"gte": 2}, {"lt": 2}, {"is": 1}, {"between": [1, 2]}])


def put(*parts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


LEAVES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "attribute": st.one_of(
        st.builds(lambda test: put({"attribute": "when"}, test), st.sampled_from(RELATIVE)),
        st.sampled_from(
            [{"attribute": "when", "anniversary": "today"}, {"attribute": "when", "anniversary": {"in": "3d"}}]
        ),
        st.just({"attribute": "plan", "is": "pro"}),
    ),
    "event": st.one_of(
        st.builds(lambda name, window, count: put({"event": name, "count": count}, window), EVENTS, WINDOWS, COUNTS),
        st.builds(lambda name, window: put({"event": name, "sum": "price", "gt": 10}, window), EVENTS, WINDOWS),
        st.builds(
            lambda name, window: put({"event": name, "distinct": "product_id", "gte": 2}, window), EVENTS, WINDOWS
        ),
        st.builds(
            lambda name, window: put({"event": name, "per": "product_id", "count": {"gte": 2}}, window), EVENTS, WINDOWS
        ),
        st.builds(lambda name, test: {"event": name, "last": test}, EVENTS, st.sampled_from(RELATIVE)),
        st.builds(
            lambda one, window, way, two, within: put({"event": one}, window, {way: put({"event": two}, within)}),
            EVENTS,
            WINDOWS,
            st.sampled_from(["then", "then_not"]),
            EVENTS,
            st.sampled_from([{}, {"within": "2h"}, {"within": "5h"}]),
        ),
    ),
    "compare": st.builds(
        lambda name, one, two: {"compare": [put({"event": name}, one), "lt", put({"event": name, "times": 0.5}, two)]},
        EVENTS,
        WINDOWS,
        WINDOWS,
    ),
    "inactive": st.sampled_from([{"inactive": "1d"}, {"inactive": "5h"}]),
    "cart": st.sampled_from([{"cart": {"items": {"gt": 0}}}, {"cart": {"changed_at": {"before": {"ago": "2h"}}}}]),
    "recent": st.builds(lambda count: {"recent": "viewed", "within": "1d", "count": count}, COUNTS),
    "known": st.just({"known": True}),
    "tag": st.just({"tag": "vip"}),
    "orders": st.just({"orders": {"gte": 1}}),
    "revenue": st.just({"revenue": {"gt": 10}}),
    "sessions": st.just({"sessions": {"gt": 1}}),
    "score": st.just({"score": {"gte": 5}}),
    "first_seen": st.builds(lambda test: {"first_seen": test}, st.sampled_from(RELATIVE)),
    "last_seen": st.builds(lambda test: {"last_seen": test}, st.sampled_from(RELATIVE)),
    "last_order_at": st.builds(lambda test: {"last_order_at": test}, st.sampled_from(RELATIVE)),
    "run_age": st.sampled_from([{"run_age": {"lt": "1d"}}, {"run_age": {"between": ["2h", "3d"]}}]),
    "rounds": st.just({"rounds": {"lt": 2}}),
    "reachable": st.just({"reachable": "email"}),
    "consent": st.just({"consent": "email"}),
    "topic": st.just({"topic": "offers"}),
    "sample": st.just({"sample": "50%"}),
    "message": st.sampled_from([{"message": {"template": "hello", "state": "opened", "within": "1d"}}]),
    "segment": st.just({"segment": "vip"}),
    "near": st.just({"near": {"lat": 52.5, "lon": 13.4, "within": "1km"}}),
    "inside": st.just({"inside": "shop"}),
    "group": st.builds(lambda test: {"group": put({"attribute": "renews"}, test)}, st.sampled_from(RELATIVE)),
}
OTHERS = ("all", "any", "not", "property", "context", "stage", "rfm", "abc", "linked")
"""Groups stand around the others; of an event at hand and of classes time says nothing."""

conditions = st.recursive(
    st.one_of(*LEAVES.values()),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)
offsets = st.integers(-4 * 24 * 12, 0).map(lambda steps: NOW + steps * 5 * MINUTE)
dates = st.sampled_from(
    ["2026-11-20", "2026-11-23", "2026-11-19T10:00:00+01:00", "2026-11-21T08:00:00Z", "1990-11-21", "2024-02-29"]
)


@st.composite
def people(draw: st.DrawFn, condition: Condition) -> tuple[Profile, Run]:
    attributes: dict[str, Any] = {
        "when": draw(dates),
        "plan": draw(st.sampled_from(["pro", "free"])),
        "email": "a@example.com",
    }
    attributes["groups"] = {name: {"renews": draw(dates)} for name in draw(st.sets(st.sampled_from(["acme", "beta"])))}
    attributes["timezone"] = draw(st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "no zone"]))
    messages = [["e", "j", "n", "email", "hello", draw(offsets), "accepted", "opened"]]
    profile = Profile(
        draw(st.integers(1, 50)),
        attributes,
        consent={"email": ["subscribed", NOW]},
        tags=draw(st.sampled_from([[], ["vip"]])),
        score=draw(st.sampled_from([0.0, 9.0])),
        segments=draw(st.sampled_from([{}, {key_of("vip"): 1}])),
        messages=messages if draw(st.booleans()) else [],
        location=[52.5, 13.4, NOW] if draw(st.booleans()) else [],
        fences=draw(st.sampled_from([{}, {"shop": 1}])),
    )
    leaves = combine(condition.leaves()).values()
    for name, at, product in draw(st.lists(st.tuples(EVENTS, offsets, st.sampled_from("xyz")), max_size=8)):
        properties = {"product_id": product, "price": 7, "total": 7}
        apply_event(profile, Event(name, at, properties), READS)
        for leaf in leaves:
            if name in leaf.events:
                remember(profile.windows, leaf, at, View(profile, NOW, properties=properties, context={}))
    started = draw(offsets)
    return profile, Run("r", "j", 1, "n", started, started)


def parsed(raw: dict[str, Any]) -> Condition:
    errors: list[Problem] = []
    found = parse(raw, "c", errors, inside=frozenset({"journey"}))
    assert found is not None, [str(error) for error in errors]
    return found


@settings(deadline=None, max_examples=400)
@given(st.data(), conditions)
def test_no_condition_changes_before_the_instant_it_names(data: st.DataObject, raw: dict[str, Any]):
    condition = parsed(raw)
    profile, run = data.draw(people(condition))
    value, change = condition.check(View(profile, NOW, "Europe/Berlin", run))
    assert change > NOW
    assert condition.dump() == raw and parsed(condition.dump()) == condition
    # Not later than named: at every instant before, also the last one, it is as it was.
    horizon = min(change, NOW + 500 * DAY)
    instants = {horizon - 1, *(NOW + (horizon - 1 - NOW) * part // 40 for part in range(41))}
    instants |= {NOW + hours * HOUR for hours in range(200) if NOW + hours * HOUR < horizon}
    for instant in sorted(instants):
        later = condition.check(View(profile, instant, "Europe/Berlin", run))
        assert later.value is value, instant
        assert later.may_change_at > instant
    # Nor named in vain for ever: the instants that follow each other lead to the end.
    at, steps = NOW, 0
    while change < FOREVER and at < NOW + 400 * DAY:
        at, steps = change, steps + 1
        change = condition.check(View(profile, at, "Europe/Berlin", run)).may_change_at
        assert change > at
        assert steps < 200


@pytest.mark.parametrize("name", sorted(set(FORMS) - set(OTHERS)))
def test_every_form_is_among_those_that_are_tried(name: str):
    assert name in LEAVES, f"add '{name}' to LEAVES (or to OTHERS, when time says nothing about it)"
    assert name not in LATER
