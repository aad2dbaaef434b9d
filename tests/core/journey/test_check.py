"""The drawing as a whole: ends, ways, islands, loops; and what it names that the workspace does not have."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.story import journey

from wend.core.condition.syntax import parse as parse_condition
from wend.core.journey.check import Known, check, lists_used, segments_used, strange_names, unknown_segments
from wend.core.journey.circles import circles, way_round
from wend.core.journey.document import parse
from wend.core.journey.placed import MAX_NODES

ONE = {"n": {"wait": "1d", "next": "over"}}


def problems(raw: Any, known: Known | None = None) -> list[str]:
    return [f"{one.level} {one}" if one.level == "warning" else str(one) for one in check(raw, known)[1]]


# --- the drawing as a whole ---


def test_a_journey_needs_an_end() -> None:
    raw = journey({"a": {"wait": "1d", "next": "b"}, "b": {"wait": "1d", "next": "a"}, "over": {"end": None}})
    del raw["nodes"]["over"]
    assert problems(raw) == ["nodes: no end node: a journey needs at least one"]


def test_every_branch_leads_somewhere() -> None:
    nodes = {
        "a": {"reachable": "email", "yes": "mail"},
        "mail": {"send": {"channel": "email", "template": "t"}},
        "w": {"wait_for_event": {"event": "A", "timeout": "1d"}, "timed_out": "oevr"},
    }
    assert problems(journey(nodes)) == [
        "nodes.a.no: leads nowhere: connect it, or send it to an end node",
        "nodes.mail.next: leads nowhere: connect it, or send it to an end node",
        "nodes.w.happened: leads nowhere: connect it, or send it to an end node",
        "nodes.w.timed_out: 'oevr' is not a node; did you mean 'over'?",
        "nodes.w: cannot be reached from the start",
        "nodes.over: cannot be reached from the start",
    ]


def test_branches_that_a_node_does_not_have_are_refused() -> None:
    nodes = {
        "w": {"wait_for_event": {"event": "A"}, "happened": "over", "timed_out": "over"},
        "over": {"end": None, "next": "w"},
    }
    assert problems(journey(nodes)) == [
        "nodes.w.timed_out: 'timed_out' is not a branch of wait_for_event (branches: happened)",
        "nodes.over.next: 'next' is not a branch of end (branches: none)",
    ]


def test_a_node_that_cannot_be_reached_is_told() -> None:
    nodes = {
        "n": {"wait": "1d", "next": "over"},
        "island": {"wait": "1d", "next": "shore"},
        "shore": {"end": None},
        "over": {"end": None},
    }
    assert problems(journey(nodes)) == [
        "nodes.island: cannot be reached from the start",
        "nodes.shore: cannot be reached from the start",
    ]


def test_what_only_a_broken_node_leads_to_is_not_told_as_unreachable() -> None:
    nodes = {"n": {"wait": "soon", "next": "m"}, "m": {"add_tag": "x", "next": "over"}}
    assert [one.split(":")[0] for one in problems(journey(nodes))] == ["nodes.n.wait.for"]
    nodes = {"n": {"wait": "1d", "next": "mm"}, "m": {"add_tag": "x", "next": "over"}}
    assert [one.split(":")[0] for one in problems(journey(nodes))] == ["nodes.n.next"]
    listed: dict[str, Any] = {"n": {"wait": "1d", "next": "m"}, "m": [1], "over": {"end": None}}
    assert problems({**journey(ONE), "nodes": listed}) == [
        "nodes.m: expected a node such as {wait: 2h, next: …}, found [1]",
        "nodes.over: cannot be reached from the start",
    ]


@pytest.mark.parametrize(
    ("nodes", "way"),
    [
        ({"a": {"add_tag": "x", "next": "b"}, "b": {"check": {"tag": "y"}, "yes": "over", "no": "a"}}, "a → b → a"),
        ({"a": {"check": {"tag": "y"}, "yes": "over", "no": "a"}}, "a → a"),
        ({"a": {"wait": "59s", "next": "b"}, "b": {"reachable": "sms", "yes": "a", "no": "over"}}, "a → b → a"),
        ({"a": {"wait_for_event": {"event": "E", "timeout": "30s"}, "happened": "over", "timed_out": "a"}}, "a → a"),
        ({"a": {"wait_for_condition": {"tag": "x", "timeout": "1d"}, "happened": "a", "timed_out": "over"}}, "a → a"),
        (
            {
                "a": {"wait_for_date": {"attribute": "due"}, "next": "b", "passed": "b"},
                "b": {"reachable": "sms", "yes": "a", "no": "over"},
            },
            "a → b → a",
        ),
        (
            {
                "a": {"send": {"channel": "sms", "template": "t"}, "next": "b"},
                "b": {"reachable": "sms", "yes": "a", "no": "over"},
            },
            "a → b → a",
        ),
        (
            {"a": {"wait": {"attribute": "x"}, "next": "b"}, "b": {"reachable": "sms", "yes": "a", "no": "over"}},
            "a → b → a",
        ),
        ({"a": {"reachable": "sms", "yes": "a", "no": "over", "timing": {"delay": "30s", "at": "09:00"}}}, "a → a"),
    ],
)
def test_a_loop_without_a_wait_is_refused(nodes: dict[str, Any], way: str) -> None:
    assert problems(journey(nodes)) == [f"nodes.a: a loop without a wait of a minute or more: {way}"]


@pytest.mark.parametrize(
    "nodes",
    [
        {"a": {"wait": "1m", "next": "b"}, "b": {"reachable": "sms", "yes": "a", "no": "over"}},
        {
            "a": {"wait_for_event": {"event": "E", "timeout": "1m"}, "happened": "a", "timed_out": "b"},
            "b": {"reachable": "sms", "yes": "a", "no": "over"},
        },
        {
            "a": {"wait_for_event": {"events": {"x": "E"}}, "x": "b"},
            "b": {"reachable": "sms", "yes": "a", "no": "over"},
        },
        {"a": {"wait_for_condition": {"tag": "x", "timeout": "1h"}, "happened": "over", "timed_out": "a"}},
        {
            "a": {"wait_for_date": {"attribute": "due"}, "next": "b", "passed": "over"},
            "b": {"add_tag": "x", "next": "a"},
        },
        {"a": {"reachable": "sms", "yes": "a", "no": "over", "timing": {"delay": "1m"}}},
    ],
)
def test_a_loop_with_a_wait_is_fine(nodes: dict[str, Any]) -> None:
    assert problems(journey(nodes)) == []


def test_every_loop_is_told_not_only_the_first() -> None:
    nodes = {
        "a": {"check": {"tag": "x"}, "yes": "a", "no": "b"},
        "b": {"add_tag": "x", "next": "c"},
        "c": {"check": {"tag": "x"}, "yes": "b", "no": "over"},
    }
    assert len(problems(journey(nodes))) == 2


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"), max_size=3), max_size=6))
def test_circles_are_the_nodes_that_reach_themselves(drawn: dict[str, set[str]]) -> None:
    graph = {node: sorted(following & drawn.keys()) for node, following in drawn.items()}

    def reached(node: str) -> set[str]:
        seen: set[str] = set()
        todo = list(graph[node])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += graph[one]
        return seen

    found = circles(graph)
    assert sorted(node for circle in found for node in circle) == sorted(
        node for node in graph if node in reached(node)
    )
    for circle in found:
        assert all(set(circle) <= reached(node) for node in circle)
        way = way_round(graph, circle)
        assert way[0] == way[-1] and len(way) <= len(circle) + 1
        assert all(after in graph[before] for before, after in pairwise(way))


def test_who_is_on_no_circle_has_no_way_round() -> None:
    with pytest.raises(ValueError, match="a is on no circle"):
        way_round({"a": ["b"], "b": []}, ["a"])


def test_a_long_drawing_is_checked_quickly_and_without_recursion() -> None:
    nodes: dict[str, Any] = {f"n{n}": {"wait": "1d", "next": f"n{n + 1}"} for n in range(MAX_NODES - 1)}
    nodes[f"n{MAX_NODES - 1}"] = {"end": None}
    assert problems(journey(nodes)) == []


# --- what the workspace knows ---


def test_settings_that_name_a_node_must_name_a_send_node() -> None:
    nodes: dict[str, Any] = {
        "a": {"message_state": {"node": "mial", "state": "opened"}, "yes": "b", "no": "b"},
        "b": {"send": {"channel": {"same_as": "a"}, "template": "t"}, "next": "mail"},
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "over"},
    }
    assert problems(journey(nodes)) == [
        "nodes.a.message_state.node: 'mial' is not a send node; did you mean 'mail'?",
        "nodes.b.send.channel.same_as: 'a' is not a send node",
    ]
    nodes["mail"] = {"send": {"channel": "emial", "template": "t"}, "next": "over"}
    nodes["a"]["message_state"]["node"] = "mail"
    assert len(problems(journey(nodes))) == 2, "a broken node may be the one that is meant"


def test_templates_must_exist_and_fit_the_channel() -> None:
    nodes = {
        "a": {"send": {"channel": ["email", "sms"], "template": "welcome"}, "next": "b"},
        "b": {"send": {"channel": "sms", "template": "welcome"}, "next": "c"},
        "c": {"send": {"channel": {"same_as": "a"}, "template": "welcom"}, "next": "over"},
    }
    assert problems(journey(nodes), Known(templates={"welcome": "email"})) == [
        "warning nodes.a.send.template: template 'welcome' is for email only: give one for each channel, or on sms it is refused",
        "nodes.b.send.template: template 'welcome' is for email, not for sms",
        "nodes.c.send.template: there is no template 'welcom'; did you mean 'welcome'?; push it with `wend template push`",
    ]


def test_journeys_lists_and_stages_that_nodes_name_must_be_there() -> None:
    nodes = {
        "a": {"start_journey": "welcom", "next": "b"},
        "b": {"start_journey": "j", "next": "c"},
        "c": {"list_add": "club", "next": "d"},
        "d": {"list_remove": "vip", "next": "e"},
        "e": {"list_add": "clubb", "next": "f"},
        "f": {"move_stage": "mqll", "next": "over"},
    }
    known = Known(
        journeys=frozenset({"welcome"}), segments={"club": "list", "vip": "live"}, stages=frozenset({"lead", "mql"})
    )
    assert problems(journey(nodes), known) == [
        "nodes.a.start_journey.journey: there is no journey 'welcom'; did you mean 'welcome'?; push it with"
        " `wend journey push`",
        "nodes.d.list_remove.list: there is no list 'vip'; make it with `wend segment push`",
        "nodes.e.list_add.list: there is no list 'clubb'; did you mean 'club'?; make it with `wend segment push`",
        "nodes.f.move_stage.to: there is no stage 'mqll'; did you mean 'mql'?; add it to `funnel` of the settings",
    ]


def test_a_split_can_only_learn_for_a_goal() -> None:
    split = {"n": {"split": {"weights": {"a": 1}, "optimise": "goal"}, "a": "over"}}
    assert problems(journey(split)) == ["nodes.n.split.optimise: the journey has no goal to be optimised for"]
    assert problems(journey(split, goal={"event": "A"})) == []


def test_a_template_of_the_one_channel_is_right() -> None:
    nodes = {"n": {"send": {"channel": "email", "template": {"email": "t"}}, "next": "over"}}
    assert problems(journey(nodes), Known(templates={"t": "email"})) == []


def test_names_never_heard_of_are_warned_of_once_and_refuse_nothing() -> None:
    nodes = {
        "w": {"wait_for_event": {"event": ["Order Compleeted", "Go"]}, "happened": "c"},
        "c": {"check": {"all": [{"attribute": "citty", "is": "x"}, {"event": "Loged In"}]}, "yes": "d", "no": "d"},
        "d": {"wait_for_date": {"attribute": "due.date", "at": "09:00"}, "next": "over"},
    }
    raw = journey(
        nodes,
        on=[
            {"event": "Left", "where": {"attribute": "rol", "is": 1}},
            {"attribute_changed": "plann"},
            {"message_opened": {"journey": "welcom"}},
        ],
        where={"attribute": "city", "is": "x"},
        exit_when=[{"event": "Order Completd", "where": {"attribute": "agee", "gt": 1}}, {"tag": "x"}],
        goal={"event": "Order Compleeted", "where": {"attribute": "incme", "gt": 1}},
    )
    known = Known(
        events=frozenset({"Order Completed", "Go", "Logged In"}),
        attributes=frozenset({"city", "due", "role"}),
        journeys=frozenset({"welcome"}),
    )
    document, found = check(raw, known)
    assert document is not None and {one.level for one in found} == {"warning"}
    assert sorted(str(one) for one in found) == [
        "entry.on: no event 'Left' has been received so far",
        "entry.on: no journey 'welcom' is known; did you mean 'welcome'?",
        "entry.on: no person has an attribute 'plann' so far",
        "entry.on: no person has an attribute 'rol' so far; did you mean 'role'?",
        "exit_when: no event 'Order Completd' has been received so far; did you mean 'Order Completed'?",
        "exit_when: no person has an attribute 'agee' so far",
        "goal: no person has an attribute 'incme' so far",
        "nodes.c.check: no event 'Loged In' has been received so far; did you mean 'Logged In'?",
        "nodes.c.check: no person has an attribute 'citty' so far; did you mean 'city'?",
        "nodes.w.wait_for_event: no event 'Order Compleeted' has been received so far; did you mean 'Order Completed'?",
    ]
    assert check(raw)[1] == [], "of what is not known nothing is said"


def test_segments_and_lists_that_are_named_are_known_with_their_places() -> None:
    document = parse(
        journey(
            {"a": {"in_segment": "vip", "yes": "b", "no": "over"}, "b": {"list_add": "friends", "next": "over"}},
            on={"segment_entered": "cold"},
        ),
        [],
    )
    assert document is not None
    assert segments_used(document) == [("nodes.a.in_segment", "vip"), ("entry.on", "cold")]
    assert lists_used(document) == [("nodes.b.list_add.list", "friends")]
    assert [str(one) for one in unknown_segments(segments_used(document), {"vip": "live", "old": "live"})] == [
        "entry.on: there is no segment 'cold'; did you mean 'old'?"
    ]
    assert list(unknown_segments(segments_used(document), None)) == []


def test_a_condition_may_name_what_nobody_has_heard_of() -> None:
    condition = parse_condition({"all": [{"event": "Ordr"}, {"attribute": "citty", "is": "Oslo"}]}, "", [])
    assert condition is not None
    known = Known(events=frozenset({"Order"}), attributes=frozenset({"city"}))
    assert [(one.level, one.where) for one in strange_names(condition, "condition", known)] == [
        ("warning", "condition")
    ] * 2
