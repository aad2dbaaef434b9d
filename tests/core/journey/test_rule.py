"""Rules: the short form of a journey."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import Story

from wend.core.journey.check import Known, check
from wend.core.journey.document import dump, parse
from wend.core.journey.rule import MAX_ACTIONS
from wend.core.problems import Problem

RULE: dict[str, Any] = {
    "id": "thanks",
    "name": "Thank for an order",
    "goal": {"event": "Order Completed", "within": "30d"},
    "rule": {
        "on": {"event": "Order Completed"},
        "if": {"property": "total", "gt": 50},
        "do": [
            {"add_tag": "big", "title": "A big spender", "note": "asked for by sales"},
            {"adjust_score": 10},
            {"send": {"channel": "email", "template": "thanks"}},
            {"send": {"channel": "sms", "template": "thanks-sms"}},
        ],
    },
}


def rule(*do: Any, **more: Any) -> dict[str, Any]:
    return {"id": "r", "rule": {"on": {"event": "Go"}, "do": list(do), **more}}


def faults(raw: Any, known: Known | None = None) -> list[str]:
    return [str(one) for one in check(raw, known)[1]]


def test_a_rule_runs_its_actions_one_after_the_other_when_its_condition_holds() -> None:
    story = Story(RULE)
    story.event("Order Completed", total=20)
    assert not story.steps and not story.profile.tags
    story.event("Order Completed", total=100)
    assert story.profile.tags == ["big"] and story.profile.score == 10
    assert story.templates == ["thanks", "thanks-sms"] and story.ends == ["done"]
    assert story.branches == ["add_tag next", "adjust_score next", "send next", "send-2 next"]


def test_an_action_that_fails_does_not_keep_the_others_from_being_done() -> None:
    story = Story(RULE, answers={"send": "refused"}, consent=("email",))
    story.event("Order Completed", total=100)
    assert story.branches[2:] == ["send failed", "send-2 dropped"] and story.ends == ["done"]


def test_key_and_reentry_count_as_in_any_journey() -> None:
    story = Story(rule({"adjust_score": 1}, key="cart", reentry="once"))
    for cart in (1, 1, 2):
        story.event(cart=cart)
    assert story.profile.score == 2
    assert story.refusals == ["re-entry: once only"]


def test_a_rule_is_given_back_as_it_was_written() -> None:
    problems: list[Problem] = []
    document = parse(RULE, problems)
    assert document is not None and not problems
    assert dump(document) == RULE
    assert list(document.drawn) == ["add_tag", "adjust_score", "send", "send-2", "done"]
    assert document.drawn["add_tag"]["next"] == "adjust_score"
    assert check(RULE)[1] == []


def test_faults_name_places_in_the_rule() -> None:
    raw = rule(
        {"add_tag": "x"},
        {"sned": {}},
        {"send": {"channel": "emial"}},
        "nothing",
        **{"if": {"attribute": "city", "iz": "Oslo"}, "on": {"evnt": "Go"}, "key": 5},
    )
    found = faults(raw)
    assert [one.split(":")[0] for one in found] == [
        "rule.do[1]",
        "rule.do[2].send.channel",
        "rule.do[2].send.template",
        "rule.do[3]",
        "rule.on",
        "rule.if.iz",
        "rule.if",
        "rule.key",
    ]


def test_what_the_workspace_does_not_have_is_named_by_its_place_in_the_rule() -> None:
    raw = rule({"add_tag": "x"}, {"send": {"channel": "email", "template": "tanks"}}, {"start_journey": "onboard"})
    known = Known(templates={"thanks": "email"}, journeys=frozenset({"onboarding"}))
    assert faults(raw, known) == [
        "rule.do[1].send.template: there is no template 'tanks'; did you mean 'thanks'?; push it with"
        " `wend template push`",
        "rule.do[2].start_journey.journey: there is no journey 'onboard'; did you mean 'onboarding'?; push it with"
        " `wend journey push`",
    ]


def test_a_rule_neither_waits_nor_branches() -> None:
    why = "a rule neither waits nor branches; draw a journey for that"
    raw = rule({"wait": "2h"}, {"add_tag": "x", "next": "y"}, {"add_tag": "y", "timing": {"delay": "1h"}})
    assert faults(raw) == [
        f"rule.do[0].wait: 'wait' is no action: {why}",
        f"rule.do[1].next: 'next' is not allowed here: {why}",
        f"rule.do[2].timing: 'timing' is not allowed here: {why}",
    ]


def test_what_is_wrong_with_the_rule_itself() -> None:
    assert faults({"id": "r", "rule": "x"})[0] == "rule: expected {on: …, if: …, do: [actions]}, found 'x'"
    beside = {**rule({"add_tag": "x"}, iff={}), "entry": {}, "nodes": {}, "start": "x"}
    assert faults(beside) == [
        *(
            f"{name}: a rule has no '{name}': write it under `rule`, or draw a journey"
            for name in ("entry", "nodes", "start")
        ),
        "rule.iff: 'iff' is not part of a rule; did you mean 'if'? (allowed: on, if, do, key, reentry, concurrency)",
    ]
    none = faults({"id": "r", "rule": {"on": "api"}})
    assert none == [f"rule.do: expected a list of 1 to {MAX_ACTIONS} actions, found None"]
    assert f"actions, found {MAX_ACTIONS + 1}" in faults(rule(*[{"add_tag": "x"}] * (MAX_ACTIONS + 1)))[0]
    assert faults({"id": "r", "rule": {"do": [{"add_tag": "x"}]}}) == ["rule.on: is missing: what starts the journey?"]
