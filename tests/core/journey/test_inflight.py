"""Publishing over people in flight (journeys.md rule 8): keep, exit, move; each golden rule of moving as a story."""

from __future__ import annotations

from typing import Any

from tests.core.journey.publications import awaits, lifted, mails, moved, waits
from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey, shown

# --- the three policies ---


def test_rule_08_keep_people_inside_finish_on_their_version() -> None:
    story = Story(waits("2h", "old"))
    story.event()
    story.change("publish", document=waits("1h", exit_when={"event": "Bought"}))
    story.event("Bought")
    assert [run.version for run in story.profile.runs] == [1] and story.wakes_at == MONDAY + 2 * HOUR
    story.wait("2h")
    assert story.profile.tags == ["old"] and lifted(story) == []
    story.event()
    assert [run.version for run in story.profile.runs] == [2], "who enters now is on the new one"


def test_rule_08_exit_people_inside_leave_at_the_publication_and_what_is_queued_is_withdrawn() -> None:
    story = Story(mails("old"), answers={"s": None})
    story.event()
    story.wait("1h")
    story.change("publish", document=waits("1h"), policy="exit", lift=False)
    story.skip("5h")
    story.tell(None)
    assert story.ends == ["version 2 was published"] and story.steps[-1].at == MONDAY + HOUR
    assert story.withdrawn == [story.sends[0].id] and story.profile.runs == []


def test_rule_08_move_people_inside_go_on_at_the_same_node_of_the_new_version() -> None:
    story = Story(waits("2h", "old"))
    story.event(product="shoe")
    moved(story, waits("2h"))
    [run] = story.profile.runs
    assert (run.version, run.node, run.entered, run.since) == (2, "w", MONDAY, MONDAY)
    assert lifted(story) == [("moved", {"from": 1, "to": 2, "node": "w"})]
    assert story.decision is not None and [one.id for one in story.decision.moved] == [run.id]
    story.wait("2h")
    assert story.profile.tags == ["new"] and run.entry == {"product": "shoe"}


def test_rule_08_move_concerns_only_runs_of_that_journey_and_of_older_versions() -> None:
    story = Story(waits("2h"), waits("2h", id="other"))
    story.event()
    moved(story, waits("3h"), lift=False)
    story.event()  # lifted first; then nobody enters twice
    assert [(run.journey, run.version) for run in story.profile.runs] == [("j", 2), ("other", 1)]


# --- waits ---


def test_rule_08_a_wait_is_timed_anew_from_when_it_was_entered_longer_or_shorter() -> None:
    for length, due in (("6h", 6 * HOUR), ("2h", 2 * HOUR)):
        story = Story(waits("4h", "old"))
        story.event()
        story.skip("1h")
        moved(story, waits(length))
        assert story.wakes_at == MONDAY + due
    for timeout, due in (("6h", 6 * HOUR), ("2h", 2 * HOUR)):
        story = Story(awaits("4h", "old"))
        story.event()
        story.skip("1h")
        moved(story, awaits(timeout))
        assert story.wakes_at == MONDAY + due


def test_rule_08_a_wait_that_is_over_by_the_new_length_goes_on_at_once_at_the_instant_of_the_publication() -> None:
    for old, new in ((waits("1d", "old"), waits("1h")), (awaits("1d", "old"), awaits("1h"))):
        story = Story(old)
        story.event()
        story.skip("3h")
        moved(story, new, lift=False)
        story.skip("2h")
        story.tell(None)
        assert story.profile.tags == ["new"]
        assert [step.at for step in story.steps if step.kind in ("lifted", "ended")] == [MONDAY + 3 * HOUR] * 2


def test_rule_08_waits_that_are_over_go_on_in_the_order_in_which_they_are_over() -> None:
    story = Story(waits("30d", concurrency="many"))
    story.event(hours=5)
    story.wait("1h")
    story.event(hours=1)
    story.wait("1d")
    moved(story, waits({"entry": "length"}, concurrency="many"))
    assert len(story.ends) == 2, "what is no length does not wait"
    story = Story(waits("30d", concurrency="many"))
    for length in ("5h", "1h", "3h"):
        story.event(length=length)
    story.wait("1d")
    moved(story, waits({"entry": "length"}, concurrency="many"))
    assert [step.run for step in story.steps if step.kind == "ended"] == ["a11ce-2", "a11ce-3", "a11ce-1"]


