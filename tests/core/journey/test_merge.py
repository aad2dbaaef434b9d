"""Two people turn out to be one: engine.md 13, the core's part."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey

from wend.core.effects import Relay
from wend.core.inputs import Consent, Event, Identify, Input, MergeAwait, MergeOut, MergeState
from wend.core.pack import unpack
from wend.core.profile import MAX_RUNS

LONG = {"w": {"wait": "30d", "next": "over"}}
CART = {
    "w": {"wait_for_event": {"event": "Order Completed", "timeout": "2h"}, "happened": "bought", "timed_out": "mail"},
    "mail": {"send": {"channel": "email", "template": "cart"}, "next": "over"},
    "bought": {"end": "bought"},
    "over": {"end": "mailed"},
}
X, U, V = 11, 22, 33


def people(*documents: dict[str, Any]) -> tuple[Story, Story]:
    """The absorbed (anonymous) and the survivor, in one workspace."""
    return Story(*documents, person=X, consent=(), email=None, phone=None), Story(*documents, person=U, consent=())


def merge(absorbed: Story, survivor: Story) -> MergeState:
    """Both hear of the merge at the survivor's now; returns the state that is on its way."""
    at = survivor.now = absorbed.now = max(survivor.now, absorbed.now)
    survivor.tell(MergeAwait(absorbed.profile.id, at))
    decision = absorbed.tell(MergeOut(survivor.profile.id, at))
    (relay,) = [effect for effect in decision.effects if isinstance(effect, Relay)]
    assert relay.profile == survivor.profile.id and isinstance(relay.input, MergeState)
    return relay.input


def joined(absorbed: Story, survivor: Story) -> Story:
    survivor.tell(merge(absorbed, survivor))
    return survivor


def test_engine_13_the_buyer_does_not_get_the_cart_mail() -> None:
    anonymous, buyer = people(journey(CART, key="cart", on="Added", exit_when={"event": "Order Completed"}))
    anonymous.event("Added", cart=1)
    anonymous.skip("1h")
    buyer.skip("1h")
    state = merge(anonymous, buyer)
    buyer.skip("5m")
    parked = buyer.event("Order Completed")
    assert parked.parked and buyer.profile.runs == [] and buyer.steps == []
    ordered_at = buyer.now
    buyer.skip("3h")
    assert buyer.tell(None).parked is False and buyer.wakes_at is None, "who stands still neither wakes nor sends"
    buyer.tell(state)
    assert buyer.places == ["w"] and buyer.profile.last == MONDAY + HOUR, "the merge happens at its own instant"
    buyer.now = ordered_at
    buyer.event("Order Completed")
    assert buyer.ends == ["bought"] and not buyer.sends


def test_engine_13_the_absorbed_becomes_a_tombstone_that_forwards_everything() -> None:
    anonymous, survivor = people(journey(LONG))
    anonymous.event()
    state = merge(anonymous, survivor)
    assert state.absorbed == X and state.state is not None
    assert anonymous.profile.survivor == U and anonymous.profile.runs == [] and anonymous.wakes_at is None
    assert anonymous.decision is not None and anonymous.decision.gone == {"b-1"} and anonymous.decision.moved == []
    inputs: list[Input] = [
        Event("Go", anonymous.now),
        Identify({"a": 1}, anonymous.now),
        Consent("subscribed", anonymous.now, "email"),
        MergeState(99, anonymous.now),
        MergeAwait(99, anonymous.now),
    ]
    for input in inputs:
        assert anonymous.tell(input).effects == [Relay(U, input)]
    assert anonymous.profile.attributes == {} and anonymous.steps[-1].kind == "started", (
        "nothing happens to a tombstone itself"
    )


def test_engine_13_a_tombstone_that_is_asked_again_answers_that_it_has_nothing() -> None:
    anonymous, survivor = people(journey(LONG))
    merge(anonymous, survivor)
    assert anonymous.tell(MergeOut(V, 5)).effects == [Relay(V, MergeState(X, 5))]


def test_engine_13_the_survivor_goes_on_when_there_was_nothing() -> None:
    _, survivor = people(journey(LONG))
    survivor.event()
    survivor.tell(MergeAwait(X, survivor.now))
    assert survivor.wakes_at is None
    survivor.tell(MergeState(X, survivor.now))
    assert survivor.profile.awaiting == [] and survivor.wakes_at == MONDAY + 30 * DAY


