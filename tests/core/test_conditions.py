"""The forms of conditions.md: what they mean, when they change, what they listen to."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.syntax import dump, parse
from wend.core.profile import Profile, Run

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


@pytest.mark.parametrize(
    ("test", "fits", "fails"),
    [
        ({"is": "Berlin"}, ["Berlin"], ["berlin", "Paris", 7, True, None, [], {}]),
        ({"is": "Berlin", "ignore_case": True}, ["Berlin", "BERLIN"], ["Paris", 7, None]),
        ({"is": 1}, [1, 1.0], [True, "1", 2, None]),
        ({"is": True}, [True], [1, "true", False, None]),
        ({"is_not": "Berlin"}, ["Paris", ""], ["Berlin", 7, True, None, []]),
        ({"is_not": 1}, [2, 1.5], [1, 1.0, True, "x", None]),
        ({"in": ["a", 1]}, ["a", 1, 1.0], ["A", "1", True, None, ["a"], {}]),
        ({"in": ["a"], "ignore_case": True}, ["A"], ["b"]),
        ({"not_in": ["a", 1]}, ["b", 2], ["a", 1, True, None, []]),
        ({"gt": 5}, [6, 5.5], [5, True, "6", None, []]),
        ({"gte": 5}, [5], [4]),
        ({"lt": 5}, [4, -1], [5, False, "4", None]),
        ({"lte": 5}, [5], [6]),
        ({"between": [1, 5]}, [1, 3, 5], [0, 6, "3", None]),
        ({"gt": "b"}, ["c", "ba"], ["b", "B", 7, None]),
        ({"between": ["b", "d"]}, ["b", "c"], ["a", "e", 1]),
        ({"lt": "b", "ignore_case": True}, ["A"], ["C"]),
        ({"gte": 18, "lt": 65}, [18, 64], [17, 65, None]),
        ({"contains": "lin"}, ["Berlin", ["lin", 1]], ["Paris", ["Berlin"], 7, None, {"lin": 1}]),
        ({"contains": "LIN", "ignore_case": True}, ["Berlin", ["lin"]], ["Paris"]),
        ({"contains": 1}, [[1], [1.0]], ["1", [True], ["1"]]),
        ({"starts_with": "Ber"}, ["Berlin"], ["berlin", "Paris", 7, None]),
        ({"ends_with": "LIN", "ignore_case": True}, ["Berlin"], ["Linz", 7]),
        ({"matches": "^B.r"}, ["Berlin", "Bär"], ["Paris", 7, None]),
        ({"matches": "LIN$", "ignore_case": True}, ["Berlin"], ["Linz"]),
        ({"matches": "x"}, ["a" * 149 + "x"], ["a" * 150 + "x"]),
        ({"exists": True}, ["", 0, False, []], [None]),
        ({"exists": False}, [None], [0]),
        ({"missing": True}, [None], ["", 0]),
        ({"missing": False}, [0], [None]),
    ],
)
def test_a_comparison_is_typed_and_false_for_missing_and_mixed_values(
    test: dict[str, Any], fits: list[Any], fails: list[Any]
):
    raw = {"attribute": "x", **test}
    for value in fits:
        assert holds(raw, x=value), value
        assert not holds({"not": raw}, x=value)
    for value in fails:
        assert not holds(raw, x=value), value
        assert holds({"not": raw}, x=value)


@pytest.mark.parametrize(
    ("test", "fits", "fails"),
    [
        (
            {"gt": "2026-11-22"},
            ["2026-11-23", "2026-11-23T00:00:00+01:00"],
            ["2026-11-22", "2026-11-22T23:59:59+01:00", "soon"],
        ),
        ({"lte": "2026-11-22"}, ["2026-11-22", "2026-11-22T22:59:59Z"], ["2026-11-22T23:00:00Z", 7, None]),
        (
            {"between": ["2026-11-01", "2026-11-30"]},
            ["2026-11-01", "2026-11-30T22:59:00Z"],
            ["2026-11-30T23:00:00Z", "2026-10-31"],
        ),
        ({"gte": "2026-11-22T12:00:00Z"}, ["2026-11-22T13:00:00+01:00"], ["2026-11-22T12:59:59+01:00", "2026-11-22"]),
        ({"before": "2026-11-22"}, ["2026-11-21", "2026-11-21T22:59:59Z"], ["2026-11-22", "2026-11-21T23:00:00Z"]),
        (
            {"after": "2026-11-22"},
            ["2026-11-23", "2026-11-22T23:00:00Z"],
            ["2026-11-22", "2026-11-22T22:59:59Z", "x", None],
        ),
        ({"after": "2026-11-22T12:00:00Z"}, ["2026-11-22T12:00:00.001Z", 1_795_348_801], ["2026-11-22T12:00:00Z"]),
    ],
)
def test_dates_are_compared_as_dates_in_the_persons_zone(test: dict[str, Any], fits: list[Any], fails: list[Any]):
    raw = {"attribute": "x", **test}
    for value in fits:
        assert holds(raw, x=value), value
    for value in fails:
        assert not holds(raw, x=value), value
    assert "timezone" in condition(raw).listens().attributes


@pytest.mark.parametrize(
    ("test", "value", "begins", "ends"),
    [
        (
            {"within": {"next": "7d"}},
            "2026-12-24T18:00:00+01:00",
            "2026-12-17T18:00:00+01:00",
            "2026-12-24T18:00:00.001+01:00",
        ),
        ({"within": {"next": "7d"}}, "2026-12-24", "2026-12-17T00:00:00+01:00", "2026-12-25T00:00:00+01:00"),
        (
            {"within": {"last": "7d"}},
            "2026-12-24T18:00:00+01:00",
            "2026-12-24T18:00:00+01:00",
            "2026-12-31T18:00:00.001+01:00",
        ),
        ({"before": {"ago": "30d"}}, "2026-11-30T00:00:00+01:00", "2026-12-30T00:00:00.001+01:00", None),
        ({"after": {"ago": "30d"}}, "2026-11-30", None, "2026-12-30T00:00:00+01:00"),
        ({"before": {"in": "1d"}}, "2026-12-24", "2026-12-24T00:00:00+01:00", None),
        ({"after": {"in": "1d"}}, "2026-12-24", None, "2026-12-23T00:00:00+01:00"),
        ({"anniversary": "today"}, "1990-12-24", "2026-12-24T00:00:00+01:00", "2026-12-25T00:00:00+01:00"),
        ({"anniversary": {"in": "7d"}}, "1990-12-31", "2026-12-24T00:00:00+01:00", "2026-12-25T00:00:00+01:00"),
        ({"anniversary": "today"}, "2024-02-29", "2027-02-28T00:00:00+01:00", "2027-03-01T00:00:00+01:00"),
    ],
)
def test_relative_dates_begin_and_end_to_the_millisecond(
    test: dict[str, Any], value: str, begins: str | None, ends: str | None
):
    profile = Profile(1, {"x": value})
    raw = {"attribute": "x", **test}
    begin = ms(begins) if begins else -1
    end = ms(ends) if ends else FOREVER
    if begins:
        assert check(raw, profile, begin - 1) == (False, begin)
        assert check(raw, profile, min(begin, NOW) - 5 * DAY)[1] <= begin
        assert check(raw, profile, begin) == (True, end)
    else:
        assert check(raw, profile, NOW) == (True, end)
    if ends:
        assert check(raw, profile, end - 1) == (True, end)
        after = check(raw, profile, end)
        assert not after.value
        assert after.may_change_at == FOREVER or "anniversary" in test
    assert check(raw, Profile(1, {"x": "no date"})) == (False, FOREVER)
    assert check(raw, Profile(1)) == (False, FOREVER)


def test_several_comparisons_of_one_value_must_all_hold_and_the_earliest_change_counts():
    raw = {"attribute": "x", "after": {"ago": "2d"}, "before": {"in": "3d"}, "exists": True}
    value = "2026-11-22T00:00:00Z"
    assert check(raw, Profile(1, {"x": value})) == (True, ms(value) + 2 * DAY)
    assert check(raw, Profile(1, {"x": "2026-11-30T00:00:00Z"}))[0] is False


def test_a_path_reaches_into_objects_and_listens_to_its_root():
    raw = {"attribute": "address.city", "is": "Berlin"}
    assert holds(raw, address={"city": "Berlin"})
    assert condition(raw).listens() == Listens(attributes=frozenset({"address", "address.city"}))


def test_all_any_not_follow_the_instants_of_their_parts():
    late = {"attribute": "a", "before": {"ago": "0s"}}
    profile = Profile(1, {"a": "2026-11-23T00:00:00Z", "b": "2026-11-24T00:00:00Z", "c": 1})
    other = {"attribute": "b", "before": {"ago": "0s"}}
    true = {"attribute": "c", "is": 1}
    first, second = ms("2026-11-23T00:00:00.001+00:00"), ms("2026-11-24T00:00:00.001+00:00")
    assert check({"all": [late, other]}, profile) == (False, second)
    assert check({"all": [other, late]}, profile) == (False, second)
    assert check({"all": [late, true]}, profile) == (False, first)
    assert check({"all": [late, {"not": true}]}, profile) == (False, FOREVER)
    assert check({"any": [late, other]}, profile) == (False, first)
    assert check({"any": [late, true]}, profile) == (True, FOREVER)
    assert check({"not": late}, profile) == (True, first)
    nots = {"any": [{"not": late}, {"not": other}]}
    assert check(nots, profile) == (True, second)


def test_groups_listen_to_and_remember_what_their_parts_do():
    found = condition({"all": [{"event": "A"}, {"any": [{"tag": "x"}, {"not": {"event": ["B", "C"]}}]}]})
    assert found.listens() == Listens(events=frozenset("ABC"), facts=frozenset({"tags"}))
    assert len(list(found.leaves())) == 2


def test_the_event_at_hand_is_read_by_property_and_context():
    properties, context = {"price": 30, "product": {"sku": "x"}}, {"page": {"path": "/cart"}}
    at_hand: dict[str, Any] = {"properties": properties, "context": context}
    assert check({"property": "price", "gt": 20}, **at_hand).value
    assert check({"property": "product.sku", "is": "x"}, **at_hand).value
    assert check({"property": "context.page.path", "is": "/cart"}, **at_hand).value
    assert check({"context": "page.path", "is": "/cart"}, **at_hand).value
    assert not check({"property": "price", "gt": 20}).value
    assert condition({"property": "due", "before": "2026-01-01"}, "event").listens() == Listens(
        attributes=frozenset({"timezone"})
    )
    assert condition({"context": "x", "is": 1}, "event").listens() == Listens()


def test_a_comparison_with_a_plain_number_listens_to_the_events_of_the_other_side():
    raw = {"compare": [{"event": "A"}, "gte", 1]}
    found = condition(raw)
    (leaf,) = found.leaves()
    assert found.listens() == Listens(events=frozenset({"A"}))
    assert check(raw) == (False, FOREVER)
    assert check(raw, Profile(1, windows={leaf.id: [[NOW, 1]]})) == (True, FOREVER)


def test_first_and_last_ask_for_the_time_of_an_event():
    raw = {"event": "Order Completed", "last": {"before": {"ago": "90d"}, "after": {"ago": "200d"}}}
    found = condition(raw)
    (leaf,) = found.leaves()
    assert check(raw) == (False, FOREVER)
    profile = Profile(1, windows={leaf.id: [NOW]})
    assert check(raw, profile) == (False, NOW + 90 * DAY + 1)
    assert check(raw, profile, NOW + 91 * DAY) == (True, NOW + 200 * DAY)
    assert found.listens() == Listens(frozenset({"Order Completed"}), frozenset({"timezone"}))


FORMS: list[dict[str, Any]] = [
    {"all": [{"tag": "a"}, {"any": [{"tag": "b"}, {"not": {"known": True}}]}]},
    {"attribute": "city", "is": "Berlin", "ignore_case": True},
    {"event": ["A", "B"], "count": {"gte": 3}, "within": "30d", "where": {"property": "total", "gt": 50}},
    {"event": "A", "since": "2026-01-01", "until": "2026-02-01"},
    {"event": "A", "from": "30d", "to": "15d", "sum": "total", "gt": 5},
    {"event": "A", "per": "product_id", "count": {"gt": 3}},
    {"event": "A", "first": {"within": {"last": "30d"}}},
    {"compare": [{"event": "A", "within": "15d"}, "lt", {"event": "A", "from": "30d", "to": "15d", "times": 0.5}]},
    {"inactive": "30d"},
    {"cart": {"items": {"gt": 0}, "line": {"property": "category", "is": "x"}}},
    {"recent": "viewed", "within": "7d"},
    {"orders": {"gte": 3}},
    {"last_order_at": {"before": {"ago": "90d"}}},
    {"run_age": {"lt": "180d"}},
    {"rounds": {"lt": 12}, "node": "x"},
    {"reachable": "email", "for": "transactional"},
    {"consent": "sms", "state": "never_asked"},
    {"topic": "offers"},
    {"sample": "10%", "salt": "x"},
    {"message": {"template": "x", "state": "opened", "within": "14d"}},
    {"property": "x", "in": [1, "a", True]},
    {"context": "page.path", "starts_with": "/"},
    {"near": {"lat": 52.52, "lon": 13.405, "within": "500m"}},
    {"inside": "shop-berlin"},
    {"group": {"all": [{"attribute": "plan", "is": "enterprise"}]}, "id": "acme"},
    {"event": "A", "within": "30d", "then": {"event": "B", "within": "2h", "then_not": {"event": "C"}}},
]


@pytest.mark.parametrize("raw", FORMS, ids=lambda raw: next(iter(raw)))
def test_dump_gives_the_document_back_and_parses_to_an_equal_condition(raw: dict[str, Any]):
    found = condition(raw, "event", "journey")
    assert dump(found) == raw
    again = condition(dump(found), "event", "journey")
    assert again == found
    assert hash(again) == hash(found)
    assert [leaf.id for leaf in again.leaves()] == [leaf.id for leaf in found.leaves()]
    assert found != condition({"tag": "something else"})
    assert found != raw
    found.dump().clear()
    assert found.dump() == raw


conditions = st.recursive(
    st.sampled_from(FORMS),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(conditions)
def test_parse_and_dump_are_inverse_for_all_conditions(raw: dict[str, Any]):
    found = condition(raw, "event", "journey")
    assert found.dump() == raw
    assert condition(found.dump(), "event", "journey") == found
    verdict = found.check(View(Profile(1), NOW, run=Run("r", "j", 1, "n", NOW, NOW)))
    assert verdict.may_change_at > NOW


def test_true_and_1_are_two_conditions():
    assert condition({"attribute": "x", "is": True}) != condition({"attribute": "x", "is": 1})
