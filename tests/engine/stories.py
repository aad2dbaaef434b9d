"""Random journeys and random lives of a few people: what the engines are compared on.

Every document that is drawn can be published: each node leads to the next one, further branches lead to any later node,
so all are reachable and there is no loop. Names are few, so that what people do and what journeys wait for often meet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.engine.world import DAY, HOUR, MINUTE, START, person

from wend.core.inputs import Consent, Event, Feedback, Identify, Input
from wend.core.journey.check import check

Line = tuple[int, int, Input]
"""(instant, person, input)."""

EVENTS = ("Looked", "Added", "Ordered", "Left")
BRANCHES = {
    "wait": ("next",),
    "wait_for_event": ("happened", "timed_out"),
    "wait_for_condition": ("happened", "timed_out"),
    "split": ("a", "b"),
    "check": ("yes", "no"),
    "set_attribute": ("next",),
    "add_tag": ("next",),
    "remove_tag": ("next",),
    "adjust_score": ("next",),
    "send": ("next", "failed"),
    "emit": ("next",),
}
_PAUSES = st.sampled_from(["1m", "30m", "1h", "2h", "1d"])
_EVENT = st.sampled_from(EVENTS)
_CONDITIONS = st.one_of(
    st.sampled_from(["x", "y"]).map(lambda tag: {"tag": tag}),
    st.just({"attribute": "plan", "is": "pro"}),
    st.just({"score": {"gte": 5}}),
    st.just({"inactive": "1h"}),
    st.just({"not": {"event": "Looked", "count": {"gte": 1}, "within": "2h"}}),
    st.builds(lambda name, n: {"event": name, "count": {"gte": n}, "within": "1d"}, _EVENT, st.integers(1, 3)),
    st.builds(lambda name: {"event": name, "since": "entry"}, _EVENT),
)
_WAITED = st.builds(lambda one, pause: {**one, "timeout": pause}, _CONDITIONS, _PAUSES)
_NODES: dict[str, st.SearchStrategy[Any]] = {
    "wait": _PAUSES,
    "wait_for_event": st.builds(lambda name, pause: {"event": name, "timeout": pause}, _EVENT, _PAUSES),
    "wait_for_condition": _WAITED,
    "split": st.just({"weights": {"a": 1, "b": 1}}),
    "check": _CONDITIONS,
    "set_attribute": st.sampled_from(
        [{"attribute": "plan", "value": "pro"}, {"attribute": "rounds", "value": {"attribute": "rounds", "plus": 1}}]
    ),
    "add_tag": st.sampled_from(["x", "y"]),
    "remove_tag": st.sampled_from(["x", "y"]),
    "adjust_score": st.sampled_from([3, -2]),
    "send": st.sampled_from(
        [{"channel": "email", "template": "one"}, {"channel": "email", "template": "two", "transactional": True}]
    ),
    "emit": _EVENT.map(lambda name: {"event": name}),
}
_TRIGGERS = st.one_of(
    _EVENT.map(lambda name: {"event": name}),
    st.just({"event": "Added", "where": {"property": "price", "gt": 4}}),
    st.just({"attribute_changed": "plan"}),
    st.just({"tag_added": "x"}),
    st.just({"score_crossed": {"above": 5}}),
)
_ENTRIES = st.one_of(
    st.builds(lambda how: {"reentry": how}, st.sampled_from(["always", "once", {"after": "1d"}, "restart"])),
    st.just({"key": "cart"}),
    st.just({"concurrency": "many"}),
)


@st.composite
def journeys(draw: st.DrawFn, name: str, *, emits: bool) -> dict[str, Any]:
    """A journey document that can be published. `emits`: it may emit events. The one named `first` starts by `Looked`."""
    kinds = [kind for kind in BRANCHES if emits or kind != "emit"]
    # A journey without a wait or a message would be over at once: not much to compare.
    chosen = [draw(st.sampled_from(["wait", "wait_for_event", "wait_for_condition", "send"])), "send"]
    chosen += draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5))
    nodes: dict[str, Any] = {}
    for place, kind in enumerate(chosen):
        later = [f"n{n}" for n in range(place + 1, len(chosen))] + ["done"]
        first, *others = BRANCHES[kind]
        nodes[f"n{place}"] = {
            kind: draw(_NODES[kind]),
            first: later[0],
            **{b: draw(st.sampled_from(later)) for b in others},
        }
    nodes["done"] = {"end": {}}
    document: dict[str, Any] = {
        "id": name,
        "name": name,
        "entry": {"on": {"event": "Looked"} if name == "first" else draw(_TRIGGERS), **draw(_ENTRIES)},
        "nodes": nodes,
        "start": "n0",
    }
    if draw(st.booleans()):
        document["exit_when"] = {"event": draw(_EVENT)}
    if draw(st.booleans()):
        document["goal"] = {"event": "Ordered", "within": "1d", "value": "price"}
    _, problems = check(document)
    assert not [one for one in problems if one.level == "error"], (document, problems)
    return document


def _event(name: str, price: int, cart: str | None) -> Event:
    return Event(name, 0, {"price": price} if cart is None else {"price": price, "cart": cart})


_INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(_event, _EVENT, st.integers(0, 9), st.sampled_from([None, "c1", "c2"])),
    st.builds(_event, _EVENT, st.integers(0, 9), st.sampled_from([None, "c1", "c2"])),
    st.sampled_from(["pro", "free"]).map(lambda plan: Identify({"plan": plan}, 0)),
    st.sampled_from([Consent("subscribed", 0, "email"), Consent("unsubscribed", 0, "email")]),
)
_GUESSES: st.SearchStrategy[Input] = st.builds(
    lambda run, move, state: Feedback("", state, 0, str(run), move),
    st.integers(1, 4),
    st.integers(0, 4),
    st.sampled_from(["accepted", "refused", "opened"]),
)


@st.composite
def lives(draw: st.DrawFn, *, guesses: bool) -> list[Line]:
    """What three people do within some days, in order of time; all of them look, to begin with.

    `guesses`: outcomes of messages, most of them wrong.
    """
    chosen = _INPUTS | _GUESSES if guesses else _INPUTS
    gaps = st.sampled_from([0, 1, MINUTE, 29 * MINUTE, HOUR, 2 * HOUR, DAY])
    moments = draw(st.lists(st.tuples(gaps, st.integers(1, 3), chosen), min_size=8, max_size=30))
    lines: list[Line] = [(START + 1, id, input) for id in (1, 2, 3) for input in person(id, START + 1)]
    at = START + HOUR
    lines += [(at, id, Event("Looked", at, {"price": 5, "cart": "c1"}, message_id=f"first{id}")) for id in (1, 2, 3)]
    for number, (gap, id, input) in enumerate(moments):
        at += gap
        if isinstance(input, Feedback):
            run = f"{id}-{input.run}"
            lines.append((at, id, replace(input, at=at, run=run, effect_id=f"{run}.{input.move}")))
        else:
            lines.append((at, id, replace(input, at=at, message_id=f"m{number}")))  # pyright: ignore[reportCallIssue]
    return lines


def heard_twice(lines: list[Line], later: int) -> list[Line]:
    """Every input with a message id comes again, `later` places behind the first time (at that place's instant)."""
    again = list(lines)
    for place in range(len(lines) - 1, -1, -1):
        _, id, input = lines[place]
        if getattr(input, "message_id", ""):
            behind = min(place + later, len(lines) - 1)
            # `again` is still unchanged up to here, except behind later places
            again.insert(behind + 1, (lines[behind][0], id, input))
    return again
