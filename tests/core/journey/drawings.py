"""Journeys drawn at random: every kind of node, every kind of trigger, sound as a whole."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

EVENTS = ("Go", "Bought", "Viewed", "Product Added", "Order Completed")
CHANNELS = ("email", "sms", "in_app")
TEMPLATES = ("t1", "t2")

events = st.sampled_from(EVENTS)
lengths = st.sampled_from(["1m", "2h", "1d", "3d 2h", "1w"])
numbers = st.integers(-20, 20)


def options(**given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping in which each key may be missing."""
    return st.fixed_dictionaries({}, optional=given)


conditions: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.fixed_dictionaries(
            {"attribute": st.sampled_from(["city", "plan.name"]), "is": st.sampled_from(["Oslo", "Rome", 1])}
        ),
        st.fixed_dictionaries(
            {"event": events, "count": st.fixed_dictionaries({"gte": st.integers(1, 3)}), "within": lengths}
        ),
        st.fixed_dictionaries({"inactive": lengths}),
        st.fixed_dictionaries({"tag": st.sampled_from(["a", "b"])}),
        st.fixed_dictionaries({"score": st.fixed_dictionaries({"gt": numbers})}),
        st.fixed_dictionaries({"cart": st.just({"items": {"gt": 0}})}),
        st.fixed_dictionaries({"known": st.booleans()}),
        st.fixed_dictionaries({"run_age": st.fixed_dictionaries({"lt": lengths})}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=3,
)
of_event = st.fixed_dictionaries({"property": st.sampled_from(["k", "total"]), "gte": numbers})
patterns = st.one_of(
    st.fixed_dictionaries({"event": events}, optional={"where": of_event}),
    st.fixed_dictionaries({"event": st.lists(events, min_size=1, max_size=2)}),
)
values = st.one_of(
    st.sampled_from(["Oslo", 5, True, ["x"], {"a": 1}]),
    st.fixed_dictionaries(
        {"attribute": st.sampled_from(["n", "due"])}, optional={"plus": st.sampled_from([1, "30d"]), "default": numbers}
    ),
    st.fixed_dictionaries({"entry": st.just("total")}, optional={"times": numbers}),
    st.fixed_dictionaries({"now": st.none()}, optional={"minus": lengths}),
)
triggers = st.one_of(
    patterns,
    st.fixed_dictionaries(
        {"attribute_changed": st.sampled_from(["city", "due", "n"])},
        optional={"to": st.sampled_from(["Oslo", 2, None])},
    ),
    st.fixed_dictionaries(
        {
            "score_crossed": st.one_of(
                st.fixed_dictionaries({"above": numbers}), st.fixed_dictionaries({"below": numbers})
            )
        }
    ),
    st.fixed_dictionaries({"tag_added": st.sampled_from(["a", "b"])}),
    st.fixed_dictionaries({"message_clicked": st.none() | options(template=st.sampled_from(TEMPLATES))}),
    st.just("api"),
    st.just({"profiles": {}}),
    st.just({"journey": {}}),
    st.fixed_dictionaries(
        {
            "date": st.fixed_dictionaries(
                {"attribute": st.just("due")},
                optional={
                    "anniversary": st.booleans(),
                    "offset": st.sampled_from(["-2d", "3h"]),
                    "at": st.just("09:00"),
                },
            )
        }
    ),
    st.sampled_from(
        [
            {"segment_entered": "vip"},
            {"segment_exited": "vip"},
            {"geofence_entered": "store"},
            {"stage_changed": {"to": "sql"}},
            {"business_event": "Price Dropped", "linked": {"attribute": "city", "is": "$about"}},
        ]
    ),
)

Kinds = dict[str, st.SearchStrategy[Any]]