def test_engine_13_another_state_than_the_awaited_one_is_parked() -> None:
    _, survivor = people(journey(LONG))
    survivor.tell(MergeAwait(X, survivor.now))
    assert survivor.tell(MergeState(99, survivor.now)).parked
    assert survivor.tell(MergeAwait(99, survivor.now)).parked
    assert survivor.profile.awaiting == [X]


def test_engine_13_runs_go_on_with_the_survivor_where_they_were() -> None:
    anonymous, survivor = people(journey(LONG, key="k"))
    anonymous.event(k=1)
    anonymous.skip("1h")
    survivor.skip("2h")
    survivor.event(k=2)
    joined(anonymous, survivor)
    assert [(run.id, run.key, run.until) for run in survivor.profile.runs] == [
        ("b-1", 1, MONDAY + 30 * DAY),
        ("16-1", 2, MONDAY + 30 * DAY + 2 * HOUR),
    ]
    assert survivor.decision is not None and [run.id for run in survivor.decision.moved] == ["b-1"]
    assert survivor.wakes_at == MONDAY + 30 * DAY


def test_engine_13_of_two_runs_with_the_same_journey_and_key_the_survivors_stays() -> None:
    anonymous, survivor = people(journey(LONG, key="k", reentry={"after": "7d"}))
    survivor.event(k=1)
    anonymous.skip("1h")
    anonymous.event(k=1)
    anonymous.event(k=2)
    joined(anonymous, survivor)
    assert [run.id for run in survivor.profile.runs] == ["16-1", "b-2"]
    (ended,) = [step for step in survivor.steps if step.kind == "ended"]
    assert (ended.run, ended.why) == ("b-1", "merged")
    survivor.event(k=1)
    assert survivor.refusals == ["already inside with k 1"]
    survivor.until(MONDAY + 30 * DAY)
    survivor.event(k=1)
    assert survivor.refusals[1].startswith("re-entry: only 7 d"), "counted from the end of the run that went on"


