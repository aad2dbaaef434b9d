"""The document: everything that is wrong is said at once and with its place; nothing is lost between reading and writing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.drawings import documents
from tests.core.journey.story import Story, journey, ms, plan_of

from wend.content.documents import read
from wend.core.condition.syntax import FORMS
from wend.core.journey.check import Known, check
from wend.core.journey.document import KEYS, dump, parse
from wend.core.journey.nodes import NODES
from wend.core.journey.placed import MAX_NODES
from wend.core.problems import Problem

GALLERY = sorted((Path(__file__).parents[3] / "src/wend/templates/journeys").glob("*.yaml"))
ONE = {"n": {"wait": "1d", "next": "over"}}


def problems(raw: Any, known: Known | None = None) -> list[str]:
    return [f"{one.level} {one}" if one.level == "warning" else str(one) for one in check(raw, known)[1]]


# --- lossless ---


@given(documents())
def test_what_was_read_is_written_back_the_same(raw: dict[str, Any]) -> None:
    kept = copy.deepcopy(raw)
    found: list[Problem] = []
    document = parse(raw, found)
    assert document is not None and found == []
    assert dump(document) == kept == raw
    assert dump(parse(dump(document), found) or document) == kept
    assert json.loads(json.dumps(dump(document))) == kept


def test_a_document_does_not_change_with_what_it_was_read_from() -> None:
    raw = journey(ONE, layout={"n": [1, 2]})
    document = parse(raw, [])
    raw["nodes"]["n"]["wait"] = "9d"
    assert document is not None and dump(document)["nodes"]["n"]["wait"] == "1d"
    dump(document)["nodes"].clear()
    assert dump(document)["layout"] == {"n": [1, 2]} and dump(document)["nodes"]


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_journeys_of_the_gallery_have_no_faults_and_are_lossless(path: Path) -> None:
    raw = read(path)
    document, found = check(raw)
    assert found == [] and document is not None
    assert dump(document) == raw
    plan_of(raw)


# --- nothing that comes in makes it raise ---


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        *KEYS,
        *NODES,
        "on",
        "where",
        "key",
        "event",
        "happened",
        "next",
        "timeout",
        "channel",
        "template",
        "weights",
        "cases",
        "n",
    ]
)
NEARLY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.sampled_from(["2h", "n", "over", "email", "Go", "09:00", "once"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(JSON | NEARLY)
def test_nothing_that_comes_in_as_a_document_makes_it_raise(raw: Any) -> None:
    document, found = check(raw)
    assert found and document is None


@given(st.data())
def test_nothing_that_stands_in_place_of_a_part_makes_it_raise(data: st.DataObject) -> None:
    raw = copy.deepcopy(data.draw(documents()))
    place: Any = raw
    while True:
        key = data.draw(
            st.sampled_from(sorted(place)) if isinstance(place, dict) else st.sampled_from(range(len(place)))
        )
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(JSON | NEARLY)
            break
        place = inner
    kept = copy.deepcopy(raw)
    document, found = check(raw)
    assert (document is None) is any(one.level == "error" for one in found)
    assert json.dumps(raw) == json.dumps(kept)
    for one in found:
        assert one.message and len(str(one)) < 2_000
    if document is not None:
        plan_of({**raw, "id": "j"})


@pytest.mark.parametrize("depth", [99, 101, 5_000, 100_000])
def test_deep_nesting_is_refused_not_followed(depth: int) -> None:
    deep: Any = "x"
    for _ in range(depth):
        deep = {"not": deep}
    assert problems({**journey(ONE), "exit_when": deep})
    lists: Any = []
    for _ in range(depth):
        lists = [lists]
    assert problems({**journey(ONE), "layout": lists} if depth > 100 else lists) == [
        "nested deeper than 100 levels" if depth > 100 else "expected a journey document (a mapping), found list"
    ]
    while isinstance(deep, dict):  # taken apart by hand: Python's own way of letting go is recursive
        deep = deep.pop("not")
    while lists:
        lists = lists.pop()


# --- all errors at once ---


def test_all_errors_are_said_at_once_with_place_and_nearest_name() -> None:
    raw = {
        "id": "Cart Recovery",
        "name": 5,
        "description": [],
        "entree": {},
        "entry": {
            "on": {"event": "Go"},
            "reentry": "allways",
            "concurrency": "lots",
            "key": 7,
            "were": 1,
            "where": {"tga": "x"},
        },
        "active": {"from": "soon", "until": 1},
        "exit_when": [{"event": "A"}, {"evnt": "B"}],
        "goal": {"event": "Bought", "within": "soon", "value": 5, "when": 1},
        "start": "frist",
        "nodes": {
            "first": {"send": {"channel": "emial", "template": "t"}, "next": "wiat", "nxet": "over"},
            "wait": {"wait": "2 hourss", "next": "over"},
            "what": {"wiat": "2h"},
            "two": {"wait": "1d", "check": {"tag": "x"}},
            "none": 5,
            "Bad Id": {"end": None},
            "number": {"wait": "1d", "next": 5},
            "clock": {"add_tag": "x", "next": "over", "timing": {"dealy": "1h"}},
            "nowhere": {"reachable": "sms", "yes": "over"},
            "over": {"end": None},
        },
    }
    assert problems(raw) == [
        "entree: 'entree' is not part of a journey; did you mean 'entry'? (allowed: id, name, description, priority, control, entry, active, "
        "exit_when, goal, nodes, start, rule, layout)",
        "name: expected a text, found 5",
        "description: expected a text, found []",
        "id: expected lower-case letters, digits, - and _ (at most 64), found 'Cart Recovery'",
        "entry.were: 'were' is not allowed here; did you mean 'where'?",
        "entry.where: 'tga' is no form of condition; did you mean 'tag'? (there are " + ", ".join(FORMS) + ")",
        "entry.key: expected the name of a property, found 7",
        "entry.concurrency: expected one or many, found 'lots'",
        "entry.reentry: expected always, once, restart or {after: 7d}, found 'allways'; did you mean 'always'?",
        "active.until: 'until' is not allowed here",
        "active.from: expected a date such as 2026-11-01, found 'soon'",
        "exit_when[1]: 'evnt' is no form of condition; did you mean 'event'? (there are " + ", ".join(FORMS) + ")",
        "goal.when: 'when' is not allowed here; did you mean 'where'?",
        "goal.value: expected the name of a property, found 5",
        "goal.within: 'soon' is not a duration; write a number and a unit: 90s, 10m, 2h, 30d, 1w, 6mo (of 30 days), 1y (365 days), "
        "or several: '1d 12h'",
        "nodes.first.send.channel: 'emial' is not a channel; did you mean 'email'?",
        "nodes.wait.wait.for: 'hourss' is not a unit of time in '2 hourss'; write a number and a unit: 90s, 10m, 2h, 30d, 1w, 6mo (of "
        "30 days), 1y (365 days), or several: '1d 12h'",
        "nodes.what: expected one kind of node, found wiat; did you mean 'wait'? (kinds: " + ", ".join(NODES) + ")",
        "nodes.two: expected one kind of node, found wait and check (kinds: " + ", ".join(NODES) + ")",
        "nodes.none: expected a node such as {wait: 2h, next: …}, found 5",
        "nodes.Bad Id: a node id is made of lower-case letters, digits, - and _ (at most 64)",
        "nodes.number.next: expected the id of a node, found 5",
        "nodes.clock.timing.dealy: 'dealy' is not a setting here; did you mean 'delay'? (allowed: delay, at, slot)",
        "start: 'frist' is not a node; did you mean 'first'?",
        "nodes.nowhere.no: leads nowhere: connect it, or send it to an end node",
    ]


@pytest.mark.parametrize("raw", [None, 5, "x", [], True])
def test_what_is_no_mapping_is_no_document(raw: Any) -> None:
    assert check(raw) == (None, [Problem("", f"expected a journey document (a mapping), found {type(raw).__name__}")])


def test_an_empty_document_lacks_everything() -> None:
    assert problems({}) == [
        "id: expected lower-case letters, digits, - and _ (at most 64), found None",
        "entry.on: is missing: what starts the journey?",
        "start: expected the id of the first node, found None",
        "nodes: expected at least one node, found None",
    ]
    assert problems({**journey(ONE), "entry": 5}) == [
        "entry: expected on, where, key, reentry, concurrency, found 5",
        "entry.on: is missing: what starts the journey?",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"entry": {"on": "api", "key": "k", "concurrency": "many"}},
            "entry.concurrency: 'many' cannot be combined with a key",
        ),
        ({"entry": {"on": "api", "reentry": {"after": "soon"}}}, "entry.reentry.after: 'soon' is not a duration"),
        ({"entry": {"on": "api", "reentry": {"after": "1d", "x": 1}}}, "entry.reentry: expected always, once, restart"),
        ({"entry": {"on": "api", "reentry": 5}}, "entry.reentry: expected always, once, restart"),
        (
            {"active": {"from": "2026-05-01", "to": "2026-04-01"}},
            "active: ends before it begins: '2026-05-01' to '2026-04-01'",
        ),
        ({"active": {"to": "2026-02-30"}}, "active.to: expected a date such as 2026-11-01"),
        ({"active": "always"}, "active: expected from, to, found 'always'"),
        ({"goal": 5}, "goal: expected an event such as {event: Order Completed}, found 5"),
        ({"exit_when": 5}, "exit_when: expected a condition such as"),
        ({"exit_when": {"event": 5}}, "exit_when.event: expected the name of an event, found 5"),
        ({"nodes": {f"n{n}": {"end": None} for n in range(MAX_NODES + 1)}}, "nodes: more than 1000 nodes"),
        ({"nodes": []}, "nodes: expected at least one node, found []"),
    ],
)
def test_top_level_faults(change: dict[str, Any], fault: str) -> None:
    found = problems({**journey(ONE), **change})
    assert found and found[0].startswith(fault), found


def test_short_forms_of_exit_and_goal() -> None:
    document, found = check(journey(ONE, exit_when="Bought", goal="Bought"))
    assert found == [] and document is not None
    assert document.exit.patterns[0].names == {"Bought"} and document.goal is not None and document.goal.within is None
    document, _ = check(
        journey(
            ONE,
            exit_when=[{"event": "A", "where": {"property": "x", "is": 1}}, {"tag": "gone"}],
            active={"from": "2026-03-01T12:00:00Z"},
        )
    )
    assert document is not None and len(document.exit.patterns) == len(document.exit.conditions) == 1
    assert document.active == (ms("2026-03-01 12:00"), None)


def test_an_exit_on_a_counted_event_is_a_condition() -> None:
    document, found = check(journey(ONE, exit_when={"event": "A", "count": {"gte": 2}, "since": "entry"}))
    assert found == [] and document is not None and not document.exit.patterns
    story = Story(journey(ONE, exit_when={"event": "A", "count": {"gte": 2}, "since": "entry"}))
    story.event("A")
    story.skip("1h")
    story.event()
    story.skip("1h")
    story.event("A")
    assert story.places == ["n"]
    story.event("A")
    assert story.ends == ["exit: its condition is true"]
