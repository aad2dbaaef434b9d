"""Conditions on where the person is, and on the companies they belong to."""

from datetime import datetime
from math import acos, cos, radians, sin
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.near import EARTH, meters_between, parse_distance
from wend.core.condition.syntax import parse
from wend.core.profile import Profile

DAY = 86_400_000
NOW = round(datetime.fromisoformat("2026-11-22T12:00:00+01:00").timestamp() * 1000)
ALEX = (52.5219, 13.4132)
ZOO = (52.5072, 13.3327)


def condition(raw: Any) -> Condition:
    errors: list[Any] = []
    found = parse(raw, "c", errors)
    assert found is not None, [str(error) for error in errors]
    return found


def check(raw: Any, profile: Profile, now: int = NOW) -> Verdict:
    return condition(raw).check(View(profile, now, "Europe/Berlin"))


def near(point: tuple[float, float], within: str) -> dict[str, Any]:
    return {"near": {"lat": point[0], "lon": point[1], "within": within}}


@pytest.mark.parametrize(
    ("within", "value"),
    [("5.6km", False), ("5.7km", True), ("5600m", False), ("3.4 mi", False), ("3.6mi", True), ("18000ft", False)],
)
def test_near_measures_the_way_over_the_globe_in_every_unit(within: str, value: bool):
    there = Profile(1, location=[*ZOO, NOW])
    assert check(near(ALEX, within), there) == (value, FOREVER)


def test_nobody_is_near_without_a_known_location():
    assert check(near(ALEX, "20000km"), Profile(1)) == (False, FOREVER)
    assert condition(near(ALEX, "1km")).listens() == Listens(facts=frozenset({"location"}))


def test_distances_are_right_at_the_date_line_the_poles_and_the_other_side():
    assert meters_between(0, 179.9995, 0, -179.9995) == pytest.approx(111.2, abs=0.1)
    assert meters_between(89.9995, 0, 89.9995, 180) == pytest.approx(111.2, abs=0.1)
    assert meters_between(0, 0, 0, 180) == pytest.approx(EARTH * 3.14159265, rel=1e-8)
    assert meters_between(*ALEX, *ALEX) == 0


degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(degrees, degrees)
def test_a_distance_is_the_same_both_ways_and_agrees_with_the_cosine_rule(
    one: tuple[float, float], two: tuple[float, float]
):
    found = meters_between(*one, *two)
    assert found == pytest.approx(meters_between(*two, *one), rel=1e-9, abs=1e-3)
    a, b, turn = radians(one[0]), radians(two[0]), radians(two[1] - one[1])
    other = EARTH * acos(max(-1.0, min(1.0, sin(a) * sin(b) + cos(a) * cos(b) * cos(turn))))
    assert found == pytest.approx(other, rel=1e-4, abs=1.0)


@given(st.integers(1, 19_000_000))
def test_a_distance_in_metres_is_read_as_written(meters: int):
    assert parse_distance(f"{meters}m") == meters


def test_inside_is_what_the_fences_of_the_person_say():
    raw = {"inside": "shop"}
    assert check(raw, Profile(1, fences={"shop": NOW})) == (True, FOREVER)
    assert check(raw, Profile(1, fences={"home": NOW})) == (False, FOREVER)
    assert condition(raw).listens() == Listens(facts=frozenset({"fence:shop"}))


def member(**companies: Any) -> Profile:
    return Profile(1, {"groups": companies})


def test_one_company_that_fulfils_the_whole_condition_is_enough():
    raw = {"group": {"all": [{"attribute": "plan", "is": "enterprise"}, {"attribute": "seats", "gt": 50}]}}
    assert check(raw, member(acme={"plan": "enterprise", "seats": 60})).value
    assert check(raw, member(acme={"plan": "free"}, beta={"plan": "enterprise", "seats": 60})).value
    assert not check(raw, member(acme={"plan": "enterprise", "seats": 5}, beta={"plan": "free", "seats": 99})).value
    assert check({"group": {"not": {"attribute": "plan", "is": "free"}}}, member(a={"plan": "free"}, b={})).value


def test_with_an_id_only_that_company_is_asked():
    raw = {"group": {"attribute": "address.city", "is": "Berlin"}, "id": "acme"}
    assert check(raw, member(acme={"address": {"city": "Berlin"}})).value
    assert not check(raw, member(beta={"address": {"city": "Berlin"}})).value


@pytest.mark.parametrize(
    "attributes", [{}, {"groups": None}, {"groups": "acme"}, {"groups": {"acme": "x"}}, {"groups": []}]
)
def test_whoever_belongs_to_no_company_fulfils_no_condition_on_one(attributes: dict[str, Any]):
    raw = {"group": {"attribute": "plan", "missing": True}}
    assert check(raw, Profile(1, attributes)) == (False, FOREVER)
    assert check({"not": raw}, Profile(1, attributes)) == (True, FOREVER)


def test_dates_of_a_company_are_read_in_the_persons_zone_and_change_by_themselves():
    raw = {"group": {"attribute": "renews", "within": {"next": "7d"}}}
    soon, later = {"renews": "2026-11-30"}, {"renews": "2026-12-03", "timezone": "Asia/Tokyo"}
    begin = round(datetime.fromisoformat("2026-11-23T00:00:00+01:00").timestamp() * 1000)
    assert check(raw, member(a=soon, b=later)) == (False, begin)
    assert check(raw, member(a=soon, b=later), begin) == (True, begin + 8 * DAY)
    # Both are true for a while: the later end counts.
    assert check(raw, member(a=soon, b=later), begin + 4 * DAY) == (True, begin + 11 * DAY)
    assert condition(raw).listens() == Listens(attributes=frozenset({"groups", "timezone"}))
