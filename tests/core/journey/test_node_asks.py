"""The nodes that have something done outside: `call_api`, `issue_coupon`, `alert`, `sync_audience` (engine.md 5, 8)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey, node_faults, one

from wend.core.coupon import pattern_fault
from wend.core.effects import Ask, Step
from wend.core.inputs import Answer, MergeAwait, MergeState
from wend.core.journey.check import Known, check
from wend.core.journey.document import parse
from wend.core.journey.nodes import NODES
from wend.core.journey.picking import picked
from wend.core.pack import pack
from wend.core.profile import Profile

FETCH = {
    "call_api": {
        "service": "recommender",
        "path": "/related/{{ entry.sku }}",
        "headers": {"X-Person": "{{ profile.email }}"},
        "save_as": "related",
    },
    "failed": "sorry",
}
COUPON = {"issue_coupon": {"pool": "summer"}, "exhausted": "none"}


def drawn(node: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The node under test, then a wait, so that one sees what the run keeps; each other branch to an end of its name."""
    ends = {name: {"end": name} for branch, name in node.items() if isinstance(name, str) and branch != "next"}
    way = "ok" if "call_api" in node else "next"
    return journey(
        {"n": {**node, way: "rest"}, "rest": {"wait": "1d", "next": "over"}, **ends, "over": {"end": None}},
        start="n",
        **more,
    )


def asks(story: Story) -> list[Ask]:
    return [effect for effect in story.effects if isinstance(effect, Ask)]


def reply(story: Story, state: Any = "ok", value: Any = None, *, why: str = "", move: int | None = None) -> None:
    ask = asks(story)[-1]
    story.tell(Answer(ask.id, state, story.now, ask.run, ask.move if move is None else move, value, why))


def steps(story: Story, kind: str) -> list[Step]:
    return [step for step in story.steps if step.kind == kind]


# --- call_api ---


def test_call_api_asks_with_its_texts_as_they_are_and_waits_for_the_answer() -> None:
    story = Story(drawn(FETCH))
    story.event(sku="a-1")
    (ask,) = asks(story)
    assert (ask.id, ask.kind, ask.move, ask.data["entry"]) == ("a11ce-1.0", "api", 0, {"sku": "a-1"})
    assert ask.request == {
        "service": "recommender",
        "method": "GET",
        "path": "/related/{{ entry.sku }}",
        "headers": {"X-Person": "{{ profile.email }}"},
        "timeout": 10_000,
        "retries": 3,
        "body": None,
        "save": [],
    }
    assert (ask.created_at, ask.expires_at) == (MONDAY, MONDAY + HOUR)
    story.wait("30d")
    assert story.places == ["n"] and story.wakes_at is None
    reply(story, value={"items": [1, 2]})
    assert story.places == ["rest"]
    assert story.profile.runs[0].saved == {"related": {"items": [1, 2]}}
    assert [step.branch for step in steps(story, "answered")] == ["ok"]


def test_the_values_of_a_body_are_computed_when_the_run_gets_there() -> None:
    body = {"points": {"attribute": "points", "plus": 1}, "tags": ["a", {"entry": "kind"}], "name": "{{ entry.name }}"}
    node = {"call_api": {"service": "s", "method": "POST", "body": body}}
    story = Story(drawn(node), points=4)
    story.event(kind="x")
    assert asks(story)[0].request["body"] == {"points": 5, "tags": ["a", "x"], "name": "{{ entry.name }}"}
    assert "save" not in asks(story)[0].request
    reply(story, value={"not": "kept"})
    assert story.profile.runs[0].saved == {}


@pytest.mark.parametrize("state", ["failed", "uncertain", "exhausted"])
def test_whatever_is_not_ok_goes_by_failed_and_says_why(state: str) -> None:
    story = Story(drawn(FETCH))
    story.event()
    reply(story, state, why="it answered 500")
    assert story.ends == ["sorry"]
    assert "it answered 500" in story.whys("moved")


def test_an_unconnected_failed_goes_where_ok_goes() -> None:
    story = Story(drawn({"call_api": {"service": "s"}}))
    story.event()
    reply(story, "failed")
    assert story.places == ["rest"]
    assert story.whys("moved") == ["failed"]


