"""Values and the clock on a box: what settings may compute, and when a node acts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.story import DAY, ms, shown

from wend.core.journey.timing import parse_slot, parse_timing
from wend.core.journey.values import Literal, Reference, parse_value
from wend.core.problems import Problem

SOURCES: dict[str, dict[str, Any]] = {
    "attribute": {
        "n": 5,
        "f": 2.5,
        "text": "x",
        "yes": True,
        "due": "2026-03-28",
        "at": "2026-03-28T10:00:00+01:00",
        "odd": "2026-99-99",
    },
    "entry": {"total": {"net": 7}, "unix": 1_774_692_000, "ms": 1_774_692_000_000, "huge": 10**300},
    "event": {"list": [1, {"a": "b"}]},
    "saved": {},
}
NOW = ms("2026-03-02 10:00")


def value(raw: Any) -> Any:
    problems: list[Problem] = []
    parsed = parse_value(raw, "v", problems)
    assert parsed is not None and problems == [], problems
    return parsed.of(SOURCES.__getitem__, NOW)


def faults(raw: Any) -> list[str]:
    problems: list[Problem] = []
    assert parse_value(raw, "v", problems) is None
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("text", "text"),
        (None, None),
        ([1], [1]),
        ({}, {}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ({"event_id": 5}, {"event_id": 5}),
        ({"attribute": "n"}, 5),
        ({"attribute": "missing"}, None),
        ({"attribute": "missing", "default": 3}, 3),
        ({"attribute": "missing", "default": 3, "plus": 1}, 4),
        ({"attribute": "n", "plus": 2, "minus": 0.5, "times": 2}, 13),
        ({"attribute": "f", "times": -1}, -2.5),
        ({"attribute": "text", "plus": 1}, None),
        ({"attribute": "text", "times": 2}, None),
        ({"attribute": "yes", "plus": 1}, None),
        ({"attribute": "n", "plus": "1d"}, 86_405),
        ({"entry": "total.net"}, 7),
        ({"event": "list.1.a"}, "b"),
        ({"saved": "x.y"}, None),
        ({"now": None}, "2026-03-02T10:00:00.000Z"),
        ({"now": None, "plus": "1d"}, "2026-03-03T10:00:00+00:00"),
        ({"attribute": "due", "plus": "30d"}, "2026-04-27"),
        ({"attribute": "due", "minus": "28d"}, "2026-02-28"),
        ({"attribute": "at", "plus": "1d 1h"}, "2026-03-29T11:00:00+01:00"),
        ({"entry": "unix", "plus": "1d"}, 1_774_778_400),
        ({"entry": "ms", "minus": "1m"}, 1_774_691_940_000),
        ({"entry": "huge", "plus": 1}, None),
        ({"attribute": "odd", "plus": "1d"}, None),
        ({"attribute": "text", "plus": "1d"}, None),
        ({"attribute": "yes", "plus": "1d"}, None),
        ({"attribute": "due", "plus": "100y", "minus": "1d"}, "2126-03-03"),
        ({"attribute": "due", "minus": "100y"}, "1926-04-22"),
    ],
)
def test_a_value_is(raw: Any, expected: Any) -> None:
    assert value(raw) == expected


def test_a_date_that_leaves_the_calendar_is_no_value() -> None:
    late = {"attribute": {"due": "9999-12-31"}}
    assert Reference("attribute", "due", plus="1d").of(late.__getitem__, 0) is None


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"attribut": "n"}, "v: 'attribut' is not a source of a value; did you mean 'attribute'?"),
        ({"attribute": "n", "entry": "x"}, "v: a value has one source, found attribute and entry"),
        ({"attribute": 5}, "v.attribute: expected a name, found 5"),
        ({"attribute": ""}, "v.attribute: expected a name, found ''"),
        ({"attribute": "n", "pluss": 1}, "v.pluss: 'pluss' is not allowed here; did you mean 'plus'?"),
        ({"attribute": "n", "times": "2"}, "v.times: expected a number, found '2'"),
        ({"attribute": "n", "plus": "soon"}, "v.plus: expected a number or a duration such as 30d, found 'soon'"),
        ({"attribute": "n", "minus": None}, "v.minus: expected a number or a duration such as 30d, found None"),
        ({"attribute": "n", "plus": float("inf")}, "v.plus: expected a number or a duration such as 30d, found inf"),
    ],
)
def test_a_value_says_where_it_is_wrong(raw: Any, fault: str) -> None:
    assert faults(raw) == [fault]


ANY = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.integers(), max_size=2)
)


@given(ANY, ANY, st.sampled_from([1, -2.5, "30d", "1h", 1e15]), st.sampled_from([0, 3, -1.5]))
def test_computing_never_raises(found: Any, default: Any, amount: Any, times: Any) -> None:
    for one in (
        Reference("attribute", "x", plus=amount, default=default),
        Reference("attribute", "x", minus=amount, times=times),
    ):
        one.of({"attribute": {"x": found}}.__getitem__, NOW)
    assert Literal(found).of(SOURCES.__getitem__, NOW) is found


# --- the clock on a box ---


def acts(raw: Any, now: str, zone: str = "UTC") -> str:
    problems: list[Problem] = []
    timing = parse_timing(raw, "t", problems)
    assert timing is not None and problems == [], problems
    return shown(timing.acts_at(ms(now), zone))


@pytest.mark.parametrize(
    ("raw", "now", "zone", "expected"),
    [
        ({"delay": "90m"}, "2026-03-02 10:00", "UTC", "2026-03-02 11:30"),
        ({"at": "09:00"}, "2026-03-02 08:59", "UTC", "2026-03-02 09:00"),
        ({"at": "09:00"}, "2026-03-02 09:00", "UTC", "2026-03-02 09:00"),
        ({"at": "09:00"}, "2026-03-02 09:01", "UTC", "2026-03-03 09:00"),
        ({"at": "09:00"}, "2026-03-28 09:00", "Europe/Berlin", "2026-03-29 07:00"),
        ({"at": "02:30"}, "2026-03-29 00:00", "Europe/Berlin", "2026-03-29 01:00"),
        ({"delay": "1d", "at": "09:00"}, "2026-03-02 10:00", "UTC", "2026-03-04 09:00"),
        ({"slot": {"from": "09:00", "to": "17:00"}}, "2026-03-02 08:00", "UTC", "2026-03-02 09:00"),
        ({"slot": {"from": "09:00", "to": "17:00"}}, "2026-03-02 12:34", "UTC", "2026-03-02 12:34"),
        ({"slot": {"from": "09:00", "to": "17:00"}}, "2026-03-02 17:00", "UTC", "2026-03-03 09:00"),
        ({"slot": {"days": ["mon"], "from": "09:00", "to": "17:00"}}, "2026-03-02 17:00", "UTC", "2026-03-09 09:00"),
        (
            {"slot": {"days": ["mon", "fri"], "from": "09:00", "to": "17:00"}},
            "2026-03-03 12:00",
            "UTC",
            "2026-03-06 09:00",
        ),
        ({"slot": {"from": "22:00", "to": "06:00"}}, "2026-03-02 03:00", "UTC", "2026-03-02 03:00"),
        ({"slot": {"days": ["sun"], "from": "22:00", "to": "06:00"}}, "2026-03-02 03:00", "UTC", "2026-03-02 03:00"),
        ({"slot": {"days": ["mon"], "from": "22:00", "to": "06:00"}}, "2026-03-02 03:00", "UTC", "2026-03-02 22:00"),
        ({"slot": {"from": "00:00", "to": "00:00"}}, "2026-03-02 03:00", "UTC", "2026-03-02 03:00"),
        (
            {"slot": {"days": ["mon"], "from": "09:00", "to": "10:00"}},
            "2026-03-02 00:30",
            "Asia/Tokyo",
            "2026-03-02 00:30",
        ),
        (
            {"at": "08:00", "slot": {"days": ["wed"], "from": "09:00", "to": "10:00"}},
            "2026-03-02 10:00",
            "UTC",
            "2026-03-04 09:00",
        ),
    ],
)
def test_a_node_acts_at(raw: Any, now: str, zone: str, expected: str) -> None:
    assert acts(raw, now, zone) == expected


@given(
    st.integers(NOW, NOW + 400 * DAY),
    st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1),
    st.sampled_from(["00:00", "02:30", "09:00", "23:59"]),
    st.sampled_from(["00:00", "02:45", "09:00", "17:00"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
)
def test_a_slot_opens_within_eight_days_and_is_open_then(
    now: int, days: set[str], since: str, to: str, zone: str
) -> None:
    slot = parse_slot({"days": sorted(days), "from": since, "to": to}, "s", [])
    assert slot is not None
    opens = slot.next_open(now, zone)
    assert now <= opens <= now + 8 * DAY
    assert slot.next_open(opens, zone) == opens or shown(opens).endswith(("01:00", "06:00", "07:00")), (
        "only a slot inside a lost hour is none"
    )


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({}, "t: expected one of delay, at, slot, found {}"),
        ("2h", "t: expected one of delay, at, slot, found '2h'"),
        ({"delay": 5}, "t.delay: 5 is not a duration"),
        ({"at": "9"}, "t.at: '9' is not a time of day"),
        ({"slot": "office"}, 't.slot: expected {from: "09:00", to: "17:00"}, found \'office\''),
        ({"slot": {"from": "09:00"}}, "t.slot.to: is missing"),
        (
            {"slot": {"from": "09:00", "to": "17:00", "days": []}},
            "t.slot.days: expected a list with at least one entry, found []",
        ),
        ({"slot": {"from": "09:00", "to": "17:00", "days": ["Mo"]}}, "t.slot.days[0]: 'Mo' is not allowed here"),
    ],
)
def test_a_timing_says_where_it_is_wrong(raw: Any, fault: str) -> None:
    problems: list[Problem] = []
    assert parse_timing(raw, "t", problems) is None
    assert str(problems[0]).startswith(fault), problems
