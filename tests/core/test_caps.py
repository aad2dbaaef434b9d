"""Frequency caps: rolling windows, many rules, places kept (journeys.md rule 10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.caps import MAX_VALUES, Cap, Message, count, full, give_back, keep_only, parse_caps
from wend.core.problems import Problem

DAY = 86_400_000
MAIL = Message("email", "offers", "spring", "j", False)


def caps(*rules: dict[str, Any]) -> tuple[Cap, ...]:
    problems: list[Problem] = []
    found = parse_caps(list(rules), "caps", problems)
    assert not problems, problems
    return found


def test_rule_10_the_window_rolls_and_its_old_edge_is_outside():
    rules = caps({"limit": 2, "within": "1d"})
    kept: dict[str, list[int]] = {}
    count(rules, kept, MAIL, 10)
    assert full(rules, kept, MAIL, 20) is None
    count(rules, kept, MAIL, 20)
    found = full(rules, kept, MAIL, 10 + DAY - 1)
    assert found is not None and found.until is None
    assert found.why == "frequency cap: at most 2 of any message within 1 d (2 sent)"
    assert full(rules, kept, MAIL, 10 + DAY) is None


@pytest.mark.parametrize(
    ("rule", "other", "capped"),
    [
        ({"channel": "email"}, MAIL._replace(channel="sms"), False),
        ({"topic": "offers"}, MAIL._replace(topic="news"), False),
        ({"template": "spring"}, MAIL._replace(template="autumn"), False),
        ({"journey": "j"}, MAIL._replace(journey="k"), False),
        ({"same": "template"}, MAIL._replace(template="autumn"), False),
        ({"same": "template"}, MAIL._replace(channel="sms"), True),
        ({"same": "template", "channel": "sms"}, MAIL, False),
        ({}, MAIL._replace(transactional=True), False),
        ({"transactional": True}, MAIL._replace(transactional=True), True),
        ({}, MAIL._replace(channel="sms", topic="", template="x", journey="k"), True),
    ],
)
def test_rule_10_caps_by_channel_topic_template_and_overall(rule: dict[str, Any], other: Message, capped: bool):
    rules = caps({"limit": 1, "within": "1d", **rule})
    kept: dict[str, list[int]] = {}
    count(rules, kept, MAIL, 10)
    assert (full(rules, kept, other, 20) is not None) is capped


def test_all_of_many_rules_must_have_room_and_the_first_that_has_none_is_named():
    rules = caps({"limit": 5, "within": "7d"}, {"limit": 1, "within": "30d", "same": "template", "channel": "email"})
    kept: dict[str, list[int]] = {}
    count(rules, kept, MAIL, 10)
    found = full(rules, kept, MAIL, 20)
    assert found is not None
    assert "at most 1 of the same template (channel email) within 30 d" in found.why


def test_a_rule_that_holds_says_when_there_is_room():
    rules = caps({"limit": 1, "within": "1d", "otherwise": "hold"})
    kept: dict[str, list[int]] = {}
    count(rules, kept, MAIL, 10)
    found = full(rules, kept, MAIL, 20)
    assert found is not None and found.until == 10 + DAY


def test_places_are_kept_for_held_messages_of_more_important_journeys():
    rules = caps({"limit": 1, "within": "1d", "otherwise": "hold"})
    found = full(rules, {}, MAIL, 20, [MAIL._replace(journey="k")])
    assert found is not None and found.until is None
    assert found.why.endswith("(0 sent, 1 kept for more important journeys)")
    assert (
        full(caps({"limit": 1, "within": "1d", "same": "journey"}), {}, MAIL, 20, [MAIL._replace(journey="k")]) is None
    )


def test_what_was_not_sent_after_all_is_given_back():
    rules = caps({"limit": 2, "within": "1d"}, {"limit": 1, "within": "1d", "channel": "sms"})
    kept: dict[str, list[int]] = {}
    count(rules, kept, MAIL, 10)
    count(rules, kept, MAIL, 20)
    give_back(rules, kept, MAIL, 10)
    give_back(rules, kept, MAIL, 15)
    assert list(kept.values()) == [[20]]
    give_back(rules, kept, MAIL, 20)
    assert kept == {}


def test_nothing_grows_without_a_bound():
    rules = caps({"limit": 3, "within": "1d", "same": "template"}, {"limit": 2, "within": "30d"})
    kept: dict[str, list[int]] = {}
    for n in range(200):
        count(rules, kept, MAIL._replace(template=f"t{n % 70}"), n * 1000)
    assert len(kept) == MAX_VALUES + 1 and all(len(times) <= 3 for times in kept.values())
    count(rules, kept, MAIL, 3 * DAY)
    assert len(kept) == 2
    keep_only(rules[1:], kept)
    assert list(kept) == [rules[1].id]


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["email", "sms"]), st.sampled_from(["a", "b"]))))
def test_a_cap_never_lets_more_through_than_it_says(wishes: list[tuple[int, str, str]]):
    rules = (Cap(2, 10), Cap(1, 7, channel="email"), Cap(1, 12, same="template"))
    kept: dict[str, list[int]] = {}
    sent: list[tuple[int, Message]] = []
    now = 1000
    for later, channel, template in wishes:
        now += later
        message = Message(channel, "", template, "j", False)
        room = all(
            sum(
                now - cap.within < at <= now and cap.counts(other) and cap.key(other) == cap.key(message)
                for at, other in sent
            )
            < cap.limit
            for cap in rules
            if cap.counts(message)
        )
        assert (full(rules, kept, message, now) is None) is room
        if room:
            count(rules, kept, message, now)
            sent.append((now, message))


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"limit": 1}, "caps: expected a list such as [{limit: 3, within: 7d}]"),
        (["x"], "caps[0]: expected a rule such as"),
        ([{"limit": 0, "within": "1d"}], "caps[0].limit: expected a number of messages from 1 to 50, found 0"),
        ([{"limit": True, "within": "1d"}], "caps[0].limit: expected a number"),
        ([{"limit": 1, "within": "soon"}], "caps[0].within: "),
        ([{"limit": 1, "within": "400d"}], "caps[0].within: expected up to 366d, found '400d'"),
        (
            [{"limit": 1, "within": "1d", "chanel": "sms"}],
            "caps[0].chanel: is not part of a cap; did you mean 'channel'?",
        ),
        (
            [{"limit": 1, "within": "1d", "channel": "emial"}],
            "caps[0].channel: 'emial' is not a channel; did you mean 'email'?",
        ),
        ([{"limit": 1, "within": "1d", "topic": 5}], "caps[0].topic: expected a name, found 5"),
        (
            [{"limit": 1, "within": "1d", "same": "day"}],
            "caps[0].same: expected channel or topic or template or journey",
        ),
        ([{"limit": 1, "within": "1d", "transactional": 1}], "caps[0].transactional: expected True or False, found 1"),
        ([{"limit": 1, "within": "1d", "otherwise": "wait"}], "caps[0].otherwise: expected drop or hold, found 'wait'"),
        ([{"limit": 1, "within": "1d"}, {"limit": 2, "within": "24h"}], "caps: there are two rules for the same thing"),
        ([{"limit": 1, "within": f"{n}d"} for n in range(1, 22)], "caps: 21 rules; 20 are allowed"),
    ],
)
def test_a_faulty_rule_is_named_with_its_place(raw: Any, fault: str):
    problems: list[Problem] = []
    parse_caps(raw, "caps", problems)
    assert len(problems) == 1 and str(problems[0]).startswith(fault), problems