def test_rule_5_an_answer_to_another_move_or_to_a_run_that_asks_no_more_is_ignored_with_a_trace() -> None:
    story = Story(drawn(FETCH))
    story.event()
    reply(story, value={"a": 1}, move=7)
    assert story.places == ["n"] and story.profile.runs[0].saved == {}
    assert story.whys("answered") == ["ignored: it belongs to move 7"]
    reply(story, value={"a": 1})
    reply(story, value={"a": 2})
    assert story.profile.runs[0].saved == {"related": {"a": 1}}
    assert story.whys("answered") == ["ignored: it belongs to move 7", "", "ignored: it belongs to move 0"]


def test_an_answer_to_somebody_elses_run_is_not_heard() -> None:
    story = Story(drawn(FETCH), drawn(COUPON, id="k"))
    story.event()
    story.tell(Answer("x", "ok", story.now, "another-run", 0, {}))
    assert story.places == ["n", "n"] and not steps(story, "answered")


def test_other_things_that_happen_do_not_end_the_asking() -> None:
    story = Story(drawn(FETCH), drawn(COUPON, id="k"))
    story.event()
    story.event("Something Else")
    story.identify(city="Oslo")
    story.tell(MergeAwait(2, story.now))
    story.tell(MergeState(2, story.now, pack(Profile(2)), {}))
    assert story.places == ["n", "n"]


def test_what_a_run_keeps_of_answers_is_bounded() -> None:
    story = Story(drawn(FETCH))
    story.event()
    reply(story, value={"text": "é" * 800})
    assert story.ends == ["sorry"]
    (why,) = [why for why in story.whys("moved") if why]
    assert why == "answer too big: this run would keep 1,623 bytes (allowed 1,536); save only the parts that are read"


def test_rule_8_leaving_withdraws_what_was_asked() -> None:
    story = Story(drawn(FETCH, exit_when={"event": "Bought"}))
    story.event()
    story.event("Bought")
    assert story.ends == ["exit: Bought"]
    assert story.withdrawn == ["a11ce-1.0"]


def test_a_wait_after_an_answer_counts_from_real_time() -> None:
    story = Story(drawn({"call_api": {"service": "s"}}), lag=2 * HOUR)
    story.event()
    assert asks(story)[0].expires_at == MONDAY + HOUR
    reply(story)
    assert story.wakes_at == MONDAY + 2 * HOUR + DAY


def test_what_call_api_refuses() -> None:
    assert node_faults({"call_api": {}}) == ["nodes.n.call_api.service: is missing"]
    assert node_faults({"call_api": {"service": "s", "save": ["a"]}}) == [
        "nodes.n.call_api.save: give save_as too: the name under which the parts are kept"
    ]
    assert node_faults({"call_api": {"service": "s", "body": {}}}) == [
        "nodes.n.call_api.body: a GET has no body; use POST, or put it into the path"
    ]
    wrong = {"service": "s", "method": "PSOT", "timeout": "10min", "retries": 11, "save_as": "a b", "save": ["a..b", 5]}
    assert node_faults({"call_api": wrong}) == [
        "nodes.n.call_api.method: 'PSOT' is not allowed here; did you mean 'POST'? (allowed: GET, POST, PUT, PATCH, DELETE)",
        "nodes.n.call_api.save_as: expected a name of letters, digits and _ for texts to read, found 'a b'",
        "nodes.n.call_api.save[0]: expected a path such as title or items[:3].name, found 'a..b'",
        "nodes.n.call_api.save[1]: expected a path such as title or items[:3].name, found 5",
        "nodes.n.call_api.timeout: expected 1s to 2min, found '10min'",
        "nodes.n.call_api.retries: expected 0 to 10, found 11",
    ]
    assert len(node_faults({"call_api": {"service": "s", "ttl": "soon"}})) == 1


def test_parts_of_an_answer_keep_their_place() -> None:
    answer = {"items": [{"id": 1, "p": {"a": 5, "b": 6}}, {"id": 2}, {"id": 3}], "more": [1, 2, 3], "title": "t"}
    assert picked(["items[:2].id", "items.p.a", "more[:1]"]).of(answer) == {
        "items": [{"id": 1, "p": {"a": 5}}, {"id": 2}],
        "more": [1],
    }
    assert picked(["items.p", "items.p.a", "gone", "title.x"]).of(answer) == {
        "items": [{"p": {"a": 5, "b": 6}}, {}, {}],
        "title": "t",
    }
    assert picked(["more[:2]", "more[:1]"]).of(answer) == {"more": [1, 2]}
    with pytest.raises(ValueError, match=r"'a\[b\]' is not a path"):
        picked(["a[b]"])


