"""Attributes: Segment's semantics, bounded, never changed in place; tags and score."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.attributes import (
    MAX_BYTES,
    MAX_ROOTS,
    MAX_TAGS,
    add_tag,
    adjust_score,
    apply_group,
    apply_traits,
    get,
    remove_tag,
    set_attribute,
)
from wend.core.inputs import Group
from wend.core.profile import Profile

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
traits = st.dictionaries(st.sampled_from(["a", "b", "c.d", "e"]), json_values, max_size=4)


def test_a_path_reads_objects_and_lists():
    attributes = {"address": {"city": "Berlin"}, "children": [{"name": "Ada"}], "a.b": 1, "a": {"b": 2}}
    assert get(attributes, "address.city") == "Berlin"
    assert get(attributes, "children.0.name") == "Ada"
    assert get(attributes, "a.b") == 1
    for nothing in ("address.zip", "address.city.x", "children.1.name", "children.x", "children.²", "no", "no.no", ""):
        assert get(attributes, nothing) is None
    assert get(None, "a") is None
    assert get({}, "a") is None


def test_top_level_traits_replace_and_null_removes():
    profile = Profile(1, {"address": {"city": "Berlin", "zip": "1"}, "age": 3})
    changes = apply_traits(profile, {"address": {"city": "Paris"}, "age": None, "name": "Ann", "gone": None})
    assert profile.attributes == {"address": {"city": "Paris"}, "name": "Ann"}
    assert changes == {
        "address": ({"city": "Berlin", "zip": "1"}, {"city": "Paris"}),
        "age": (3, None),
        "name": (None, "Ann"),
    }
    assert profile.attributes_changed


def test_hearing_the_same_again_changes_nothing():
    profile = Profile(1, {"a": 1, "b": [1], "c": {"x": 1}})
    assert apply_traits(profile, {"a": 1, "b": [1], "c": {"x": 1}}) == {}
    assert not profile.attributes_changed


def test_true_is_another_value_than_1():
    profile = Profile(1, {"a": 1, "b": [1]})
    assert apply_traits(profile, {"a": True, "b": [True]}) == {"a": (1, True), "b": ([1], [True])}


@given(traits, traits)
def test_what_is_set_is_there_and_nothing_handed_in_or_out_is_changed(
    before: dict[str, object], new: dict[str, object]
):
    profile = Profile(1)
    apply_traits(profile, before)
    held = profile.attributes
    kept, given_ = copy.deepcopy(held), copy.deepcopy(new)
    changes = apply_traits(profile, new)
    assert held == kept
    assert new == given_
    for name, value in new.items():
        assert profile.attributes.get(name) == value
        assert (name in profile.attributes) == (value is not None)
    for name, (old, now) in changes.items():
        assert (kept.get(name), new[name]) == (old, now)


def test_a_nested_value_is_set_without_touching_what_others_hold():
    shared = {"city": "Berlin", "geo": {"lat": 1}}
    profile = Profile(1, {"address": shared})
    assert set_attribute(profile, "address.geo.lat", 2) == {
        "address": ({"city": "Berlin", "geo": {"lat": 1}}, {"city": "Berlin", "geo": {"lat": 2}})
    }
    assert shared["geo"] == {"lat": 1}
    set_attribute(profile, "address.geo.lat", None)
    set_attribute(profile, "address.none.at.all", None)
    assert profile.attributes["address"]["geo"] == {}
    set_attribute(profile, ("site", "wend.example"), "x")
    assert profile.attributes["site"] == {"wend.example": "x"}
    set_attribute(profile, "site.deep.er", 1)
    set_attribute(profile, "site.deep", None)
    assert profile.attributes["site"] == {"wend.example": "x"}


def test_a_company_is_kept_under_groups():
    profile = Profile(1, {"groups": "odd"})
    apply_group(profile, Group("acme.com", {"name": "Acme", "plan": "pro"}, 1))
    apply_group(profile, Group("acme.com", {"plan": None, "seats": 3}, 1))
    apply_group(profile, Group("b", {}, 1))
    assert profile.attributes == {"groups": {"acme.com": {"name": "Acme", "seats": 3}, "b": {}}}


def test_what_does_not_fit_is_refused_with_a_reason_and_the_rest_is_kept():
    profile = Profile(1)
    refused: dict[str, str] = {}
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    changes = apply_traits(profile, {"big": "x" * MAX_BYTES, "": 1, "n" * 101: 1, "deep": deep, "ok": 1}, refused)
    assert changes == {"ok": (None, 1)}
    assert "16384 are allowed" in refused["big"]
    assert "1 to 100 characters" in refused[""]
    assert "1 to 100 characters" in refused["n" * 100]
    assert "deeper than 32" in refused["deep"]
    assert apply_traits(profile, {"big": "x" * MAX_BYTES}) == {}


def test_no_more_than_200_attributes_are_kept():
    profile = Profile(1)
    refused: dict[str, str] = {}
    apply_traits(profile, {f"a{i}": i for i in range(MAX_ROOTS + 1)}, refused)
    assert len(profile.attributes) == MAX_ROOTS
    assert "200 attributes already" in refused[f"a{MAX_ROOTS}"]
    assert apply_traits(profile, {"a0": "changed"})


def test_attributes_that_are_too_large_already_may_still_shrink():
    profile = Profile(1, {"big": "x" * (MAX_BYTES + 100)})
    assert apply_traits(profile, {"big": "x" * (MAX_BYTES + 50)})


def test_tags_are_a_bounded_set():
    profile = Profile(1)
    assert add_tag(profile, "vip")
    assert not add_tag(profile, "vip")
    assert not add_tag(profile, "")
    assert not add_tag(profile, "x" * 101)
    assert remove_tag(profile, "vip")
    assert not remove_tag(profile, "vip")
    for number in range(MAX_TAGS):
        assert add_tag(profile, f"t{number}")
    assert not add_tag(profile, "one more")
    assert len(profile.tags) == MAX_TAGS


def test_a_score_is_adjusted_without_drift_and_within_bounds():
    profile = Profile(1)
    assert adjust_score(profile, 0.1) == (0, 0.1)
    adjust_score(profile, 0.2)
    assert adjust_score(profile, -0.3) == (0.3, 0)
    assert adjust_score(profile, 1e300) == (0, 1e9)
    with pytest.raises(ValueError, match="not a number"):
        adjust_score(profile, float("nan"))