def test_engine_13_a_message_of_the_run_that_ends_is_withdrawn() -> None:
    document = journey({"s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}})
    anonymous, survivor = people(document)
    for story in (anonymous, survivor):
        story.answers = {"s": None}
        story.event()
    joined(anonymous, survivor)
    assert survivor.withdrawn == [anonymous.sends[0].id]


def test_engine_13_with_concurrency_many_both_runs_stay() -> None:
    anonymous, survivor = people(journey(LONG, concurrency="many"))
    anonymous.event()
    survivor.event()
    joined(anonymous, survivor)
    assert len(survivor.profile.runs) == 2


def test_engine_13_no_more_than_twenty_runs_also_after_a_merge() -> None:
    anonymous, survivor = people(journey(LONG, concurrency="many"))
    for _ in range(15):
        anonymous.event()
        survivor.event()
    joined(anonymous, survivor)
    assert len(survivor.profile.runs) == MAX_RUNS
    assert survivor.ends == ["merged: already in 20 runs at once, the limit"] * 10
    assert sum(run.id.startswith("16-") for run in survivor.profile.runs) == 15


def test_engine_13_what_one_had_done_as_the_other_makes_the_run_leave() -> None:
    document = journey(LONG, on="Added", exit_when={"event": "Order Completed"})
    for buyer_survives in (True, False):
        anonymous, survivor = people(document)
        cart, buyer = (anonymous, survivor) if buyer_survives else (survivor, anonymous)
        cart.event("Added")
        buyer.skip("1h")
        buyer.event("Order Completed")
        joined(anonymous, survivor)
        assert survivor.profile.runs == []
        assert survivor.ends == ["exit: what was done as the other of the two"]


def test_engine_13_a_run_that_is_doubled_and_overtaken_ends_once() -> None:
    nodes = {"a": {"wait_for_event": {"event": "Bought"}, "happened": "b"}, "b": {"wait": "30d", "next": "over"}}
    anonymous, survivor = people(journey(nodes, exit_when="Bought"))
    survivor.event()
    anonymous.skip("1h")
    anonymous.event()
    survivor.skip("2h")
    survivor.event("Bought")
    joined(anonymous, survivor)
    assert survivor.ends == ["merged"] and survivor.places == ["b"]


def test_engine_13_an_order_before_the_cart_makes_nobody_leave() -> None:
    anonymous, survivor = people(journey(LONG, on="Added", exit_when={"event": "Order Completed"}))
    survivor.event("Order Completed")
    anonymous.skip("1h")
    anonymous.event("Added")
    joined(anonymous, survivor)
    assert survivor.places == ["w"]


def test_engine_13_conditions_are_judged_anew_for_everybody() -> None:
    waits = {"w": {"wait_for_condition": {"known": True}, "happened": "over"}}
    counts = {"w": {"wait_for_condition": {"event": "Viewed", "count": {"gte": 3}}, "happened": "over"}}
    dates = {"w": {"wait_for_date": {"attribute": "due"}, "next": "over"}}
    gone = journey(LONG, id="gone", exit_when={"tag": "vip"})
    anonymous, survivor = people(
        journey(waits, id="waits"), journey(counts, id="counts"), journey(dates, id="dates"), gone
    )
    survivor.tell(Identify({}, survivor.now, user_id="u"))
    anonymous.identify(due="2026-05-01")
    survivor.identify(due="2026-06-01")
    survivor.profile.tags.append("vip")
    for _ in range(2):
        anonymous.event("Viewed")
    survivor.event("Viewed")
    anonymous.event()
    joined(anonymous, survivor)
    assert sorted((step.journey, step.why) for step in survivor.steps if step.kind == "ended") == [
        ("counts", "over"),
        ("gone", "exit: its condition is true"),
        ("waits", "over"),
    ]
    assert survivor.places == ["w"] and survivor.wakes_at == MONDAY + 91 * DAY - 10 * HOUR


def test_engine_13_a_merge_is_no_trigger() -> None:
    anonymous, survivor = people(journey(LONG, on={"attribute_changed": "city"}))
    anonymous.profile.attributes = {"city": "Oslo"}
    joined(anonymous, survivor)
    assert survivor.profile.attributes["city"] == "Oslo" and survivor.profile.runs == []


def test_engine_13_once_means_once_for_both_together() -> None:
    anonymous, survivor = people(journey({"over": {"end": "x"}}, key="k", reentry="once"))
    anonymous.event(k=1)
    survivor.event(k=2)
    survivor.event(k=3)
    anonymous.skip("1h")
    anonymous.event(k=3)
    joined(anonymous, survivor)
    for key in (1, 2, 3):
        survivor.event(k=key)
    assert survivor.refusals == ["re-entry: once only"] * 3
    times = {record[0]: record[3] for record in survivor.profile.past["j"]}
    assert times == {1: 1, 2: 1, 3: 2}


def test_engine_13_goals_of_runs_that_are_over_are_still_counted_after_a_merge() -> None:
    anonymous, survivor = people(journey({"over": {"end": "x"}}, goal={"event": "Bought", "within": "7d"}))
    anonymous.event()
    joined(anonymous, survivor)
    survivor.event("Bought")
    assert [step.run for step in survivor.steps if step.kind == "goal"] == ["b-1"]


def test_engine_13_chains() -> None:
    document = journey(LONG, key="k")
    first, second = people(document)
    third = Story(document, person=V, consent=())
    first.event(k=1)
    second.event(k=2)
    third.event(k=3)
    joined(first, second)
    joined(second, third)
    assert sorted(run.key for run in third.profile.runs) == [1, 2, 3]
    (relay,) = first.tell(Event("Go", first.now, {"k": 4})).effects
    assert isinstance(relay, Relay) and relay.profile == U
    (again,) = second.tell(relay.input).effects
    assert isinstance(again, Relay) and again.profile == V
    third.tell(again.input)
    assert sorted(run.key for run in third.profile.runs) == [1, 2, 3, 4]


def test_engine_13_a_chain_while_the_first_state_is_still_on_its_way_waits_for_it() -> None:
    first, second = people(journey(LONG, key="k"))
    first.event(k=1)
    state = merge(first, second)
    assert second.tell(MergeOut(V, second.now)).parked
    second.tell(state)
    (relay,) = second.tell(MergeOut(V, second.now)).effects
    assert isinstance(relay, Relay) and isinstance(relay.input, MergeState)
    assert relay.input.state is not None
    assert [run.key for run in unpack(V, relay.input.state).runs] == [1]


def test_a_state_that_nobody_awaited_is_taken_now() -> None:
    anonymous, survivor = people(journey(LONG))
    anonymous.event()
    state = merge(anonymous, Story(journey(LONG), person=U))
    survivor.skip("1d")
    survivor.tell(state)
    assert survivor.places == ["w"] and survivor.profile.last == MONDAY + DAY