# --- issue_coupon ---


def test_issue_coupon_waits_until_the_code_is_theirs() -> None:
    story = Story(drawn(COUPON))
    story.event()
    assert asks(story)[0].request == {"pattern": None, "expires": None, "once_per_profile": True, "pool": "summer"}
    value = {"code": "SUMMER-1", "pool": "summer", "expires_at": 5}
    reply(story, value=value)
    assert story.profile.runs[0].saved == {"coupon": value}


def test_an_empty_pool_goes_by_exhausted() -> None:
    story = Story(drawn(COUPON))
    story.event()
    reply(story, "exhausted", why="pool summer is empty")
    assert story.ends == ["none"]
    assert "pool summer is empty" in story.whys("moved")


def test_a_code_that_the_run_cannot_keep_goes_by_exhausted() -> None:
    story = Story(drawn(COUPON))
    story.event()
    reply(story, value={"code": "x" * 2_000})
    assert story.ends == ["none"]


def test_codes_made_by_a_pattern_belong_to_a_pool_of_the_node() -> None:
    story = Story(drawn({**COUPON, "issue_coupon": {"pattern": "HI-??????", "expires": "7d", "save_as": "gift"}}))
    story.event()
    assert asks(story)[0].request == {
        "pattern": "HI-??????",
        "expires": 7 * DAY,
        "once_per_profile": True,
        "pool": "j.n",
    }


def test_what_issue_coupon_refuses() -> None:
    either = "nodes.n.issue_coupon.pool: give either pool or pattern"
    assert node_faults({"issue_coupon": {}}) == [either]
    assert node_faults({"issue_coupon": {"pool": "a", "pattern": "HI-??????"}}) == [either]
    (guessable,) = node_faults({"issue_coupon": {"pattern": "HI-##"}})
    assert guessable == (
        "nodes.n.issue_coupon.pattern: 'HI-##' gives only 64 codes, which can be guessed; use five or more ?"
    )
    assert pattern_fault(5).startswith("expected letters, digits and -")
    assert pattern_fault("?" * 41).startswith("expected letters, digits and -")
    assert pattern_fault("A B ??????").startswith("expected letters, digits and -")


# --- alert, sync_audience ---


def test_an_alert_is_asked_for_and_nobody_waits() -> None:
    node = {
        "alert": {
            "to": "sales",
            "channel": ["email", "webhook"],
            "text": "{{ profile.name }} is hot",
            "digest": "daily",
        }
    }
    story = Story(drawn(node))
    story.event()
    assert (asks(story)[0].kind, asks(story)[0].request) == (
        "alert",
        {"to": "sales", "channels": ["email", "webhook"], "text": "{{ profile.name }} is hot", "digest": "daily"},
    )
    assert story.places == ["rest"]


def test_an_audience_change_is_asked_for_and_waited_for() -> None:
    node = {"sync_audience": {"audience": "buyers", "action": "remove"}}
    story = Story(drawn(node))
    story.event()
    assert (asks(story)[0].kind, asks(story)[0].request) == ("audience", {"audience": "buyers", "action": "remove"})
    story.event("Something Else")
    assert story.places == ["n"]
    reply(story, "failed", why="no such audience")
    assert story.places == ["rest"]
    assert story.whys("moved") == ["no such audience"]


# --- what is known of them before publishing ---


