"""The life of a journey (journeys.md rule 9, engine.md 17 and 18): published, paused, resumed, at sunset, stopped; and the plan itself."""

from __future__ import annotations

import pytest
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, journey, plan_of, shown

from wend.core.journey.document import dump
from wend.core.plan import ChangeKind, Plan, PlanChange

WAIT = {"w": {"wait": "2h", "next": "t"}, "t": {"add_tag": "done", "next": "over"}}
AWAIT = {
    "w": {"wait_for_event": {"event": "E"}, "happened": "s"},
    "s": {"send": {"channel": "email", "template": "t"}, "next": "over"},
}


def test_engine_18_while_paused_nobody_enters_and_the_refusal_is_recorded() -> None:
    story = Story(journey(WAIT))
    story.change("pause")
    story.event()
    assert story.refusals == ["the journey is paused"] and story.profile.runs == []


def test_engine_18_while_paused_timers_stand_still_and_do_not_keep_anybody_due() -> None:
    story = Story(journey(WAIT), journey({"w": {"wait": "1d", "next": "over"}}, id="other"))
    story.event()
    story.change("pause")
    assert story.wakes_at == MONDAY + DAY, "only the other journey's timer counts"
    story.wait("3h")
    assert story.profile.tags == []


def test_engine_18_on_resume_due_waits_run_with_now_the_instant_of_the_resume_in_order() -> None:
    first, second = (
        {"w": {"wait": length, "next": "t"}, "t": {"add_tag": tag, "next": "over"}}
        for length, tag in (("2h", "second"), ("1h", "first"))
    )
    story = Story(journey(first), journey(second, id="k"))
    story.event()
    story.change("pause", "j")
    story.change("pause", "k")
    story.skip("5h")
    story.change("resume", "j", lift=False)
    story.change("resume", "k", lift=False)
    story.skip("5h")
    story.tell(None)
    assert story.profile.tags == ["second", "first"], "journey j was resumed first"
    assert [step.at for step in story.steps if step.kind == "ended"] == [MONDAY + 5 * HOUR] * 2


def test_engine_18_in_one_journey_due_waits_run_in_the_order_in_which_they_fell_due() -> None:
    nodes = {"w": {"wait": {"entry": "length"}, "next": "over"}}
    story = Story(journey(nodes, concurrency="many"))
    for length in ("3h", "1h", "2h"):
        story.event(length=length)
    story.change("pause")
    story.skip("1d")
    story.change("resume")
    assert [step.run for step in story.steps if step.kind == "ended"] == ["a11ce-2", "a11ce-3", "a11ce-1"]


def test_engine_18_a_wait_that_is_not_due_at_the_resume_goes_on_as_it_was() -> None:
    story = Story(journey(WAIT))
    story.event()
    story.change("pause")
    story.skip("1h")
    story.change("resume")
    assert story.wakes_at == MONDAY + 2 * HOUR


def test_engine_18_while_paused_facts_exits_goals_and_awaited_events_count() -> None:
    story = Story(
        journey(AWAIT, id="awaits"),
        journey(WAIT, id="exits", exit_when={"event": "E"}, goal={"event": "E"}),
        journey(WAIT, id="lost", exit_when={"attribute": "status", "is": "lost"}),
    )
    story.event()
    for id in ("awaits", "exits", "lost"):
        story.change("pause", id)
    story.event("E")
    story.identify(status="lost")
    assert story.whys("ended", journey="exits") == ["exit: E"] and story.goals() == [0]
    assert story.whys("ended", journey="lost") == ["exit: its condition is true"]
    assert story.places == ["s"] and not story.sends, "it moved, but does nothing while the journey is paused"
    story.event("E")
    story.skip("1d")
    story.change("resume", "awaits")
    assert len(story.sends) == 1 and story.sends[0].created_at == MONDAY + DAY


def test_engine_18_an_outcome_is_taken_while_paused_and_the_wait_behind_it_is_over_on_resume() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "t"}, "next": "w"}, **WAIT}
    story = Story(journey(nodes, start="s"), answers={"s": None})
    story.event()
    story.change("pause")
    story.answer(story.sends[0], "accepted")
    assert story.places == ["w"]
    story.skip("3h")
    story.change("resume")
    assert story.profile.tags == ["done"]


