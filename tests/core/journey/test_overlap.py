"""Warnings of other live journeys with the same trigger and an overlapping audience, or the same template."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import journey

from wend.core.journey.document import Document, parse
from wend.core.journey.overlap import overlaps
from wend.core.problems import Problem


def drawn(**more: Any) -> Document:
    problems: list[Problem] = []
    nodes = {"n": {"wait": "1h", "next": "over"}} if "nodes" not in more else more.pop("nodes")
    document = parse(journey(nodes, **more), problems)
    assert document is not None and not problems, problems
    return document


def told(mine: Document, *others: Document) -> list[str]:
    found = list(overlaps(mine, others))
    assert all(problem.level == "warning" for problem in found)
    return [str(problem) for problem in found]


def test_the_same_trigger_and_an_overlapping_audience_is_told() -> None:
    assert told(drawn(id="a", where={"attribute": "city", "is": "Oslo"}), drawn(id="b")) == [
        "entry.on: journey 'b' is live with the same trigger (event) and may reach the same people; narrow `entry.where` of one,"
        " or set `priority` and a frequency cap"
    ]
    assert told(drawn(id="a"), drawn(id="a")) == []
    assert told(drawn(id="a", on="Go"), drawn(id="b", on="Other")) == []
    assert told(drawn(id="a", on={"event": "*"}), drawn(id="b", on="Other"))
    assert told(drawn(id="a", on={"event": ["Go", "Stop"]}), drawn(id="b", on={"event": ["Stop"]}))


@pytest.mark.parametrize(
    ("mine", "theirs", "apart"),
    [
        ({"attribute": "city", "is": "Oslo"}, {"attribute": "city", "is": "Bergen"}, True),
        ({"attribute": "city", "is": "Oslo"}, {"attribute": "city", "in": ["Oslo", "Bergen"]}, False),
        ({"attribute": "city", "is": "Oslo", "ignore_case": True}, {"attribute": "city", "is": "OSLO"}, False),
        ({"attribute": "city", "is": "Oslo"}, {"attribute": "town", "is": "Bergen"}, False),
        ({"attribute": "city", "is": "Oslo"}, {"attribute": "city", "is_not": "Oslo"}, True),
        ({"attribute": "city", "in": ["Oslo", "Bergen"]}, {"attribute": "city", "is_not": "Oslo"}, False),
        ({"attribute": "city", "exists": True}, {"attribute": "city", "missing": True}, True),
        ({"segment": "vip"}, {"not": {"segment": "vip"}}, True),
        ({"not": {"segment": "vip"}}, {"segment": "vip"}, True),
        ({"all": [{"segment": "vip"}, {"known": True}]}, {"all": [{"known": False}]}, True),
        ({"known": True}, {"known": True}, False),
        ({"attribute": "age", "gt": 5}, {"attribute": "age", "lt": 3}, False),
        ({"tag": "a"}, {"tag": "b"}, False),
    ],
)
def test_audiences_are_apart_when_one_asks_for_what_the_other_rules_out(mine: Any, theirs: Any, apart: bool) -> None:
    assert (told(drawn(id="a", where=mine), drawn(id="b", where=theirs)) == []) is apart


def test_properties_of_the_event_tell_triggers_apart() -> None:
    big = {"event": "Go", "where": {"property": "size", "is": "big"}}
    small = {"event": "Go", "where": {"property": "size", "is": "small"}}
    assert told(drawn(id="a", on=big), drawn(id="b", on=small)) == []
    assert told(drawn(id="a", on=big), drawn(id="b", on=big))


def test_other_triggers_are_the_same_when_they_are_equal() -> None:
    assert told(drawn(id="a", on={"tag_added": "vip"}), drawn(id="b", on={"tag_added": "vip"}))
    assert told(drawn(id="a", on={"tag_added": "vip"}), drawn(id="b", on={"tag_added": "new"})) == []
    assert told(drawn(id="a", on={"tag_added": "vip"}), drawn(id="b", on="Go")) == []


def test_the_same_template_is_told_whatever_the_trigger() -> None:
    mail = {"n": {"send": {"channel": "email", "template": "spring"}, "next": "over"}}
    assert told(drawn(id="a", nodes=mail), drawn(id="b", on="Other", nodes=mail)) == [
        "nodes.n: journey 'b' sends template 'spring' too; a cap `same: template` keeps people from getting it twice"
    ]
    other = {"n": {"send": {"channel": "email", "template": "autumn"}, "next": "over"}}
    assert told(drawn(id="a", nodes=mail), drawn(id="b", on="Other", nodes=other)) == []