def test_rule_08_a_timeout_appears_and_disappears() -> None:
    endless: dict[str, Any] = {"w": {"wait_for_event": {"event": "E"}, "happened": "over"}}
    story = Story(journey(endless))
    story.event()
    story.skip("1h")
    moved(story, awaits("4h"))
    assert story.wakes_at == MONDAY + 4 * HOUR
    moved(story, journey(endless))
    assert story.wakes_at is None and story.places == ["w"]


def test_rule_08_a_wait_for_an_event_listens_to_what_the_new_version_waits_for() -> None:
    story = Story(awaits("1d", event="Old"))
    story.event()
    moved(story, awaits("1d", event="New"))
    story.event("Old")
    assert story.places == ["w"]
    story.event("New")
    assert story.ends == ["over"]


def test_rule_08_a_wait_for_a_condition_that_is_true_in_the_new_version_is_over() -> None:
    def until(tag: str) -> dict[str, Any]:
        waiting = {"wait_for_condition": {"tag": tag, "timeout": "9d"}, "happened": "over", "timed_out": "over"}
        return journey({"w": waiting, "t": {"add_tag": "a", "next": "w"}}, start="t")

    story = Story(until("b"))
    story.event()
    story.wait("1h")
    moved(story, until("c"))
    assert story.places == ["w"] and story.wakes_at == MONDAY + 9 * DAY
    moved(story, until("a"))
    assert story.branches[-1] == "w happened" and story.steps[-1].at == MONDAY + HOUR


def test_rule_08_a_date_is_timed_anew_and_has_come_when_it_lies_between_arrival_and_publication() -> None:
    def due(**settings: Any) -> dict[str, Any]:
        return journey({"w": {"wait_for_date": {"attribute": "due", **settings}, "next": "n", "passed": "p"},
                        "n": {"end": "came"}, "p": {"end": "passed"}})  # fmt: skip

    for settings, at, end in (
        ({"before": "1d"}, "2026-03-19 00:00", None),
        ({"before": "15d"}, "never", "came"),  # 5 March: after the arrival, before the publication
        ({"before": "30d"}, "never", "passed"),  # it had passed when the run arrived
    ):
        story = Story(due(), due="2026-03-20")
        story.event()
        story.wait("5d")
        moved(story, due(**settings))
        assert shown(story.wakes_at) == at and story.ends == ([] if end is None else [end])


def test_rule_08_the_clock_on_a_box_is_set_anew() -> None:
    def later(delay: str | None) -> dict[str, Any]:
        timing = {} if delay is None else {"timing": {"delay": delay}}
        return journey({"t": {"add_tag": "x", "next": "w", **timing}, "w": {"wait": "30d", "next": "over"}})

    for delay, due in (("9h", 9 * HOUR), ("3h", 3 * HOUR)):
        story = Story(later("6h"))
        story.event()
        story.skip("1h")
        moved(story, later(delay))
        assert story.wakes_at == MONDAY + due and story.profile.tags == []
    for delay in ("1h", None):
        story = Story(later("6h"))
        story.event()
        story.skip("2h")
        moved(story, later(delay))
        assert story.profile.tags == ["x"] and story.wakes_at == MONDAY + 2 * HOUR + 30 * DAY


# --- messages ---


def test_rule_08_a_message_on_its_way_is_waited_for_and_the_run_goes_on_in_the_new_version() -> None:
    story = Story(mails("old"), answers={"s": None})
    story.event()
    moved(story, mails("new"))
    assert len(story.sends) == 1 and story.withdrawn == [] and story.places == ["s"]
    story.answer(story.sends[0], "accepted")
    assert story.profile.tags == ["new"] and story.templates == ["old"]


