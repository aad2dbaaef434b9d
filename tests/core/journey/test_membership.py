"""journeys.md rule 4: membership is exact in real time, entering and leaving, also when only time passes; engine.md 6: segments are
judged before runs hear what happened."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.belonging import QUIET, TWICE, VIP, change, is_in, live, story
from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey

from wend.core.condition.member import key_of
from wend.core.condition.syntax import parse
from wend.core.inputs import Chunk, Event, Feedback, Identify, ListChange, MergeAwait, MergeOut, MergeState, Start
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    FactsChanged,
    FenceCrossed,
    Merged,
    MessageChanged,
    ScoreChanged,
    StageChanged,
    StartAsked,
    TagAdded,
)
from wend.core.problems import Problem
from wend.core.profile import Profile
from wend.core.react import react
from wend.core.segment import Segment, Watch, latest, parse_document

# --- entering and leaving ---


def test_rule_4_a_person_enters_and_leaves_with_the_input_that_changes_it() -> None:
    person = story(vip=VIP)
    decision = person.identify(city="Oslo")
    assert is_in(person, "vip") and decision.memberships == {"vip": person.now}
    decision = person.identify(city="Rome")
    assert not is_in(person, "vip") and decision.memberships == {"vip": None}


def test_rule_4_a_person_leaves_at_the_exact_instant_at_which_an_event_leaves_the_window() -> None:
    person = story(twice=TWICE)
    person.event("Bought")
    person.wait("2h")
    person.event("Bought")
    assert is_in(person, "twice")
    person.until(MONDAY + DAY - 1)
    assert is_in(person, "twice")
    person.until(MONDAY + DAY)
    assert not is_in(person, "twice")


def test_rule_4_a_person_enters_by_mere_passing_of_time_and_a_later_event_puts_it_off() -> None:
    person = story(quiet=QUIET)
    person.event("Looked")
    person.wait("2d")
    person.event("Looked")
    assert person.profile.turns == {key_of("quiet"): MONDAY + 3 * DAY}, "kept lazily: the earlier instant stays"
    person.until(MONDAY + 5 * DAY - 1)
    assert not is_in(person, "quiet")
    person.until(MONDAY + 5 * DAY)
    assert person.profile.segments == {key_of("quiet"): MONDAY + 5 * DAY}
    person.event("Looked")
    assert not is_in(person, "quiet")


def test_a_new_person_is_judged_on_the_first_input() -> None:
    plan = story(never={"not": {"event": "Bought"}}, vip=VIP).plan
    decision = react(plan, Profile(9), Event("Looked", MONDAY), MONDAY)
    assert decision.memberships == {"never": MONDAY}


def test_whoever_awaits_a_merge_is_judged_when_it_is_done() -> None:
    plan = story(never={"not": {"event": "Bought"}}).plan
    decision = react(plan, Profile(9), MergeAwait(8, MONDAY), MONDAY)
    assert decision.memberships == {}
    decision = react(plan, decision.profile, MergeState(8, MONDAY, None), MONDAY + 1)
    assert decision.memberships == {"never": MONDAY}


# --- nesting ---


def test_who_reads_another_segment_is_judged_after_it_in_whatever_order_they_were_published() -> None:
    person = story(top={"all": [{"segment": "middle"}, {"not": {"segment": "other"}}]})
    for id, condition in {"other": {"tag": "x"}, "middle": {"any": [{"segment": "base"}]}, "base": VIP}.items():
        live(person, id, condition)
    decision = person.identify(city="Oslo")
    assert set(decision.memberships) == {"base", "middle", "top"}
    decision = person.identify(city="Rome")
    assert decision.memberships == dict.fromkeys(("base", "middle", "top"))


def test_circles_are_refused_with_the_way_round() -> None:
    person = story(a={"segment": "b"}, b={"segment": "c"})
    with pytest.raises(ValueError, match=r"a → b → c → a"):
        live(person, "c", {"segment": "a"})
    with pytest.raises(ValueError, match=r"d → d"):
        live(person, "d", {"not": {"segment": "d"}})


def test_two_segments_of_one_key_are_refused_also_when_one_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wend.core.segment.key_of", lambda _: 7)  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(ValueError, match="'one' and 'two' cannot be told apart"):
        Watch([Segment("two"), Segment("one", 1, parse(VIP, "", []))])


# --- runs and triggers ---


def test_engine_6_segments_are_judged_before_runs_hear_what_happened() -> None:
    check = {"check": {"segment": "twice"}, "yes": "member", "no": "stranger"}
    ends = {"member": {"end": "member"}, "stranger": {"end": "stranger"}}
    person = story(twice={**TWICE, "within": "30d"})
    person.change("publish", document=journey({"n": check, **ends}, on="Bought", reentry="always"))
    person.event("Bought")
    person.event("Bought")
    assert person.ends == ["stranger", "member"]


def test_a_run_that_waits_for_a_segment_goes_on_when_time_alone_brings_the_person_in() -> None:
    wait = {"wait_for_condition": {"segment": "quiet"}, "happened": "over"}
    person = story(quiet=QUIET)
    person.change("publish", document=journey({"n": wait}, on="Looked"))
    person.event("Looked")
    person.until(MONDAY + 3 * DAY - 1)
    assert person.places == ["n"]
    person.until(MONDAY + 3 * DAY)
    assert person.places == []


# --- lists ---


def test_lists_change_by_input_and_whoever_reads_them_is_judged() -> None:
    person = story(friends=None, known={"all": [{"segment": "friends"}, VIP]})
    person.identify(city="Oslo")
    decision = person.tell(ListChange("friends", person.now))
    assert set(decision.memberships) == {"friends", "known"}
    assert person.tell(ListChange("friends", person.now)).memberships == {}, "once is enough"
    decision = person.tell(ListChange("friends", person.now, add=False))
    assert decision.memberships == {"friends": None, "known": None}
    for strange in ("known", "nothing"):
        assert person.tell(ListChange(strange, person.now)).memberships == {}


# --- versions ---


def test_a_warming_version_is_judged_silently_under_a_name_of_its_own() -> None:
    person = story(vip=VIP, above={"segment": "vip"})
    person.change("publish", document=journey({"n": {"end": "in"}}, id="j", on={"segment_entered": "vip"}))
    change(person, "segment", "vip", 2, {"id": "vip", "condition": {"tag": "gold"}})
    decision = person.tell(Identify({}, person.now, tags=["gold"]))
    assert decision.memberships == {"vip@2": person.now} and not person.ends
    change(person, "segment_live", "vip", 2)
    decision = person.tell(None)
    assert is_in(person, "vip") and decision.memberships == {"above": person.now} and not person.ends
    assert key_of("vip@2") not in person.profile.segments


def test_whoever_stays_in_a_segment_when_it_changes_is_in_it_since_when_they_were() -> None:
    person = story(vip=VIP)
    person.identify(city="Oslo")
    person.skip("1h")
    change(person, "segment", "vip", 2, {"id": "vip", "condition": {"attribute": "city", "in": ["Oslo", "Rome"]}})
    person.identify(city="Oslo", name="Ann")
    person.identify(city="Rome")
    assert person.profile.segments == {key_of("vip@2"): person.now}
    person.identify(city="Oslo")
    since = person.now
    person.skip("1h")
    change(person, "segment_live", "vip", 2)
    person.tell(None)
    assert person.profile.segments == {key_of("vip"): since}


def test_a_run_that_waits_hears_that_a_new_version_has_taken_force() -> None:
    wait = {"wait_for_condition": {"segment": "vip"}, "happened": "over"}
    person = story(vip=VIP)
    person.change("publish", document=journey({"n": wait}))
    person.event("Go")
    change(person, "segment", "vip", 2, {"id": "vip", "condition": {"tag": "gold"}})
    person.tell(Identify({}, person.now, tags=["gold"]))
    assert person.places == ["n"]
    change(person, "segment_live", "vip", 2)
    person.tell(None)
    assert person.places == []


def test_turns_move_with_the_version_that_takes_force() -> None:
    person = story(quiet=QUIET)
    person.event("Looked")
    change(person, "segment", "quiet", 2, {"id": "quiet", "condition": {"inactive": "1d"}})
    person.wait("1h")
    person.event("Looked")
    change(person, "segment_live", "quiet", 2)
    person.tell(None)
    assert person.profile.turns == {key_of("quiet"): MONDAY + HOUR + DAY}
    person.until(MONDAY + HOUR + DAY)
    assert is_in(person, "quiet")


def test_a_version_that_was_given_up_or_is_gone_leaves_nothing_behind() -> None:
    person = story(quiet=QUIET)
    for version in (2, 3):
        change(person, "segment", "quiet", version, {"id": "quiet", "condition": {"inactive": "1d"}})
        person.wait("1h")
        person.event("Looked")
    assert set(person.profile.turns) == {key_of("quiet"), key_of("quiet@3")}
    person.until(MONDAY + 4 * DAY)
    assert set(person.profile.segments) == {key_of("quiet"), key_of("quiet@3")}
    change(person, "segment_gone", "quiet", 3)
    person.event("Looked")
    assert not person.profile.segments and not person.profile.turns


def test_who_was_away_is_lifted_over_several_versions_at_once() -> None:
    person = story(quiet=QUIET)
    person.event("Looked")
    for version in (2, 3):
        change(person, "segment", "quiet", version, {"id": "quiet", "condition": {"inactive": f"{version}h"}})
        change(person, "segment_live", "quiet", version)
    person.until(MONDAY + 3 * HOUR - 1)
    person.tell(None)
    assert not is_in(person, "quiet")
    person.until(MONDAY + 3 * HOUR)
    assert is_in(person, "quiet")


def test_a_version_that_took_force_and_is_gone_since_is_passed_over() -> None:
    person = story(vip=VIP)
    person.identify(city="Oslo")
    change(person, "segment", "vip", 2, {"id": "vip", "condition": {"tag": "gold"}})
    change(person, "segment_live", "vip", 2)
    change(person, "segment_gone", "vip", 2)
    person.tell(None)
    assert not person.profile.segments


def test_a_turn_of_a_segment_that_is_no_more_is_let_go() -> None:
    person = story(quiet=QUIET)
    person.profile.turns[key_of("nothing")] = MONDAY + HOUR
    person.tell(None)
    person.until(MONDAY + 2 * HOUR)
    assert person.profile.turns == {}


# --- merges ---


def test_what_either_of_two_people_was_in_the_one_is_in_unless_its_condition_says_otherwise() -> None:
    segments = {"friends": None, "never": {"not": {"event": "Bought"}}, "vip": VIP, "pros": {"segment": "friends"}}
    person, other = story(**segments), Story(consent=(), person=77)
    other.plan = person.plan
    other.tell(ListChange("friends", other.now))
    other.event("Bought")
    person.event("Looked")
    assert is_in(person, "never")
    person.skip("1h")
    other.skip("1h")
    away = other.tell(MergeOut(person.profile.id, other.now))
    assert away.memberships == {"friends": None, "pros": None}
    state = next(effect.input for effect in away.effects if hasattr(effect, "input"))  # pyright: ignore
    person.tell(MergeAwait(77, person.now))
    decision = person.tell(state)
    assert decision.memberships == {"friends": MONDAY, "pros": MONDAY, "never": None}


def test_what_a_merged_person_was_in_under_an_older_plan_is_left_out() -> None:
    person, other = story(), story(old=None)
    other.tell(ListChange("old", other.now))
    other.profile.segments[key_of("unheard of")] = 1
    away = other.tell(MergeOut(5, other.now))
    state = next(effect.input for effect in away.effects if hasattr(effect, "input"))  # pyright: ignore
    person.tell(state)
    assert not person.profile.segments


def test_a_warming_version_is_united_without_anybody_hearing_of_it() -> None:
    person, other = story(vip=VIP), Story(consent=(), person=77)
    change(person, "segment", "vip", 2, {"id": "vip", "condition": {"tag": "gold"}})
    other.plan = person.plan
    other.tell(Identify({}, other.now, tags=["gold"]))
    away = other.tell(MergeOut(person.profile.id, other.now))
    state = next(effect.input for effect in away.effects if hasattr(effect, "input"))  # pyright: ignore
    assert person.tell(state).memberships == {"vip@2": MONDAY}


# --- what concerns which segment ---


def test_only_segments_are_judged_that_what_happened_may_change() -> None:
    conditions = {
        "event": {"event": "Bought"}, "any": {"event": "*"}, "fact": {"orders": {"gt": 1}}, "attribute": VIP, "tag": {"tag": "x"},
        "score": {"score": {"gt": 1}}, "message": {"message": {"template": "t", "state": "opened"}}, "nested": {"segment": "tag"},
    }  # fmt: skip
    watch = story(**conditions).plan.watch

    def names(happened: Any) -> set[str]:
        return {one.id for one in watch.concerned(happened)}

    assert names(EventHappened(Event("Bought", 0))) == {"event", "any"}
    assert names(EventHappened(Event("Other", 0), frozenset({"orders"}))) == {"any", "fact"}
    assert names(AttributesChanged({"city.zip": (1, 2)}, 0)) == {"attribute"}
    assert names(TagAdded("x")) == {"tag"}
    assert names(ScoreChanged(0, 1)) == {"score"}
    assert names(StageChanged("", "lead")) == set()
    assert names(MessageChanged(Feedback("", "opened", 0))) == {"message"}
    assert names(FenceCrossed("home", True, 0)) == set()
    assert names(FactsChanged(frozenset({"segment:tag"}))) == {"nested"}
    assert names(Merged()) == set(conditions)
    assert names(StartAsked(Start("j", 0))) == set()


def test_names_of_events_are_the_senders_and_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wend.core.segment._CACHED", 3)
    watch = story(any={"event": "*"}).plan.watch
    for number in range(10):
        assert len(watch.concerned(EventHappened(Event(f"e{number}", 0)))) == 1
        assert len(watch._cache) <= 4  # pyright: ignore[reportPrivateUsage]


# --- documents ---


def faults(raw: Any) -> list[str]:
    problems: list[Problem] = []
    parse_document(raw, problems)
    return [str(one) for one in problems]


def test_a_document_says_all_that_is_wrong_with_it_at_once() -> None:
    found = faults({"id": "Big One", "name": 7, "conditon": {}, "list": 1, "condition": {"event": 3}})
    wanted = ("conditon", "id", "name", "condition", "list", "condition.event")
    assert [one.split(":")[0] for one in found] == list(wanted), found
    assert "did you mean 'condition'?" in found[0]
    assert faults([]) == ["expected a segment document (a mapping), found []"]
    assert faults({"id": "x"}) == ["condition: a segment has either a condition or `list: true`"]
    assert faults({"id": "-x", "list": True})[0].startswith("id:")
    assert faults({"id": "ok", "name": "Fine", "description": "…", "list": True}) == []


def test_what_makes_no_plan_is_refused() -> None:
    person = story(vip=VIP)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("segment_live", {"id": "vip", "version": 1}),
        ("segment_live", {"id": "nothing", "version": 1}),
        ("segment_gone", {"id": "nothing"}),
        ("segment", {"id": "vip", "document": {"id": "vip"}}),
        ("segment", {"id": "vip", "document": {"id": "other", "list": True}}),
    ]
    for kind, given_ in cases:
        with pytest.raises(ValueError, match="segment"):
            change(person, kind, **given_)


def test_versions_go_on_after_a_segment_was_deleted() -> None:
    person = story(vip=VIP)
    change(person, "segment_gone", "vip", 1)
    assert latest(person.plan.changes, "vip") == 1
    assert latest(person.plan.changes, "never") == 0


def test_a_version_that_is_gone_while_it_is_back_filled_is_no_more() -> None:
    person = story()
    change(person, "segment", "vip", 1, {"id": "vip", "condition": VIP})
    change(person, "segment_gone", "vip", 1)
    assert not person.plan.warming and not person.plan.segments


def test_a_chunk_is_for_the_engine_to_expand() -> None:
    person = story(vip=VIP)
    assert person.tell(Chunk([1], "start", {"journey": "j"})).steps == []