resting: Kinds = {
    "wait": lengths | st.fixed_dictionaries({"for": lengths}),
    "wait_for_event": st.one_of(
        st.fixed_dictionaries({"event": events, "timeout": lengths}, optional={"where": of_event}),
        st.fixed_dictionaries(
            {"events": st.fixed_dictionaries({"first": patterns, "second": patterns}), "timeout": lengths}
        ),
    ),
    "wait_for_condition": st.fixed_dictionaries({"condition": conditions, "timeout": lengths}),
    "wait_for_slot": st.one_of(
        st.just({"days": ["mon", "thu"], "from": "22:00", "to": "06:00"}),
        st.just({"best_time": {"channel": "email", "within": "5h"}}),
    ),
    "survey": st.fixed_dictionaries(
        {"survey": st.just("nps"), "channel": st.sampled_from(CHANNELS), "template": st.just("t1"), "timeout": lengths}
    ),
    "wait_for_date": st.one_of(
        st.just("2026-03-05"),
        st.fixed_dictionaries(
            {"attribute": st.just("due")},
            optional={"before": lengths, "at": st.just("09:00"), "any_year": st.booleans()},
        ),
    ),
}
quick: Kinds = {
    "send": st.fixed_dictionaries(
        {
            "channel": st.sampled_from(CHANNELS) | st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2),
            "template": st.sampled_from(TEMPLATES),
        },
        optional={"transactional": st.booleans(), "ttl": lengths},
    ),
    "set_attribute": st.fixed_dictionaries(
        {"attribute": st.sampled_from(["city", "n", "due", "a.b"]), "value": values}
    ),
    "adjust_score": numbers | st.fixed_dictionaries({"by": numbers}),
    "add_tag": st.sampled_from(["a", "b"]),
    "remove_tag": st.sampled_from(["a", "b"]),
    "set_subscription": st.fixed_dictionaries(
        {"state": st.sampled_from(["subscribed", "unsubscribed"]), "channel": st.sampled_from(CHANNELS)}
    ),
    "suppress": st.none() | options(channel=st.sampled_from(CHANNELS)),
    "emit": st.fixed_dictionaries({"event": events}, optional={"properties": st.fixed_dictionaries({"k": values})}),
    "has_done": events | st.fixed_dictionaries({"event": events, "since": st.just("entry")}),
    "check": st.one_of(
        conditions, st.fixed_dictionaries({"cases": st.fixed_dictionaries({"one": conditions, "two": conditions})})
    ),
    "reachable": st.sampled_from(CHANNELS),
    "split": st.fixed_dictionaries(
        {"weights": st.just({"left": 1, "right": 2})}, optional={"sticky": st.booleans(), "control": st.just("10%")}
    ),
    "in_segment": st.just("vip"),
    "list_add": st.just("club"),
    "list_remove": st.just("club"),
    "move_stage": st.just("lead"),
    "assign_owner": st.sampled_from([{"to": "anna"}, {"team": ["anna", "bert"], "replace": True}]),
    "start_journey": st.fixed_dictionaries({"journey": st.sampled_from(["j", "k"])}),
}
timings = st.one_of(
    st.fixed_dictionaries({"delay": lengths}),
    st.just({"at": "09:00"}),
    st.just({"slot": {"days": ["mon", "thu"], "from": "08:00", "to": "17:00"}}),
)


def branches(kind: str, settings: Any) -> tuple[str, ...]:
    """The branches that must be connected."""
    if kind == "wait_for_event":
        return (*settings.get("events", ("happened",)), "timed_out")
    if kind == "check":
        return ("one", "two", "else") if "cases" in settings else ("yes", "no")
    if kind == "split":
        return ("left", "right", *(("control",) if "control" in settings else ()))
    return {
        "wait_for_condition": ("happened", "timed_out"),
        "wait_for_date": ("next", "passed"),
        "send": ("next", "failed"),
        "has_done": ("yes", "no"),
        "reachable": ("yes", "no"),
        "in_segment": ("yes", "no"),
        "survey": ("answered", "timed_out"),
    }.get(kind, ("next",))


@st.composite
def documents(draw: st.DrawFn, id: str = "j", most: int = 6) -> dict[str, Any]:
    """A sound journey: ways lead forward, or back to a wait (so that every loop rests)."""
    size = draw(st.integers(1, most))
    kinds = {**resting, **quick}
    drawn = [draw(st.sampled_from(sorted(kinds))) for _ in range(size)]
    waits = [f"n{at}" for at, kind in enumerate(drawn) if kind == "wait"]
    nodes: dict[str, Any] = {}
    for at, kind in enumerate(drawn):
        settings = draw(kinds[kind])
        ahead = f"n{at + 1}" if at + 1 < size else "over"
        ways = list(branches(kind, settings))
        node: dict[str, Any] = {kind: settings, ways[0]: ahead}
        back = [one for one in waits if int(one[1:]) <= at] if kind != "wait" or size > 1 else []
        for way in ways[1:]:
            node[way] = draw(st.sampled_from([ahead, "over", *back]))
        node.update(draw(options(title=st.just("a box"), note=st.just("why"))))
        if draw(st.integers(0, 9)) == 0:
            node["timing"] = draw(timings)
        nodes[f"n{at}"] = node
    nodes["over"] = {"end": draw(st.none() | st.just("enough"))}
    entry: dict[str, Any] = {"on": draw(triggers | st.lists(triggers, min_size=1, max_size=2))}
    entry.update(
        draw(
            options(
                reentry=st.sampled_from(["always", "once", "restart", {"after": "2d"}]),
                where=st.just({"not": {"tag": "z"}}),
            )
        )
    )
    entry.update(draw(st.sampled_from([{}, {}, {"key": "k"}, {"concurrency": "many"}])))
    more = draw(
        options(
            name=st.text(max_size=10),
            description=st.text(max_size=10),
            active=st.just({"from": "2026-01-01", "to": "2027-01-01"}),
            exit_when=st.one_of(patterns, conditions, st.lists(patterns | conditions, max_size=2)),
            goal=st.fixed_dictionaries({"event": events}, optional={"within": lengths, "value": st.just("total")}),
            layout=st.just({"n0": [1.5, -2]}),
        )
    )
    start = "n0"
    if draw(st.booleans()):
        start = "p"
        nodes["p"] = {"parallel": ["left", "right"], "left": "l", "right": "r"}
        nodes["l"] = {"wait": draw(lengths), "next": "met"}
        nodes["r"] = {"send": draw(quick["send"]), "next": "met", "failed": "over"}
        nodes["met"] = {"join": {}, "next": "n0"}
    return {"id": id, **more, "entry": entry, "nodes": nodes, "start": start}