def test_rule_08_a_held_message_is_decided_afresh() -> None:
    night = {"quiet_hours": {"email": {"from": "22:00", "to": "11:00"}}}
    story = Story(mails("old"), settings=night)
    story.event()
    assert shown(story.wakes_at) == "2026-03-02 11:00"
    moved(story, mails("new"))
    assert story.places == ["s"] and story.profile.runs[0].phase == "held" and not story.sends
    story.change("settings", document={"quiet_hours": {}}, lift=False)
    moved(story, mails("newest"))
    assert story.templates == ["newest"] and story.ends == ["over"]


# --- other nodes ---


def test_rule_08_a_mapping_leads_from_a_node_that_is_gone_to_another_of_its_kind_or_of_another() -> None:
    story = Story(waits("2h", "old"))
    story.event()
    story.skip("1h")
    new = journey({"pause": {"wait": "3h", "next": "t"}, "t": {"add_tag": "new", "next": "over"}})
    moved(story, new, mapping={"w": "pause"})
    assert story.places == ["pause"] and story.wakes_at == MONDAY + 3 * HOUR
    moved(story, new, mapping={"pause": "t"})
    assert story.profile.tags == ["new"] and story.ends == ["over"]


def test_rule_08_arriving_at_another_kind_of_node_its_clock_counts_from_the_first_arrival() -> None:
    story = Story(waits("9d"))
    story.event()
    story.skip("1h")
    new = journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over", "timing": {"delay": "4h"}}})
    moved(story, new, mapping={"w": "s"})
    assert story.wakes_at == MONDAY + 4 * HOUR and not story.sends
    story.wait("3h")
    assert story.ends == ["over"]


def test_rule_08_a_message_on_its_way_at_a_node_that_became_another_is_withdrawn_and_effects_keep_ids_of_their_own() -> (
    None
):
    story = Story(mails("old"), answers={"s": None})
    story.event()
    first = story.sends[0]
    moved(story, waits("1h"), mapping={"s": "w"})
    assert story.withdrawn == [first.id] and story.profile.runs[0].phase == ""
    moved(story, mails("new"), mapping={"w": "s"})
    second = story.sends[1]
    assert second.id != first.id and second.template == "new"
    story.answer(first, "accepted")
    assert story.places == ["s"] and story.whys("outcome")[-1].startswith("ignored")
    story.answer(second, "accepted")
    assert story.profile.tags == ["new"]


def test_rule_08_onto_a_node_of_a_loop_the_rounds_begin() -> None:
    looping = {"w": {"wait": "1d", "next": "c"}, "c": {"check": {"rounds": {"gte": 2}}, "yes": "over", "no": "w"}}
    story = Story(waits("9d"))
    story.event()
    moved(story, journey(looping, start="w"))
    assert story.profile.runs[0].rounds == {"w": 1}
    story.wait("1d")
    moved(story, journey(looping, start="w"))
    assert story.profile.runs[0].rounds == {"w": 2, "c": 1}, "what the run remembers is kept"


def test_rule_08_who_has_nowhere_to_go_stays_on_the_old_version_and_it_says_so() -> None:
    story = Story(waits("2h", "old"))
    story.event()
    moved(story, mails("new"))
    assert lifted(story) == [("stays", {"from": 1, "to": 2, "node": "w"})]
    assert story.whys("lifted") == ["version 2 has no place for it"]
    story.wait("2h")
    assert story.profile.tags == ["old"]


# --- exit and goal ---


def test_rule_08_exit_rule_and_goal_of_the_new_version_count_from_then_on() -> None:
    goal = {"event": "Bought", "value": "total"}
    story = Story(waits("9d", exit_when={"event": "Old"}))
    story.event()
    story.event("Bought", total=1)
    moved(story, waits("9d", exit_when={"event": "New"}, goal=goal))
    story.event("Old")
    assert story.places == ["w"]
    story.event("Bought", total=2)
    story.event("New")
    assert story.goals() == [2] and story.ends == ["exit: New"]


def test_rule_08_who_fulfils_an_exit_condition_of_the_new_version_leaves_and_others_by_the_passing_of_time() -> None:
    for inactive, left in (("1h", MONDAY + 2 * HOUR), ("3h", MONDAY + 3 * HOUR)):
        story = Story(waits("9d"))
        story.event()
        story.skip("2h")
        moved(story, waits("9d", exit_when={"inactive": inactive}))
        story.wait("2h")
        assert story.ends == ["exit: its condition is true"] and story.steps[-1].at == left
    story = Story(waits("9d", exit_when={"inactive": "1h"}))
    story.event()
    moved(story, waits("9d"))
    assert story.wakes_at == MONDAY + 9 * DAY, "the old version's exit condition is no more"


