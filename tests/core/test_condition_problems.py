"""What is wrong with a condition is said all at once, with its place and the nearest valid name."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.condition.pattern import compile_pattern
from wend.core.condition.syntax import FORMS, LATER, MAX_DEPTH, parse
from wend.core.problems import Problem


def faults(raw: Any, *inside: str) -> list[str]:
    errors: list[Problem] = []
    assert parse(raw, "c", errors, inside=frozenset(inside)) is None
    assert errors
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("raw", "beginning"),
    [
        (None, "c: expected a condition such as"),
        ({}, "c: expected a condition such as"),
        ("vip", "c: expected a condition such as"),
        ([{"tag": "x"}], "c: expected a condition such as {attribute: city, is: Berlin}, found [{'tag': 'x'}]; several are joined by"),
        ({"evnt": "A"}, "c: 'evnt' is no form of condition; did you mean 'event'?"),
        ({7: "A"}, "c: 7 is no form of condition"),
        ({"all": []}, "c.all: expected a list of 1 to 200 conditions"),
        ({"any": {"tag": "x"}}, "c.any: expected a list"),
        ({"any": [{"tag": "x"}, {"tga": "x"}]}, "c.any.1: 'tga' is no form of condition; did you mean 'tag'?"),
        ({"not": {"tag": ""}}, "c.not.tag: expected a tag, found ''"),
        ({"tag": "x", "event": "A"}, "c.tag: a condition on 'event' has no setting 'tag'"),
        ({"tag": "x", "salt": "A"}, "c.salt: a condition on 'tag' has no setting 'salt' (it has tag; several conditions are joined by 'all')"),
        ({"attribute": "x"}, "c: nothing is compared: give one of is, is_not"),
        ({"attribute": "", "is": 1}, "c.attribute: expected the name or path"),
        ({"attribute": "x", "iss": 1}, "c.iss: a condition on 'attribute' has no setting 'iss'; did you mean 'is'?"),
        ({"attribute": "x", "is": None}, "c.is: expected a value, found nothing; to ask for absence write 'missing: true'"),
        ({"attribute": "x", "is": ["a"]}, "c.is: expected a text, a number, true or false"),
        ({"attribute": "x", "is": "a" * 1001}, "c.is: a text of 1001 characters; 1000 are allowed"),
        ({"attribute": "x", "in": []}, "c.in: expected a list of 1 to 1000 values"),
        ({"attribute": "x", "not_in": "ab"}, "c.not_in: expected a list"),
        ({"attribute": "x", "in": ["a", None]}, "c.in: expected a value, found nothing"),
        ({"attribute": "x", "gt": True}, "c.gt: expected a number, a date or a text, found True"),
        ({"attribute": "x", "between": [1]}, "c.between: expected [from, to]"),
        ({"attribute": "x", "between": 1}, "c.between: expected [from, to]"),
        ({"attribute": "x", "between": [1, "a"]}, "c.between: expected a number, a date or a text"),
        ({"attribute": "x", "contains": None}, "c.contains: expected a value"),
        ({"attribute": "x", "starts_with": 7}, "c.starts_with: expected a text"),
        ({"attribute": "x", "matches": "("}, "c.matches: not a regular expression"),
        ({"attribute": "x", "exists": "yes"}, "c.exists: expected true or false"),
        ({"attribute": "x", "is": "a", "ignore_case": 1}, "c.ignore_case: expected true or false"),
        ({"attribute": "x", "anniversary": "tomorrow"}, "c.anniversary: expected 'today' or {in: 7d}"),
        ({"attribute": "x", "anniversary": {"in": 7}}, "c.anniversary.in: 7 is not a duration"),
        ({"attribute": "x", "anniversary": {"in": "2h"}}, "c.anniversary.in: expected whole days"),
        ({"attribute": "x", "within": "7d"}, "c.within: expected {next: 7d} or {last: 7d}, found '7d'"),
        ({"attribute": "x", "within": {"ago": "7d"}}, "c.within: expected {next: 7d} or {last: 7d}"),
        ({"attribute": "x", "before": "soon"}, "c.before: expected {ago: 7d} or {in: 7d} or a date, found 'soon'"),
        ({"attribute": "x", "after": {"ago": 7}}, "c.after.ago: 7 is not a duration"),
        ({"property": "x", "is": 1}, "c.property: 'property' reads an event"),
        ({"context": "x", "is": 1}, "c.context: 'context' reads an event"),
        ({"event": ""}, "c.event: expected the name of an event or a list of names"),
        ({"event": []}, "c.event: expected the name"),
        ({"event": ["A", 1]}, "c.event: expected the name"),
        ({"event": "A", "within": 30}, "c.within: 30 is not a duration"),
        ({"event": "A", "within": "0s"}, "c.within: must be longer than nothing"),
        ({"event": "A", "from": "30d"}, "c.from: give both"),
        ({"event": "A", "from": "3d", "to": "15d"}, "c.from: must be longer ago than 'to'"),
        ({"event": "A", "from": "30d", "to": "15d", "within": "1d"}, "c.within: give either 'within', or 'from' and 'to'"),
        ({"event": "A", "since": "entry"}, "c.since: 'entry' means the start of a run"),
        ({"event": "A", "since": "long ago"}, "c.since: expected a date or 'entry'"),
        ({"event": "A", "until": "entry"}, "c.until: expected a date, found"),
        ({"event": "A", "count": 3}, "c.count: expected a comparison such as {gte: 3}, found 3"),
        ({"event": "A", "count": {"gte": 101}}, "c.count.gte: expected a whole number from 0 to 100"),
        ({"event": "A", "count": {"between": [3]}}, "c.count.between: expected [from, to]"),
        ({"event": "A", "count": {"between": [3, 1]}}, "c.count.between: expected [from, to] with from ≤ to"),
        ({"event": "A", "count": {"between": [1, "x"]}}, "c.count.between: expected a whole number"),
        ({"event": "A", "count": {"gtee": 1}}, "c.count.gtee: 'gtee' is no comparison"),
        ({"event": "A", "gte": 3}, "c.gte: what is compared? Write count: {gte: …}"),
        ({"event": "A", "sum": "total"}, "c: expected a comparison such as {gte: 3}"),
        ({"event": "A", "sum": "total", "gt": "5"}, "c.gt: expected a number"),
        ({"event": "A", "sum": "total", "avg": "total", "gt": 5}, "c.avg: only one thing can be measured at once"),
        ({"event": "A", "sum": 7, "gt": 5}, "c.sum: expected the name or path of a property"),
        ({"event": "A", "sum": "x", "gt": 5, "count": {"gte": 1}}, "c.count: cannot be combined"),
        ({"event": "A", "per": "x", "count": {"lt": 3}}, "c.per: the count must ask for at least one"),
        ({"event": "A", "first": {"before": "2026-01-01"}, "within": "3d"}, "c.within: cannot be combined with 'first'"),
        ({"event": "A", "last": {}}, "c.last: expected a comparison of its time"),
        ({"event": "A", "last": {"befor": "2026-01-01"}}, "c.last.befor: 'befor' does not compare times"),
        ({"event": "A", "within": "6y"}, "c.within: '6y' is longer than the 5 years (5y) that are looked back at most"),
        ({"event": "A", "from": "6y", "to": "1d"}, "c.from: '6y' is longer than the 5 years"),
        ({"inactive": "61mo"}, "c.inactive: '61mo' is longer than the 5 years"),
        ({"event": "A", "where": {"tag": "x"}}, "c.where: 'tag' is not about the thing at hand"),
        ({"event": "A", "where": {"property": "x", "before": {"ago": "3d"}}}, "c.where.before: the events counted are judged when"),
        ({"event": "A", "where": {"property": "x", "anniversary": "today"}}, "c.where.anniversary: the events counted are judged"),
        ({"event": "A", "where": None}, "c.where: expected a condition"),
        ({"compare": [1, "lt"]}, "c.compare: expected [one measure, is | is_not"),
        ({"compare": "x"}, "c.compare: expected"),
        ({"compare": [1, "lt", 2]}, "c.compare: two numbers are compared"),
        ({"compare": [{"event": "A"}, "lte_", 2]}, "c.compare.1: 'lte_' is no relation; did you mean 'lte'?"),
        ({"compare": [{"tag": "A"}, "lt", 2]}, "c.compare.0: expected a measure"),
        ({"compare": [1, "lt", {"event": "A", "times": "2"}]}, "c.compare.2.times: expected a number"),
        ({"compare": [1, "lt", {"event": "A", "cont": 1}]}, "c.compare.2.cont: a condition on 'event' has no setting 'cont'"),
        ({"inactive": 30}, "c.inactive: 30 is not a duration"),
        ({"cart": 3}, "c.cart: expected a comparison such as {items: {gt: 0}}"),
        ({"cart": {"item": {"gt": 0}}}, "c.cart.item: a cart has no 'item'"),
        ({"cart": {"items": {"gt": "0"}}}, "c.cart.items.gt: expected a number"),
        ({"cart": {"changed_at": {"ago": "1d"}}}, "c.cart.changed_at.ago: 'ago' does not compare times"),
        ({"recent": "seen"}, "c.recent: 'seen' is not kept"),
        ({"recent": "viewed", "count": {"gte": 50}}, "c.count: only the latest 10 are kept"),
        ({"recent": "viewed", "count": 5}, "c.count: expected a comparison"),
        ({"known": "yes"}, "c.known: expected true or false"),
        ({"orders": 3}, "c.orders: expected a comparison"),
        ({"orders": {"gte": 10**20}}, "c.orders.gte: expected a number"),
        ({"last_seen": "30d"}, "c.last_seen: expected a comparison of its time"),
        ({"run_age": {"lt": "1d"}}, "c.run_age: 'run_age' is about a run"),
        ({"rounds": {"lt": 3}}, "c.rounds: 'rounds' is about a run"),
        ({"reachable": "emial"}, "c.reachable: 'emial' is not a channel; did you mean 'email'? (allowed: email, sms"),
        ({"reachable": "email", "for": "spam"}, "c.for: 'spam' is not a purpose"),
        ({"reachable": "email", "for": "address", "topic": "x"}, "c.topic: only matters for marketing"),
        ({"consent": 7}, "c.consent: 7 is not a channel"),
        ({"topic": ""}, "c.topic: expected a topic"),
        ({"topic": "x", "state": "maybe"}, "c.state: 'maybe' is not a state"),
        ({"sample": 10}, "c.sample: expected a part such as 10%"),
        ({"sample": "101%"}, "c.sample: expected a part"),
        ({"sample": "10%", "salt": 7}, "c.salt: expected a text"),
        ({"message": "x"}, "c.message: expected what is meant"),
        ({"message": {"state": "opened"}}, "c.message: say which message"),
        ({"message": {"template": "x", "stat": 1}}, "c.message.stat: a message has no 'stat'"),
        ({"message": {"template": "x", "state": "open"}}, "c.message.state: 'open' is not a state of a message; did you mean 'opened'?"),
        ({"near": "Berlin"}, "c.near: expected a point and a distance"),
        ({"near": {"lat": 91, "lon": 0, "within": "1km"}}, "c.near.lat: expected degrees from -90 to 90, found 91"),
        ({"near": {"lat": 9, "lon": "13", "within": "1km"}}, "c.near.lon: expected degrees from -180 to 180, found '13'"),
        ({"near": {"lat": 9, "lon": 13, "within": "1 mile"}}, "c.near.within: '1 mile' is no distance; write a number and a unit (m, km, mi, ft)"),
        ({"near": {"lat": 9, "lon": 13, "within": 500}}, "c.near.within: 500 is no distance"),
        ({"near": {"lat": 9, "lon": 13, "within": "0m"}}, "c.near.within: '0m' is out of range"),
        ({"near": {"lat": 9, "lon": 13, "within": "99999km"}}, "c.near.within: '99999km' is out of range"),
        ({"near": {"lat": 9, "lng": 13, "within": "1km"}}, "c.near.lng: there is no 'lng' here; allowed are lat, lon, within"),
        ({"inside": ""}, "c.inside: expected the id of a geofence"),
        ({"group": {"tag": "x"}}, "c.group: 'tag' is not about a company; here only all, any, attribute, not are"),
        ({"group": {"any": [{"event": "A"}]}}, "c.group.any.0: 'event' is not about a company"),
        ({"group": {"attribute": "plan"}}, "c.group: nothing is compared"),
        ({"group": {"attribute": "plan", "is": "x"}, "id": 7}, "c.id: expected the id of a company"),
        ({"group": "acme"}, "c.group: expected a condition such as"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place_and_what_is_allowed(raw: Any, beginning: str):
    assert faults(raw)[0].startswith(beginning), faults(raw)


def test_durations_of_runs_and_nodes_are_checked_inside_a_journey():
    assert faults({"run_age": {"lt": 5}}, "journey")[0].startswith("c.run_age.lt: 5 is not a duration")
    assert faults({"run_age": {"between": ["2d", 1]}}, "journey")[0].startswith(
        "c.run_age.between: 1 is not a duration"
    )
    assert faults({"rounds": {"lt": 5}, "node": 7}, "journey")[0].startswith("c.node: expected the id of a node")


def test_all_faults_come_at_once():
    found = faults({"all": [{"tag": ""}, {"event": "A", "within": 3, "count": {"gte": -1}, "wher": 1}, {"nope": 1}]})
    assert [line.split(": ")[0] for line in found] == [
        "c.all.0.tag",
        "c.all.1.wher",
        "c.all.1.within",
        "c.all.1.count.gte",
        "c.all.2",
    ]


@pytest.mark.parametrize("key", LATER)
def test_forms_of_a_later_version_are_named_as_such(key: str):
    assert faults({key: "x"}) == [f"c: conditions on '{key}' are not available yet"]


def test_deep_nesting_is_a_fault_and_no_crash():
    raw: Any = {"tag": "x"}
    for _ in range(MAX_DEPTH - 1):
        raw = {"not": raw}
    assert parse(raw, "c", []) is not None
    for _ in range(100_000):
        raw = {"not": raw}
    assert faults(raw)[0].endswith(f"conditions are nested deeper than {MAX_DEPTH} levels")


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 200),
        st.floats(),
        st.sampled_from(["A", "30d", "2026-01-01", "entry", "email", "x.y", "10%", "(", "viewed", "opened", "lt", ""]),
        st.text(max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *FORMS,
                    "is",
                    "in",
                    "gt",
                    "gte",
                    "between",
                    "count",
                    "within",
                    "from",
                    "to",
                    "since",
                    "where",
                    "sum",
                    "per",
                    "distinct",
                    "first",
                    "last",
                    "before",
                    "after",
                    "ago",
                    "next",
                    "items",
                    "line",
                    "state",
                    "template",
                    "matches",
                    "contains",
                    "times",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(json_values)
def test_no_document_breaks_the_parser_and_none_is_refused_without_a_reason(raw: Any):
    errors: list[Problem] = []
    found = parse(raw, "c", errors, inside=frozenset({"event", "journey"}))
    assert (found is None) == bool(errors)
    if found is not None:
        assert found.dump() == raw


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|b)*",
        "(a*)*b",
        "(a|aa){2,}",
        "((a+)b)*",
        "(?=a)",
        "(?P<x>a)",
        r"(a)\1",
        ".*.*.*",
        "^.*.*.*.*",
        "^a|.*.*.*",
        "a?b?c?d?",
        "a?" * 11,
        "(a{2,3}){4}",
        "[[]",
        "[a--b]",
        "[a&&b]",
        "x" * 201,
        "(",
        ")",
        "[a",
        "*a",
        "a{3,2}",
        "\\",
    ],
)
def test_a_pattern_that_may_be_slow_or_is_wrong_is_refused(pattern: str):
    with pytest.raises(ValueError, match=r"\w"):
        compile_pattern(pattern, ignore_case=False)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (r"^[^@]+@[^@]+\.[a-z]+$", "ann@example.com"),
        (r"(?:ab|cd)e", "xcde"),
        (r"(\.[a-z]+)?$", ".com"),
        (r"^\d{4}-\d{2}$", "2026-11"),
        (r"[]a]\]", "]]"),
        (r"[^]a]x", "bx"),
        (r"[\]\[]", "["),
        ("a{2,3}?b", "aab"),
        ("a{,2}b", "aab"),
        ("a{2,}b", "aaab"),
        ("a{x}", "a{x}"),
        ("a{}", "a{}"),
        ("a{,}", "a{,}"),
        ("a++b", "aab"),
        ("^(a|b)x+y?$", "bxxy"),
    ],
)
def test_an_honest_pattern_is_taken(pattern: str, fits: str):
    assert compile_pattern(pattern, ignore_case=False).search(fits)


@settings(deadline=None)
@given(st.text(alphabet="ab(|)*+?{2,}[]\\^-&", max_size=12))
def test_no_pattern_breaks_the_compiler(pattern: str):
    try:
        compile_pattern(pattern, ignore_case=True).search("aaaaaaaaaabbbb" * 10)
    except ValueError as wrong:
        assert str(wrong)