def test_engine_18_who_leaves_because_another_run_goes_on_is_not_entered_any_more() -> None:
    nodes = {"w": {"wait_for_event": {"event": "E"}, "happened": "t"}, "t": {"add_tag": "x", "next": "s"}}
    nodes["s"] = {"wait": "1d", "next": "over"}
    story = Story(journey(nodes, concurrency="many", exit_when={"tag": "x"}))
    story.event()
    story.event()
    story.change("pause")
    story.event("E")
    assert story.places == ["t", "t"]
    story.change("resume")
    assert story.ends == ["exit: its condition is true"] * 2
    assert [step.run for step in story.steps if step.kind == "moved" and step.node == "t"] == ["a11ce-1"]


def test_rule_09_at_sunset_nobody_enters_and_who_is_inside_finishes() -> None:
    story = Story(journey(WAIT, concurrency="many"))
    story.event()
    story.change("sunset")
    story.event()
    assert story.refusals == ["the journey is sunset"]
    story.wait("2h")
    assert story.ends == ["over"]


def test_rule_09_a_paused_journey_goes_on_at_its_sunset() -> None:
    story = Story(journey(AWAIT))
    story.event()
    story.change("pause")
    story.event("E")
    story.change("sunset")
    assert len(story.sends) == 1 and story.ends == ["over"]


def test_rule_09_stopped_everybody_leaves_and_the_reason_is_recorded() -> None:
    story = Story(journey(WAIT), journey(WAIT, id="other"))
    story.event()
    story.change("stop")
    assert story.whys("ended", journey="j") == ["the journey was stopped"]
    assert [run.journey for run in story.profile.runs] == ["other"]
    story.event()
    assert story.refusals == ["already inside"], "a stopped journey hears no triggers; only the other one does"


def test_rule_09_what_fell_due_before_the_stop_still_happened() -> None:
    story = Story(journey(WAIT))
    story.event()
    story.skip("3h")
    story.change("stop", lift=False)
    story.skip("1h")
    story.tell(None)
    assert story.profile.tags == ["done"] and story.ends == ["over"]


def test_rule_09_what_would_fall_due_after_the_stop_does_not_happen() -> None:
    story = Story(journey(WAIT))
    story.event()
    story.skip("1h")
    story.change("stop", lift=False)
    story.skip("5h")
    story.tell(None)
    assert story.profile.tags == [] and story.ends == ["the journey was stopped"]
    assert story.steps[-1].at == MONDAY + HOUR, "it happened at the instant of the stop, however late it was noticed"


def test_engine_17_several_changes_missed_are_each_taken_at_their_own_time() -> None:
    nodes = {"w": {"wait": "1h", "next": "t"}, "t": {"adjust_score": 1, "next": "w"}}
    story = Story(journey(nodes))
    story.event()
    story.skip("90m")
    story.change("pause", lift=False)  # after one round, due again at 2 h
    story.skip("150m")
    story.change("resume", lift=False)  # at 4 h
    story.skip("2h")
    story.change("pause", lift=False)  # at 6 h: rounds at 4, 5 and (timer first) 6 h
    story.skip("10h")
    story.change("stop", lift=False)
    story.change("publish", document=journey(nodes), lift=False)
    story.skip("1h")
    story.tell(None)
    assert story.profile.score == 4
    assert story.ends == ["the journey was stopped"] and story.profile.plan == story.plan.number
    assert [step.at - MONDAY for step in story.steps if step.kind == "ended"] == [16 * HOUR]


def test_engine_17_lifting_at_once_or_step_by_step_gives_the_same() -> None:
    outcomes = []
    for lift in (True, False):
        story = Story(journey({"w": {"wait": "1h", "next": "t"}, "t": {"adjust_score": 1, "next": "w"}}))
        story.event()
        acts: list[tuple[ChangeKind, str]] = [("pause", "90m"), ("resume", "3h"), ("pause", "2h"), ("sunset", "1h")]
        for kind, length in acts:
            story.skip(length)
            story.change(kind, lift=lift)
        story.skip("90m")
        story.tell(None)
        outcomes.append((story.profile.score, story.wakes_at, [(step.at, step.kind) for step in story.steps]))
    assert outcomes[0] == outcomes[1]


def test_engine_17_publishing_again_resumes_a_paused_journey() -> None:
    story = Story(journey(AWAIT))
    story.event()
    story.change("pause")
    story.event("E")
    story.change("publish", document=journey(AWAIT))
    assert len(story.sends) == 1