# --- several versions, paused journeys, keys ---


def test_rule_08_several_versions_published_meanwhile_are_each_taken_at_their_own_time() -> None:
    chain = {"a": {"wait": "5h", "next": "b"}, "b": {"wait": "5h", "next": "over"}}
    outcomes: list[Any] = []
    for lift in (True, False):
        story = Story(journey(chain))
        story.event()
        story.skip("1h")
        moved(story, journey({**chain, "a": {"wait": "4h", "next": "b"}}), lift=lift)
        story.skip("2h")
        moved(story, journey({**chain, "a": {"wait": "2h", "next": "b"}}), lift=lift)  # over: to b at 3 h
        story.skip("1h")
        moved(story, journey({**chain, "b": {"wait": "3h", "next": "over"}}), lift=lift)  # until 6 h
        story.tell(None)
        outcomes.append(([(step.kind, step.at, step.version) for step in story.steps], story.wakes_at, story.places))
        assert story.places == ["b"] and story.wakes_at == MONDAY + 6 * HOUR
    assert outcomes[0] == outcomes[1]


def test_rule_08_who_was_kept_by_one_publication_is_moved_by_the_next() -> None:
    story = Story(waits("9d", "old"))
    story.event()
    story.change("publish", document=waits("8d", "kept"))
    moved(story, waits("7d"))
    assert [run.version for run in story.profile.runs] == [3] and story.wakes_at == MONDAY + 7 * DAY


def test_rule_08_in_a_paused_journey_due_waits_are_timed_anew_before_they_run() -> None:
    story = Story(waits("1h", "old"))
    story.event()
    story.change("pause")
    story.skip("2h")
    moved(story, waits("4h"))
    assert story.wakes_at == MONDAY + 4 * HOUR and story.profile.tags == [], "publishing resumes it"
    story.wait("2h")
    assert story.profile.tags == ["new"]


def test_rule_08_who_reached_a_node_during_the_pause_enters_it_in_the_new_version() -> None:
    old = journey({"w": {"wait_for_event": {"event": "E"}, "happened": "s"}, **mails("old")["nodes"]}, start="w")
    new = journey({"w": {"wait_for_event": {"event": "E"}, "happened": "s"}, **mails("new")["nodes"]}, start="w")
    story = Story(old)
    story.event()
    story.change("pause")
    story.event("E")
    assert story.profile.runs[0].phase == "frozen"
    moved(story, new)
    assert story.templates == ["new"] and story.ends == ["over"]


def test_rule_08_runs_with_keys_keep_them_and_are_told_apart_by_them() -> None:
    story = Story(awaits("9d", key="cart"))
    for cart in ("c1", "c2"):
        story.event(cart=cart)
    moved(story, awaits("8d", key="cart"))
    assert [(run.key, run.version) for run in story.profile.runs] == [("c1", 2), ("c2", 2)]
    story.event(cart="c1")
    story.event("E", cart="c2")
    assert story.refusals == ["already inside with cart 'c1'"] and [run.key for run in story.profile.runs] == ["c1"]


def test_rule_08_with_another_key_nobody_can_be_moved() -> None:
    story = Story(waits("9d", key="cart"))
    story.event(cart="c1")
    moved(story, waits("9d", key="order"))
    assert [branch for branch, _ in lifted(story)] == ["stays"]


def test_rule_08_who_leaves_because_another_run_moved_is_not_moved_any_more() -> None:
    leave: dict[str, Any] = {"concurrency": "many", "exit_when": {"tag": "new"}}
    story = Story(waits("9d", **leave))
    story.event()
    story.event()
    moved(story, journey({"t": {"add_tag": "new", "next": "e"}, "e": {"wait": "9d", "next": "over"}}, **leave),
          mapping={"w": "t"})  # fmt: skip
    assert story.ends == ["exit: its condition is true"] * 2 and len(lifted(story)) == 1
