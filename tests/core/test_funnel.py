"""The funnel: moving, stages that are entered by a rule, conditions on stages, and settings that change."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, journey, ms

from wend.core.condition.base import View
from wend.core.condition.stage import stage_of
from wend.core.condition.syntax import parse as parse_condition
from wend.core.funnel import PRESETS, move, parse
from wend.core.plan import PlanChange
from wend.core.problems import Problem
from wend.core.profile import Profile

STAGES: list[dict[str, Any]] = [
    {"id": "visitor"},
    {"id": "lead", "when": {"known": True}},
    {"id": "mql", "when": {"event": "Demo Requested"}},
    {"id": "sql"},
    {"id": "customer", "when": {"orders": {"gte": 1}}},
]
FUNNEL = {"funnel": {"stages": STAGES}}
NOW = {"over": {"end": "in"}}


def moved(profile: Profile, stage: str, *, only_forward: bool = True) -> tuple[str, str] | None:
    return move(profile, stage, FUNNEL, only_forward=only_forward)


def test_moving_says_from_where_to_where_and_rules_only_move_forward() -> None:
    profile = Profile(1)
    assert moved(profile, "mql") == ("visitor", "mql")
    assert moved(profile, "mql") is None, "there already"
    assert moved(profile, "lead") is None and profile.stage == "mql"
    assert moved(profile, "lead", only_forward=False) == ("mql", "lead")
    assert moved(profile, "customr") is None, "no such stage"
    assert move(profile, "lead", {}, only_forward=True) is None, "no funnel"


def test_whoever_was_never_moved_is_at_the_first_stage_unless_that_has_a_rule() -> None:
    profile = Profile(1)
    assert moved(profile, "visitor") is None
    ruled = {"funnel": {"stages": STAGES[1:]}}
    assert move(profile, "lead", ruled, only_forward=True) == ("", "lead")


def test_a_stage_that_was_taken_out_counts_as_never_reached() -> None:
    assert moved(Profile(1, stage="old"), "lead") == ("visitor", "lead")


def holds(raw: Any, stage: str, settings: dict[str, Any] = FUNNEL) -> bool:
    problems: list[Problem] = []
    condition = parse_condition({"stage": raw}, "", problems)
    assert condition is not None and not problems, problems
    assert condition.dump() == {"stage": raw} and condition.listens().facts == {"stage"}
    return condition.check(View(Profile(1, stage=stage), 5, settings=settings)).value


def test_conditions_on_stages_follow_the_order_of_the_funnel() -> None:
    assert [holds("mql", stage) for stage in ("", "lead", "mql", "sql")] == [False, False, True, False]
    assert [holds({"at_least": "mql"}, stage) for stage in ("", "lead", "mql", "sql")] == [False, False, True, True]
    assert [holds({"before": "mql"}, stage) for stage in ("", "lead", "mql", "sql")] == [True, True, False, False]
    assert holds("visitor", "") and holds({"at_least": "visitor"}, "gone")
    assert not holds({"before": "unknown"}, "lead"), "a stage that the funnel does not have"
    assert not holds("lead", "lead", {}), "no funnel"
    assert holds({"before": "lead"}, "", {"funnel": {"stages": STAGES[1:]}}), "before the first"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (5, "c.stage: expected the id of a stage"),
        ({}, "c.stage: expected {at_least: …}"),
        ({"at_lest": "mql"}, "c.stage: expected {at_least: mql} or {before: mql}"),
        ({"at_least": "a", "before": "b"}, "c.stage: expected {at_least: mql} or {before: mql}"),
        ({"before": 7}, "c.stage.before: expected the id of a stage, found 7"),
    ],
)
def test_a_wrong_condition_is_told(raw: Any, said: str) -> None:
    problems: list[Problem] = []
    assert parse_condition({"stage": raw}, "c", problems) is None
    assert str(problems[0]).startswith(said), problems


def qualified() -> dict[str, Any]:
    """A journey that somebody starts who becomes at least mql (by segment, so that no trigger of stages is needed)."""
    wait = {"w": {"wait_for_condition": {"condition": {"stage": {"at_least": "mql"}}}, "happened": "over"}}
    return journey({**wait, "over": {"end": "qualified"}})


def test_a_stage_is_entered_when_its_condition_comes_true_and_runs_hear_of_it() -> None:
    story = Story(qualified(), settings=FUNNEL)
    assert story.profile.stage == "", "a visitor needs no mark"
    story.event("Go")
    story.event("Demo Requested")
    assert story.profile.stage == "mql" and story.ends == ["qualified"]
    story.tell(None)
    story.event("Order Completed", total=5)
    assert story.profile.stage == "customer"


def test_of_several_stages_entered_at_once_the_furthest_stays() -> None:
    both = [
        {"id": "a", "when": {"event": "X"}},
        {"id": "b", "when": {"event": "X"}},
        {"id": "c", "when": {"stage": "b"}},
    ]
    story = Story(settings={"funnel": {"stages": both}})
    story.event("X")
    assert story.profile.stage == "c", "a stage may follow from a stage"


def test_whoever_is_further_on_is_not_brought_back_by_a_rule() -> None:
    up = journey({"up": {"move_stage": "sql", "next": "over"}})
    story = Story(up, settings=FUNNEL)
    story.event("Go")
    story.event("Demo Requested")
    assert story.profile.stage == "sql"


def publish(story: Story, at: str, settings: dict[str, Any]) -> None:
    story.now = ms(at)
    story.plan = story.plan.apply(PlanChange(story.plan.number + 1, story.now, "settings", document=settings))
    story.tell(None)


def test_who_fulfils_a_rule_when_the_funnel_is_published_is_moved_without_a_trigger() -> None:
    entered = journey(NOW, on={"stage_changed": {"to": "mql"}})
    story = Story(entered, qualified() | {"id": "waits"})
    story.event("Demo Requested")
    story.event("Go")
    # What is counted counts from the publishing on; what is a fact holds at once.
    stages = [{"id": "visitor"}, {"id": "mql", "when": {"attribute": "email", "exists": True}}, {"id": "customer"}]
    publish(story, "2026-03-03 10:00", {"funnel": {"stages": stages}})
    assert story.profile.stage == "mql"
    assert story.ends == ["qualified"], "runs go on by what holds now, and nothing was started"
    assert story.whys("started") == ["event Go"]


def test_a_rule_that_is_changed_under_the_same_name_is_judged_anew_and_other_settings_move_nobody() -> None:
    down = journey({"down": {"move_stage": {"to": "visitor", "only_forward": False}, "next": "over"}})
    rule = {"attribute": "plan", "is": "gold"}
    story = Story(
        down, settings={"funnel": {"stages": [{"id": "visitor"}, {"id": "vip", "when": rule}]}}, plan="silver"
    )
    assert story.profile.stage == ""
    rule = {"attribute": "plan", "in": ["gold", "silver"]}
    publish(story, "2026-03-03 10:00", {"funnel": {"stages": [{"id": "visitor"}, {"id": "vip", "when": rule}]}})
    assert story.profile.stage == "vip"
    story.event("Go")
    assert story.profile.stage == "visitor"
    publish(story, "2026-03-04 10:00", {"lateness": 1000})
    assert story.profile.stage == "visitor", "a rule acts when it comes true"
    publish(story, "2026-03-05 10:00", {"funnel": None})
    story.identify(plan="gold")
    assert not story.profile.segments


def test_the_preset_is_a_whole_funnel_of_leads() -> None:
    problems: list[Problem] = []
    assert [stage.id for stage in parse("leads", "funnel", problems)] == ["visitor", "lead", "mql", "sql", "customer"]
    assert not problems
    story = Story(settings={"funnel": PRESETS["leads"], "engagement": {"weights": {"Page Viewed": 25}}})
    story.event("Page Viewed")
    story.event("Page Viewed")
    assert story.profile.stage == "mql"
    story.event("Demo Requested")
    assert story.profile.stage == "sql"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("leds", "f: 'leds' is no preset; did you mean 'leads'? (there are: leads)"),
        (5, "f: expected {stages: […]}"),
        ({"stages": []}, "f: expected {stages: […]} with 1 to 30 stages"),
        ({"stages": [{"id": "a"}], "stage": 1}, "f.stage: 'stage' is not part of a funnel; did you mean 'stages'?"),
        ({"stages": ["lead"]}, "f.stages[0]: expected a stage such as {id: lead}, found 'lead'"),
        ({"stages": [{"id": "a"}, {"id": "a"}]}, "f.stages[1].id: there are two stages 'a'"),
        ({"stages": [{"id": "A B"}]}, "f.stages[0].id: expected lower-case letters"),
        ({"stages": [{"id": "a", "name": 5}]}, "f.stages[0].name: expected a text, found 5"),
        ({"stages": [{"id": "a", "whn": {}}]}, "f.stages[0].whn: 'whn' is not part of a stage; did you mean 'when'?"),
        (
            {"stages": [{"id": "a", "when": {"scor": 5}}]},
            "f.stages[0].when: 'scor' is no form of condition; did you mean",
        ),
    ],
)
def test_a_wrong_funnel_is_told(raw: Any, said: str) -> None:
    problems: list[Problem] = []
    parse(raw, "f", problems)
    assert any(str(one).startswith(said) for one in problems), problems


def test_no_funnel_has_no_stages() -> None:
    assert parse(None, "f", []) == ()
    assert stage_of(Profile(1, stage="lead"), {"funnel": None}) == ""
