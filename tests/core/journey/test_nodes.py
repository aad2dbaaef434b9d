"""What holds for every kind of node."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, journey, ms, one

from wend.core.journey.check import check
from wend.core.journey.document import parse
from wend.core.journey.fields import settings_schema
from wend.core.journey.nodes import NODES
from wend.core.problems import Problem


def test_every_kind_says_in_one_line_what_it_does() -> None:
    drawn: dict[str, Any] = {
        "send": {"channel": ["email", "sms"], "template": "t"},
        "survey": {"survey": "nps", "channel": "email", "template": "t", "bands": {"low": [0, 6]}},
        "set_attribute": {"attribute": "a", "value": {"now": None}},
        "adjust_score": 5,
        "add_tag": "vip",
        "remove_tag": "vip",
        "set_subscription": {"state": "subscribed", "topic": "news"},
        "suppress": {"channel": "sms"},
        "alert": {"text": "hot"},
        "call_api": {"service": "s"},
        "issue_coupon": "summer",
        "sync_audience": {"audience": "buyers"},
        "emit": "Done",
        "assign_owner": {"team": ["anna", "bert"]},
        "move_stage": {"to": "mql", "only_forward": True},
        "list_add": "club",
        "list_remove": "club",
        "start_journey": "other",
        "in_segment": "vip",
        "wait_for_slot": {"days": ["mon", "fri"], "from": "09:00", "to": "17:00"},
        "has_done": {"event": ["B", "A"]},
        "check": {"attribute": "city", "is": "Oslo"},
        "reachable": {"channel": "email", "for": "address"},
        "message_state": {"node": "m", "state": "opened"},
        "split": {"weights": {"a": 1, "b": 2.5}},
        "parallel": ["mail", "sms"],
        "join": {},
        "wait": "2h",
        "wait_for_event": {"event": "A", "timeout": "1d"},
        "wait_for_condition": {"tag": "vip", "timeout": "1d"},
        "wait_for_date": {"attribute": "due", "before": "10d"},
        "end": "enough",
    }
    assert drawn.keys() == NODES.keys()
    lines = {kind: summary(kind, settings) for kind, settings in drawn.items()}
    assert lines == {
        "send": "Send email or sms: t, gives up after 2 d",
        "survey": "Survey nps email: t, waits up to 7 d",
        "set_attribute": "Set a to now",
        "adjust_score": "Score +5",
        "add_tag": "Add tag vip",
        "remove_tag": "Remove tag vip",
        "set_subscription": "Record news as subscribed",
        "suppress": "Suppress sms",
        "alert": "Alert owner by in_product: hot",
        "call_api": "GET s, up to 10 s",
        "issue_coupon": "Issue coupon from summer",
        "sync_audience": "Add to audience buyers",
        "emit": "Emit event Done",
        "assign_owner": "Owner from anna, bert",
        "move_stage": "Move to stage mql, only forward",
        "list_add": "Put on list club",
        "list_remove": "Take off list club",
        "start_journey": "Start journey other",
        "in_segment": "In segment vip?",
        "wait_for_slot": "Wait for mon, fri 09:00–17:00",
        "has_done": "Has done A or B",
        "check": "Check attribute city is Oslo",
        "reachable": "Reachable by email (address)",
        "message_state": "Was m opened?",
        "split": "Split a 1 / b 2.5",
        "parallel": "At once: mail, sms",
        "join": "Wait for all branches",
        "wait": "Wait 2 h",
        "wait_for_event": "Wait for A, up to 1 d",
        "wait_for_condition": "Wait for a condition, up to 1 d",
        "wait_for_date": "Wait until 10 d before due",
        "end": "enough",
    }
    assert (
        summary("send", {"channel": {"same_as": "m"}, "template": "t", "ttl": "1h"})
        == "Send as at m: t, gives up after 1 h"
    )
    assert summary("set_attribute", {"attribute": "a", "value": 5}) == "Set a to 5"
    assert summary("check", {"cases": {"a": {"tag": "x"}, "b": {"tag": "y"}}}) == "Check a, b"
    assert summary("reachable", "sms") == "Reachable by sms"
    assert summary("suppress", {}) == "Suppress every channel"
    assert summary("assign_owner", "anna") == "Owner anna"
    assert summary("split", {"weights": {"a": 1}, "control": "5%", "sticky": True}) == "Split a 1 / control 5%, sticky"
    assert summary("split", {"weights": {"a": 1}, "optimise": "goal"}) == "Split a 1, learned"
    assert summary("wait_for_slot", {"from": "09:00", "to": "17:00"}) == "Wait for 09:00–17:00"
    assert summary("wait_for_slot", {"best_time": "sms"}) == "Wait for the best time for sms, up to 1 d"
    assert summary("wait", {"attribute": "pause"}) == "Wait pause"
    assert summary("wait_for_event", {"event": "A"}) == "Wait for A"
    assert summary("wait_for_condition", {"tag": "vip"}) == "Wait for a condition"
    assert summary("wait_for_date", {"date": "2026-04-01", "after": "2d"}) == "Wait until 2 d after 2026-04-01"
    assert summary("wait_for_date", "2026-04-01") == "Wait until 2026-04-01"
    assert summary("end", None) == "End"


def summary(kind: str, settings: Any) -> str:
    problems: list[Problem] = []
    document = parse(journey({"n": {kind: settings}}), problems)
    assert document is not None and not problems, problems
    return document.nodes["n"].node.summary()


@pytest.mark.parametrize("kind", NODES)
def test_every_kind_has_a_schema_of_its_settings(kind: str) -> None:
    schema = settings_schema(NODES[kind].FIELDS)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    assert all(one["description"] for one in schema["properties"].values())


def test_a_failing_node_stops_only_its_run() -> None:
    lonely = journey({"n": {"reachable": "email", "yes": "over"}}, id="lonely")
    story = Story(lonely, one({"add_tag": "ok"}, id="sound"), consent=())
    story.event()
    assert story.whys("failed") == ["LookupError: node 'n' has no way out by 'no'"]
    assert story.whys("ended", journey="lonely") == ["failed"]
    assert story.profile.tags == ["ok"]


def test_a_date_in_the_document_is_an_instant_of_utc_for_the_active_time() -> None:
    document, problems = check(
        journey({"n": {"add_tag": "x", "next": "over"}}, active={"from": "2026-03-01", "to": "2026-03-31"})
    )
    assert problems == [] and document is not None
    assert document.active == (ms("2026-03-01 00:00"), ms("2026-04-01 00:00"))
