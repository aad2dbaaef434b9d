"""engine.md 13: segments, stages, caps, habits, places and runs on several ways, of two people who turned out to be one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.journey.story import DAY, HOUR, MONDAY, journey, plan_of

from wend.core.condition.member import key_of
from wend.core.inputs import Event, Identify, MergeOut, MergeState
from wend.core.pack import pack, unpack
from wend.core.plan import Plan, PlanChange
from wend.core.profile import MAX_RUNS, Profile, Run
from wend.core.react import Decision, react

X, U = 11, 22
LONG = {"w": {"wait": "30d", "next": "over"}}


def joined(other: Profile, mine: Profile, plan: Plan | None = None, now: int = MONDAY) -> Decision:
    """What the survivor makes of the absorbed state, as it arrives: through JSON."""
    plan = plan or Plan.empty()
    other.plan = mine.plan = plan.number
    mine.awaiting, mine.last = [other.id], mine.last or 1
    state, attributes = json.loads(json.dumps([pack(other), other.attributes]))
    return react(plan, mine, MergeState(other.id, now, state, attributes), now)


def united(other: Profile, mine: Profile, plan: Plan | None = None) -> Profile:
    return joined(other, mine, plan).profile


def with_segments(*documents: dict[str, Any], journeys: tuple[dict[str, Any], ...] = ()) -> Plan:
    plan = plan_of(*journeys)
    for document in documents:
        number = plan.number + 1
        plan = plan.apply(PlanChange(number, 0, "segment", document["id"], 1, document))
        if "condition" in document:
            plan = plan.apply(PlanChange(number + 1, 0, "segment_live", document["id"], 1))
    return plan


def live(id: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "name": id, "condition": condition}


# --- segments ---


def test_lists_unite_and_live_segments_are_judged_by_what_was_united() -> None:
    plan = with_segments(
        live("buyers", {"event": "Bought", "count": {"gte": 2}}),
        live("new", {"not": {"event": "Bought"}}),
        {"id": "fair", "name": "fair", "list": True},
    )
    people = {id: Profile(id) for id in (X, U)}
    for id, profile in people.items():
        people[id] = react(plan, profile, Event("Bought", MONDAY), MONDAY).profile
    assert key_of("buyers") not in people[X].segments
    people[X].segments[key_of("fair")] = 5
    decision = joined(people[X], people[U], plan, MONDAY + HOUR)
    assert decision.profile.segments == {key_of("fair"): 5, key_of("buyers"): MONDAY + HOUR}
    assert decision.memberships == {"fair": 5, "buyers": MONDAY + HOUR}


@pytest.mark.parametrize(("trigger", "started"), [("segment_entered", "vip"), ("segment_exited", "quiet")])
def test_entering_and_leaving_by_a_merge_is_heard(trigger: str, started: str) -> None:
    document = journey(LONG, on={trigger: started})
    plan = with_segments(
        live("vip", {"event": "Bought", "count": {"gte": 2}}),
        live("quiet", {"event": "Bought", "count": {"lt": 2}}),
        journeys=(document,),
    )
    people = [react(plan, Profile(id), Event("Bought", MONDAY), MONDAY).profile for id in (X, U)]
    assert [profile.runs for profile in people] == [[], []]
    assert [run.journey for run in joined(people[0], people[1], plan).profile.runs] == ["j"]


def test_timers_of_segments_are_set_anew_for_the_united_history() -> None:
    plan = with_segments(live("seen", {"event": "Seen", "within": "10d"}))
    first = react(plan, Profile(X), Event("Seen", MONDAY), MONDAY).profile
    second = react(plan, Profile(U), Event("Other", MONDAY), MONDAY).profile
    assert second.turns == {}
    decision = joined(first, second, plan, MONDAY + HOUR)
    assert decision.wakes_at == MONDAY + 10 * DAY
    gone = react(plan, decision.profile, None, MONDAY + 10 * DAY)
    assert gone.memberships == {"seen": None} and gone.profile.segments == {}


def test_a_date_that_one_of_the_two_has_had_is_not_had_again() -> None:
    over = {"over": {"end": "wished"}}
    plan = plan_of(journey(over, on={"date": {"attribute": "birthday", "anniversary": True}}, reentry="always"))
    people = [
        react(plan, Profile(id), Identify({"birthday": "1990-03-02"} if id == X else {"a": 1}, MONDAY), MONDAY).profile
        for id in (X, U)
    ]
    assert [len(profile.past) for profile in people] == [1, 0]
    decision = joined(people[0], people[1], plan, MONDAY + HOUR)
    assert decision.profile.past["j"][0][3] == 1
    assert not [step for step in decision.steps if step.kind == "started"]
    again = react(plan, decision.profile, None, MONDAY + 365 * DAY)
    assert again.profile.past["j"][0][3] == 2, "next year they are wished again, once"


# --- what the state remembers beside ---


FUNNEL = {"funnel": {"stages": [{"id": "lead"}, {"id": "mql"}, {"id": "customer"}]}}


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("lead", "customer", "customer"),
        ("customer", "lead", "customer"),
        ("", "mql", "mql"),
        ("mql", "", "mql"),
        ("retired", "lead", "lead"),
        ("lead", "retired", "lead"),
    ],
)
def test_of_two_stages_the_further_one_stays(mine: str, theirs: str, expected: str) -> None:
    plan = plan_of(settings=FUNNEL)
    assert united(Profile(X, stage=theirs), Profile(U, stage=mine), plan).stage == expected


def test_without_a_funnel_the_survivors_stage_stays() -> None:
    assert united(Profile(X, stage="b"), Profile(U, stage="a")).stage == "a"
    assert united(Profile(X, stage="b"), Profile(U)).stage == "b"


def test_what_both_were_sent_counts_for_the_caps_within_their_bounds() -> None:
    rules = [{"limit": 3, "within": "7d"}, {"limit": 1, "within": "30d", "same": "template"}]
    plan = plan_of(settings={"caps": rules})
    every, same = (cap.id for cap in plan.caps)
    other = Profile(X, caps={every: [10, 40], f"{same}:hello": [10], "of no rule": [1]})
    mine = Profile(U, caps={every: [20, 30], f"{same}:hello": [30], f"{same}:bye": [20]})
    assert united(other, mine, plan).caps == {every: [20, 30, 40], f"{same}:hello": [30], f"{same}:bye": [20]}


def test_of_too_many_values_under_a_cap_the_latest_stay() -> None:
    plan = plan_of(settings={"caps": [{"limit": 1, "within": "30d", "same": "template"}]})
    (cap,) = plan.caps
    other = Profile(X, caps={f"{cap.id}:x{n}": [2 * n] for n in range(40)})
    mine = Profile(U, caps={f"{cap.id}:u{n}": [2 * n + 1] for n in range(40)})
    kept = united(other, mine, plan).caps
    assert len(kept) == 50 and min(min(times) for times in kept.values()) == 30


def test_habits_unite_within_their_bounds() -> None:
    other = Profile(X, hours={"email": [8] * 15, "sms": [1]}, response={"email": [40, 30, 7], "sms": [2, 1]})
    mine = Profile(U, hours={"email": [20] * 15}, response={"email": [20, 10, 9]})
    found = united(other, mine)
    assert found.hours == {"email": [8] * 5 + [20] * 15, "sms": [1]}
    assert found.response == {"email": [30, 20, 7, 9], "sms": [2, 1]}


def test_where_they_were_seen_last_is_where_they_are() -> None:
    here, there = [52.5, 13.4, 100], [48.1, 11.6, 200]
    later = united(
        Profile(X, location=there, fences={"shop": 150, "home": 180}), Profile(U, location=here, fences={"shop": 90})
    )
    assert (later.location, later.fences) == (there, {"shop": 90, "home": 180})
    earlier = united(Profile(X, location=here, fences={"shop": 90}), Profile(U, location=there, fences={"home": 180}))
    assert (earlier.location, earlier.fences) == (there, {"home": 180})
    assert united(Profile(X, location=here), Profile(U)).location == here


def test_whoever_belonged_to_companies_belongs_to_all_of_them() -> None:
    other = Profile(X, {"groups": {"acme": {"plan": "free"}, "beta": {"plan": "pro"}}})
    mine = Profile(U, {"groups": {"acme": {"plan": "enterprise"}}})
    assert united(other, mine).attributes == {"groups": {"acme": {"plan": "enterprise"}, "beta": {"plan": "pro"}}}
    assert united(other, Profile(U, {"groups": "none"})).attributes == {"groups": "none"}


# --- runs ---


def run(id: str, key: Any = None, parent: str = "", started: int = 1, **more: Any) -> Run:
    return Run(id, "j", 1, "w", started, started, key, entered=started, until=MONDAY + DAY, parent=parent, **more)


KEYED = plan_of(journey(LONG, key="k"))


def test_a_run_goes_on_with_all_its_ways_and_its_arms() -> None:
    family = [run("b-1", arms={"split": "a"}), run("b-1-1", parent="b-1"), run("b-1-2", parent="b-1")]
    decision = joined(Profile(X, runs=family), Profile(U, runs=[run("16-1", key=1)]), KEYED)
    assert sorted(decision.moved, key=lambda one: one.id) == family
    assert {one.id for one in decision.profile.runs} == {"16-1", "b-1", "b-1-1", "b-1-2"}
    assert decision.profile.runs[1].arms == {"split": "a"}


def test_where_the_survivor_has_the_run_already_the_other_ends_with_all_its_ways() -> None:
    family = [run("b-1-1", parent="b-1"), run("b-1"), run("b-1-1-1", parent="b-1-1"), run("b-2", key=2)]
    mine = [run("16-1"), run("16-1-1", parent="16-1")]
    decision = joined(Profile(X, runs=family), Profile(U, runs=mine), KEYED)
    assert [one.id for one in decision.profile.runs] == ["16-1", "16-1-1", "b-2"]
    assert [(step.run, step.why) for step in decision.steps] == [("b-1", "merged")], "its ways end with it"


def test_a_run_and_its_ways_find_room_together_or_not_at_all() -> None:
    mine = [run(f"16-{n}", key=n) for n in range(MAX_RUNS - 2)]
    family = [run("b-1", "x"), run("b-1-1", "x", "b-1"), run("b-1-2", "x", "b-1"), run("b-2", "y")]
    decision = joined(Profile(X, runs=family), Profile(U, runs=mine), KEYED)
    assert {one.id for one in decision.profile.runs} == {*(one.id for one in mine), "b-2"}
    assert decision.gone == {"b-1", "b-1-1", "b-1-2"}


def test_reentry_is_counted_from_the_run_not_from_one_of_its_ways() -> None:
    mine = Profile(U, past={"j": [[None, 1, 5, 2, "16-1", True, {"split": "b"}]]})
    family = [run("b-1", started=3), run("b-1-1", parent="b-1", started=4)]
    found = united(Profile(X, runs=family, past={"j": [[None, 3, 0, 1, "b-1", False]]}), mine, KEYED)
    assert found.past == {"j": [[None, 3, 0, 3, "b-1", False]]}


# --- whatever the states ---

times = st.integers(1, 60)
people = st.builds(
    lambda stage, location, fences, hours, response, tags: Profile(
        0,
        stage=stage,
        location=[1.0, 2.0, location] if location else [],
        fences=dict.fromkeys(fences, 5) if location else {},
        hours={"email": hours} if hours else {},
        response={"email": [len(hours) + response, response]},
        tags=list(tags),
    ),
    st.sampled_from(["", "lead", "mql", "customer", "retired"]),
    st.integers(0, 9),
    st.sets(st.sampled_from(["a", "b"])),
    st.lists(st.integers(0, 23), max_size=20),
    st.integers(0, 30),
    st.sets(st.sampled_from("xyz")),
)


@settings(deadline=None, max_examples=60)
@given(people, people)
def test_a_united_state_is_bounded_and_packs_like_any_other(one: Profile, two: Profile) -> None:
    plan = plan_of(settings=FUNNEL)
    found = united(replace(one, id=X), replace(two, id=U), plan)
    assert len(found.hours.get("email", [])) <= 20
    accepted, answered, *_ = found.response["email"]
    assert accepted <= 50 and answered <= accepted
    assert set(found.tags) == set(one.tags) | set(two.tags)
    assert unpack(U, json.loads(json.dumps(pack(found)))) == replace(found, attributes_changed=False)
    gone = react(plan, found, MergeOut(33, MONDAY + 1), MONDAY + 1)
    assert gone.profile.survivor == 33 and gone.profile.hours == {}