def test_who_is_in_no_journey_is_lifted_without_ado() -> None:
    story = Story(journey(WAIT, exit_when={"event": "Bought"}))
    story.event("Bought")
    assert story.profile.windows
    story.change("stop")
    assert story.profile.plan == story.plan.number
    assert story.profile.windows == {}, "what no published plan reads is let go"


def test_an_older_plan_never_takes_a_person_back() -> None:
    story = Story(journey(WAIT))
    older = story.plan
    story.change("publish", document=journey(WAIT, id="k"))
    story.plan = older
    story.event()
    assert story.profile.plan == 2


# --- the plan ---


def test_changes_follow_each_other_without_gaps() -> None:
    with pytest.raises(ValueError, match="change 2 does not follow plan 0"):
        Plan.empty().apply(PlanChange(2, 0, "settings", document={}))


def test_what_was_never_published_cannot_be_stopped() -> None:
    with pytest.raises(ValueError, match="journey 'x' was never published"):
        Plan.empty().apply(PlanChange(1, 0, "stop", "x"))


def test_a_document_with_errors_or_of_another_journey_makes_no_plan() -> None:
    with pytest.raises(ValueError, match="journey x version 3: nodes: expected at least one node"):
        Plan.empty().apply(
            PlanChange(1, 0, "publish", "x", 3, {"id": "x", "entry": {"on": "api"}, "start": "a", "nodes": {}})
        )
    with pytest.raises(ValueError, match="journey x version 1: expected a journey document"):
        Plan.empty().apply(PlanChange(1, 0, "publish", "x", 1, None))
    with pytest.raises(ValueError, match="the document of journey 'x' says it is 'j'"):
        Plan.empty().apply(PlanChange(1, 0, "publish", "x", 1, journey(WAIT)))


def test_settings_are_merged_and_give_the_zone() -> None:
    plan = plan_of(settings={"zone": "Asia/Tokyo"}).apply(PlanChange(2, 5, "settings", document={"lateness": MINUTE}))
    assert (plan.zone, plan.lateness, plan.at) == ("Asia/Tokyo", MINUTE, 5)
    assert plan.apply(PlanChange(3, 6, "settings")).zone == "Asia/Tokyo"
    assert (Plan.empty().zone, Plan.empty().lateness) == ("UTC", 72 * HOUR)


def test_the_zone_of_the_workspace_counts_for_people_without_one() -> None:
    nodes = {"w": {"wait_for_date": {"date": "2026-03-05", "at": "09:00"}, "next": "over"}}
    for timezone, at in (
        (None, "2026-03-05 00:00"),
        ("Europe/Berlin", "2026-03-05 08:00"),
        ("Mars/Olympus", "2026-03-05 00:00"),
    ):
        story = Story(journey(nodes), settings={"zone": "Asia/Tokyo"}, timezone=timezone)
        story.event()
        assert shown(story.wakes_at) == at


def test_a_zone_that_arrives_together_with_what_depends_on_it_is_already_in_force() -> None:
    nodes = {"w": {"wait_for_date": {"attribute": "due", "at": "09:00"}, "next": "over"}}
    story = Story(journey(nodes, on={"attribute_changed": "due"}))
    story.identify(due="2026-03-05", timezone="America/New_York")
    assert shown(story.wakes_at) == "2026-03-05 14:00"


def test_a_plan_keeps_versions_and_gives_the_document_back() -> None:
    document = journey(WAIT, name="Waits", layout={"w": [1, 2]})
    plan = plan_of(document)
    compiled = plan.compiled("j", 1)
    assert dump(compiled.document) == document and plan.journeys["j"].live is compiled
    assert plan.changes[0].document is None, "the compiled form is enough"
    with pytest.raises(KeyError):
        plan.compiled("j", 2)


def test_a_leaf_that_hears_every_event_is_counted_once() -> None:
    nodes = {
        "c": {"check": {"event": ["*", "A"], "count": {"gte": 2}}, "yes": "y", "no": "n"},
        "y": {"end": "y"},
        "n": {"end": "n"},
    }
    story = Story(journey(nodes, on="Ask"))
    story.event("Ask")
    story.event("A")
    story.event("Ask")
    assert story.ends == ["n", "y"]
    assert len(next(iter(story.profile.windows.values()))) == 2
