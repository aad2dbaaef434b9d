"""The core in memory with a virtual clock: what `wend journey simulate` and golden tests stand on."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.engine.world import CART, DAY, ECHO, HOUR, START, WELCOME, person

from wend.core.effects import Send
from wend.core.inputs import Event, Identify, MergeAwait, MergeOut, MessageState
from wend.core.plan import Plan, PlanChange
from wend.engine.replay import Outcome, Simulation, accepted


def simulation(*documents: dict[str, Any], outcome: Outcome = accepted) -> Simulation:
    plan = Plan.empty()
    for number, document in enumerate(documents, 1):
        plan = plan.apply(PlanChange(number, START, "publish", str(document["id"]), 1, document))
    made = Simulation(plan, now=START, outcome=outcome)
    for input in person(1, START):
        made.feed(1, input)
    return made


def sends(made: Simulation) -> list[tuple[str, int]]:
    return [(effect.template, at - START) for at, effect in made.effects if isinstance(effect, Send)]


def test_time_passes_by_itself_and_each_wait_counts_from_when_the_message_went_out() -> None:
    made = simulation(CART)
    made.feed(1, Event("Product Added", START))
    made.advance(START + 30 * DAY)
    assert sends(made) == [("first", 2 * HOUR), ("second", 2 * HOUR + DAY)]
    assert made.now == START + 30 * DAY
    assert [step.kind for _, step in made.steps][-1] == "ended"


def test_what_becomes_of_a_message_can_be_chosen_also_what_is_heard_later() -> None:
    def opened(send: Send) -> Iterable[tuple[MessageState, int]]:
        yield "accepted", send.created_at
        yield "opened", send.created_at + HOUR

    document = {
        **CART,
        "nodes": {
            "pause": {"wait": "2h", "next": "mail"},
            "mail": {"send": {"channel": "email", "template": "first"}, "next": "later", "failed": "done"},
            "later": {"wait": "1d", "next": "seen"},
            "seen": {"message_state": {"node": "mail", "state": "opened"}, "yes": "done", "no": "again"},
            "again": {"send": {"channel": "email", "template": "second"}, "next": "done", "failed": "done"},
            "done": {"end": {}},
        },
    }
    for outcome, expected in ((accepted, ["first", "second"]), (opened, ["first"])):
        made = simulation(document, outcome=outcome)
        made.feed(1, Event("Product Added", START))
        made.advance(START + 3 * DAY)
        assert [template for template, _ in sends(made)] == expected


def test_a_message_of_which_nothing_is_heard_holds_its_person() -> None:
    made = simulation(CART, outcome=lambda send: ())
    made.feed(1, Event("Product Added", START))
    made.advance(START + DAY)
    made.feed(1, Event("Order Completed", START + DAY))
    assert made.profiles[1].runs[0].node == "mail"


def test_emitted_events_and_merges_arrive_at_once() -> None:
    listens = {**WELCOME, "entry": {"on": {"event": "Echoed"}, "reentry": "always"}}
    made = simulation(ECHO, listens, CART)
    made.feed(1, Event("Shout", START))
    assert sends(made) == [("hello", 0)]
    made.feed(2, Event("Product Added", START + HOUR), START + HOUR)
    made.merge(2, into=1)
    made.advance(START + 4 * HOUR)
    assert [template for template, _ in sends(made)] == ["hello", "first"]
    assert made.profiles[2].survivor == 1


def test_who_awaits_a_merge_stands_still() -> None:
    made = simulation(CART)
    made.feed(2, Event("Product Added", START))
    made.feed(1, MergeAwait(2, START))
    made.feed(1, Event("Order Completed", START + 1), START + 1)
    made.feed(2, MergeOut(1, START))
    made.advance(START + DAY)
    assert sends(made) == []
    assert made.profiles[1].runs == []


def test_a_message_id_counts_once() -> None:
    made = simulation(WELCOME)
    for _ in range(2):
        made.feed(1, Event("Signed Up", START, message_id="m"))
    assert len(sends(made)) == 1


def test_the_plan_can_change_on_the_way() -> None:
    made = simulation(CART)
    made.feed(1, Event("Product Added", START))
    made.change(PlanChange(2, START + HOUR, "pause", "cart"))
    made.advance(START + 5 * HOUR)
    assert sends(made) == []
    made.change(PlanChange(3, START + 6 * HOUR, "resume", "cart"))
    assert sends(made) == [("first", 6 * HOUR)]
    made.change(PlanChange(4, START + 7 * HOUR, "stop", "cart"))
    assert made.profiles[1].runs == []


def test_the_past_is_closed() -> None:
    made = simulation(CART)
    made.advance(START + HOUR)
    with pytest.raises(ValueError, match="has reached"):
        made.feed(1, Event("Product Added", START), START)


def test_what_a_node_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    made = simulation(CART)
    with pytest.raises(AttributeError):
        made.feed(1, Identify(None, START))  # pyright: ignore[reportArgumentType]