def test_what_an_operator_sets_up_must_be_there_and_the_nearest_is_named() -> None:
    nodes = {
        "a": {"call_api": {"service": "recomender"}, "ok": "b"},
        "b": {"issue_coupon": {"pool": "sumer"}, "next": "c", "exhausted": "c"},
        "c": {"alert": {"to": "saels", "text": "x"}, "next": "d"},
        "d": {"sync_audience": {"audience": "buyer"}, "next": "over"},
    }
    known = Known(
        services=frozenset({"recommender"}),
        pools=frozenset({"summer"}),
        teams=frozenset({"sales"}),
        audiences=frozenset({"buyers"}),
    )
    _, problems = check(journey(nodes), known)
    assert [str(one) for one in problems] == [
        "nodes.a.call_api.service: there is no service 'recomender'; did you mean 'recommender'?; set it up with `wend service set`",
        "nodes.b.issue_coupon.pool: there is no pool 'sumer'; did you mean 'summer'?; make it with `wend coupon pool`",
        "nodes.c.alert.to: there is no team 'saels'; did you mean 'sales'?; add it to `team` of the settings",
        "nodes.d.sync_audience.audience: there is no audience 'buyer'; did you mean 'buyers'?; add it to `audiences` of the settings",
    ]
    assert check(journey(nodes))[1] == []
    for to in ("owner", "ann@example.com"):
        _, problems = check(journey({"c": {"alert": {"to": to, "text": "x"}, "next": "over"}}), known)
        assert problems == []
    _, problems = check(
        journey({"b": {"issue_coupon": {"pattern": "A-??????"}, "next": "over", "exhausted": "over"}}), known
    )
    assert problems == []


def test_every_text_that_will_be_rendered_is_known_before() -> None:
    fetch: dict[str, Any] = FETCH["call_api"]  # type: ignore[assignment]
    body = {"name": "{{ entry.name }}", "deep": [{"x": "{{ saved.a }}"}, 5, {"entry": "sku"}]}
    raw = {**fetch, "method": "POST", "body": body}
    node = parsed({"call_api": raw})
    assert list(node.texts()) == [
        ("path", "/related/{{ entry.sku }}"),
        ("headers.X-Person", "{{ profile.email }}"),
        ("body", "{{ entry.name }}"),
        ("body", "{{ saved.a }}"),
    ]
    assert [one.path for one in node.values()] == ["sku"]
    assert list(parsed({"alert": {"text": "hi"}}).texts()) == [("text", "hi")]
    assert list(parsed({"add_tag": "x"}).texts()) == []
    assert list(parsed({"call_api": {"service": "s"}}).values()) == []


def test_each_says_in_one_line_what_it_does() -> None:
    said = {
        "GET recommender/related/{{ entry.sku }}, up to 10 s, keeps saved.related": FETCH,
        "POST s, up to 1 s": {"call_api": {"service": "s", "method": "POST", "timeout": "1s"}},
        "Issue coupon from summer": {"issue_coupon": "summer"},
        "Issue coupon A-??????, good for 7 d, a new one each time": {
            "issue_coupon": {"pattern": "A-??????", "expires": "7d", "once_per_profile": False}
        },
        "Alert owner by in_product: hi": {"alert": {"text": "hi"}},
        "Alert a@b.de by email, weekly: hi": {
            "alert": {"to": "a@b.de", "text": "hi", "digest": "weekly", "channel": "email"}
        },
        "Add to audience buyers": {"sync_audience": {"audience": "buyers"}},
        "Remove from audience buyers": {"sync_audience": {"audience": "buyers", "action": "remove"}},
    }
    assert {parsed(node).summary(): node for node in said.values()} == said


def parsed(node: dict[str, Any]) -> Any:
    document = parse(one(node) if "call_api" not in node else drawn(node), [])
    assert document is not None
    kind = next(name for name in node if name in NODES)
    return next(placed.node for placed in document.nodes.values() if kind == placed.node.KIND)


def test_branches_share_the_bound_of_what_a_run_keeps() -> None:
    call = {"service": "s", "path": "/", "save_as": "a"}
    nodes = {
        "both": {"parallel": ["one", "two"], "one": "n1", "two": "n2"},
        "n1": {"call_api": call, "ok": "met", "failed": "bad"},
        "n2": {"call_api": {**call, "save_as": "b"}, "ok": "met", "failed": "bad"},
        "bad": {"wait": "1m", "next": "met"},
        "met": {"join": {}, "next": "rest"},
        "rest": {"wait": "1h", "next": "over"},
    }
    story = Story(journey(nodes))
    story.event()
    for run in [asked for asked in story.profile.runs if asked.phase == "asked"]:
        story.tell(Answer(f"{run.id}.{run.move}", "ok", story.now, run.id, run.move, "x" * 1000))
    assert [why for why in story.whys("moved") if why.startswith("answer too big")]
    story.wait("1m")
    (whole,) = story.profile.runs
    assert list(whole.saved) == ["a"]
