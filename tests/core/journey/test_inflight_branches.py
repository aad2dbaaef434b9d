"""Publishing over people who go several ways at once, and what is known before publishing (journeys.md rule 8)."""

from __future__ import annotations

from typing import Any

from tests.core.journey.publications import document, lifted, mails, moved, waits
from tests.core.journey.story import HOUR, MONDAY, Story, journey

from wend.core.journey.inflight import ends, faults, landing

# --- several ways at once ---


def ways(branches: dict[str, str], *, join: str = "meet", at: str = "p") -> dict[str, Any]:
    """A parallel whose branches each wait so long, then meet."""
    nodes: dict[str, Any] = {at: {"parallel": list(branches), **{name: f"w_{name}" for name in branches}}}
    nodes |= {f"w_{name}": {"wait": length, "next": join} for name, length in branches.items()}
    return journey({**nodes, join: {"join": {}, "next": "t"}, "t": {"add_tag": "met", "next": "over"}})


def versions(story: Story) -> dict[str, int]:
    return {run.node: run.version for run in story.profile.runs}


def test_rule_08_branches_move_with_their_run_and_are_timed_anew() -> None:
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    story.wait("3h")
    moved(story, ways({"a": "2h", "b": "5h", "c": "1h"}))
    assert versions(story) == {"p": 2, "w_b": 2} and story.wakes_at == MONDAY + 5 * HOUR, "nobody goes the new way"
    story.wait("2h")
    assert story.profile.tags == ["met"] and story.ends == ["over"]


def test_rule_08_a_branch_that_the_new_version_does_not_have_is_over() -> None:
    story = Story(ways({"a": "2h", "b": "9h", "c": "8h"}))
    story.event()
    moved(story, ways({"a": "2h", "b": "4h"}))
    assert versions(story) == {"p": 2, "w_a": 2, "w_b": 2}
    assert story.whys("arrived") == ["version 2 does not have its branch"]
    story.wait("4h")
    assert story.profile.tags == ["met"] and story.steps[-1].at == MONDAY + 4 * HOUR
    story = Story(ways({"a": "1h", "b": "9h", "c": "9h"}))
    story.event()
    story.wait("2h")
    moved(story, ways({"a": "1h", "d": "1h"}))
    assert story.profile.tags == ["met"], "the last that was waited for"


def test_rule_08_where_the_parallel_is_gone_its_branches_are_over() -> None:
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    moved(story, waits("5h"), mapping={"p": "w"})
    assert versions(story) == {"w": 2} and story.wakes_at == MONDAY + 5 * HOUR
    one, two = document(ways({"a": "2h", "b": "9h"})), document(waits("5h"))
    assert ends(one, two, "w_a", {"p": "w"}) and ends(one, two, "w_a", None) and not ends(one, two, "t", None)


def test_rule_08_the_join_they_have_come_to_may_be_another_one() -> None:
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    story.wait("3h")
    moved(story, ways({"a": "2h", "b": "9h"}, join="round", at="q"), mapping={"p": "q", "meet": "round"})
    story.wait("6h")
    assert story.profile.tags == ["met"]
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    moved(story, ways({"a": "2h", "b": "9h"}, join="round"))
    assert versions(story) == {"p": 1, "w_a": 1, "w_b": 1}, "without a place for the join nobody is moved"
    moved(story, ways({"a": "2h", "b": "9h"}, join="round"), mapping={"meet": "w_a"})
    assert versions(story) == {"p": 1, "w_a": 1, "w_b": 1}


def test_rule_08_when_a_branch_has_no_place_all_of_them_stay() -> None:
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    new = ways({"a": "2h", "b": "9h"})
    new["nodes"]["late"] = new["nodes"].pop("w_b")
    new["nodes"]["p"]["b"] = "late"
    moved(story, new)
    assert versions(story) == {"p": 1, "w_a": 1, "w_b": 1} and len(lifted(story)) == 1
    moved(story, new, mapping={"w_b": "late"})
    assert versions(story) == {"p": 3, "w_a": 3, "late": 3}


def test_rule_08_branches_of_branches_end_with_theirs() -> None:
    inner: dict[str, Any] = {
        "p": {"parallel": ["a", "b"], "a": "w_a", "b": "q"},
        "w_a": {"wait": "2h", "next": "meet"},
        "q": {"parallel": ["c", "d"], "c": "w_c", "d": "w_d"},
        "w_c": {"wait": "9h", "next": "inner"},
        "w_d": {"wait": "9h", "next": "inner"},
        "inner": {"join": {}, "next": "w_e"},
        "w_e": {"wait": "9h", "next": "meet"},
        "meet": {"join": {}, "next": "t"},
        "t": {"add_tag": "met", "next": "over"},
    }
    story = Story(journey(inner))
    story.event()
    assert sorted(story.places) == ["p", "q", "w_a", "w_c", "w_d"]
    assert ends(document(journey(inner)), document(ways({"a": "2h", "x": "1h"})), "w_e", None)
    moved(story, ways({"a": "2h", "x": "1h"}))
    assert versions(story) == {"p": 2, "w_a": 2}
    story = Story(journey(inner))
    story.event()
    gone = ways({"x": "1h", "y": "1h"})
    gone["nodes"]["p"] = {"wait": "1d", "next": "t"}
    del gone["nodes"]["w_x"], gone["nodes"]["w_y"], gone["nodes"]["meet"]
    moved(story, gone)
    assert versions(story) == {"p": 2}


def test_rule_08_an_exit_condition_takes_all_branches_along() -> None:
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    story.skip("1h")
    moved(story, {**ways({"a": "2h", "b": "9h"}), "exit_when": {"inactive": "30m"}})
    assert story.ends == ["exit: its condition is true"] and story.profile.runs == []
    story = Story(ways({"a": "2h", "b": "9h"}))
    story.event()
    story.change("publish", document=waits("1h"), policy="exit")
    assert story.profile.runs == [] and story.ends == ["version 2 was published"]


# --- checks before ---


def test_rule_08_where_a_run_would_go_is_known_before() -> None:
    old, new = document(waits("1h")), document(mails())
    assert landing(old, new, "t", None) == "t"
    assert landing(old, new, "w", None) is None and landing(old, new, "w", {"w": "s"}) == "s"
    assert landing(old, document(waits("1h", key="k")), "w", None) is None


def test_rule_08_a_mapping_from_or_to_a_node_that_does_not_exist_is_a_fault() -> None:
    old, new = document(waits("1h")), document(mails())
    assert list(faults([old], new, {"w": "s"})) == [] and list(faults([old], new, None)) == []
    assert [str(one) for one in faults([old], new, {"overr": "tt", "w": "s"})] == [
        "mapping.overr: no older version has a node 'overr'; did you mean 'over'?",
        "mapping.overr: the new version has no node 'tt'; did you mean 't'?",
    ]
