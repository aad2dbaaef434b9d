"""Drawings with `parallel` and `join`: which are sound, and what is said of the others."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import journey, node_faults
from tests.core.journey.test_parallel import HOURS, both

from wend.core.journey.check import check


def faults(raw: dict[str, Any]) -> list[str]:
    return [str(one) for one in check(raw)[1]]


NESTED = {
    "p": {"parallel": ["left", "right"], "left": "q", "right": "w"},
    "q": {"parallel": ["up", "down"], "up": "u", "down": "d"},
    "u": {"wait": "1h", "next": "k"},
    "d": {"add_tag": "d", "next": "k"},
    "k": {"join": {}, "next": "j"},
    "w": {"wait": "30m", "next": "j"},
    "j": {"join": {}, "next": "over"},
    "over": {"end": None},
}


def test_a_sound_drawing_with_parallels_in_parallels_is_accepted() -> None:
    assert faults(journey(NESTED)) == []
    assert faults(both({"end": "enough"}, HOURS[1], nodes={"over": {"end": None}})) == []


def test_the_branches_of_one_parallel_meet_in_one_join() -> None:
    nodes = {**NESTED, "d": {"add_tag": "d", "next": "l"}, "l": {"join": {}, "next": "over"}}
    assert faults(journey(nodes)) == ["nodes.k: the branches of 'q' meet in 'l' already: one join for all of them"]


def test_a_join_that_no_parallel_leads_to_is_refused() -> None:
    assert faults(journey({"j": {"join": {}, "next": "over"}})) == ["nodes.j: no parallel leads to this join"]


def test_a_way_around_the_join_is_refused() -> None:
    only = ": the branches of a parallel may only meet in its join, or end"
    into = {**NESTED, "s": {"reachable": "email", "yes": "p", "no": "w"}}
    assert faults(journey(into, start="s")) == [
        f"nodes.{node}: '{node}' is reached from inside and from outside of 'p'{only}" for node in "wj"
    ]
    out = {**NESTED, "w": {"wait": "1h", "next": "t"}, "t": {"wait": "1h", "next": "over"}}
    out["j"] = {"join": {}, "next": "t"}
    assert faults(journey(out)) == [f"nodes.t: 't' is reached from inside and from outside of 'p'{only}"]
    back = {**NESTED, "w": {"wait": "1h", "next": "p"}}
    assert f"nodes.p: 'p' is reached from inside and from outside of 'p'{only}" in faults(journey(back))


def test_a_branch_that_leads_nowhere_is_told_like_any_other() -> None:
    nodes = {**NESTED, "w": {"wait": "1h", "next": "nowhere"}}
    assert faults(journey(nodes)) == ["nodes.w.next: 'nowhere' is not a node"]


def test_a_loop_through_a_parallel_rests_when_one_branch_does() -> None:
    looped = {**NESTED, "j": {"join": {}, "next": "more"}}
    looped["more"] = {"check": {"rounds": {"lt": 3}}, "yes": "p", "no": "over"}
    assert faults(journey(looped)) == []
    hasty = {**looped, "u": {"add_tag": "u", "next": "k"}, "w": {"add_tag": "w", "next": "j"}}
    assert faults(journey(hasty)) == ["nodes.p: a loop without a wait of a minute or more: p → w → j → more → p"]


def test_what_is_wrong_with_the_branches() -> None:
    where = "nodes.n.parallel.branches"
    assert node_faults({"parallel": ["a"]}) == [f"{where}: expected 2 to 8 branches, found 1"]
    assert node_faults({"parallel": [f"b{at}" for at in range(9)]}) == [f"{where}: expected 2 to 8 branches, found 9"]
    assert node_faults({"parallel": ["a", "a"]}) == [f"{where}: two branches of one name"]
    assert node_faults({"parallel": ["a", "title"]}) == [f"{where}[1]: expected the name of a branch, found 'title'"]
