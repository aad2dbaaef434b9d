"""Permission to send, in the order of rule 10 of journeys.md."""

from datetime import datetime
from typing import Any

import pytest

from wend.core.caps import Cap
from wend.core.consent import apply_consent, apply_suppress
from wend.core.inputs import Consent, Suppress
from wend.core.permission import ALLOW, LEAVING, Allow, Drop, Hold, Request, check_settings, decide
from wend.core.profile import Profile

NIGHT = {"quiet_hours": {"sms": {"from": "21:00", "to": "08:00"}}}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOON = ms("2026-11-22T12:00:00+01:00")


def person(**attributes: Any) -> Profile:
    profile = Profile(
        1, {"email": "ann@example.com", "phone": "+491511234567", "timezone": "Europe/Berlin", **attributes}
    )
    for channel in ("email", "sms"):
        apply_consent(profile, Consent("subscribed", 1, channel))
    return profile


def ask(
    profile: Profile,
    channel: str = "sms",
    *,
    at: int = NOON,
    law: Any = NIGHT,
    transactional: bool = False,
    **more: Any,
):
    return decide(Request(profile, channel, "offers", transactional, at, law, **more))


def test_rule_10_what_nothing_forbids_is_allowed():
    assert ask(person()) == ALLOW == Allow()
    assert ask(person(), law={}) == ALLOW
    assert ask(person(), "email", at=ms("2026-11-22T23:00:00+00:00")) == ALLOW


def test_rule_10_suppression_is_named_before_the_missing_address_and_that_before_consent():
    profile = Profile(1)
    apply_suppress(profile, Suppress("manual", 1))
    assert ask(profile) == Drop("suppressed: manual")
    assert ask(Profile(1)) == Drop("unreachable: no attribute 'phone'")
    assert ask(Profile(1, {"phone": "+491511234567"})) == Drop("no consent for sms")


def test_rule_10_a_transactional_message_ignores_only_marketing_consent():
    profile = Profile(1, {"phone": "+491511234567"})
    assert ask(profile, transactional=True) == ALLOW
    assert isinstance(ask(profile, transactional=True, at=ms("2026-11-22T23:00:00+00:00")), Hold)
    apply_suppress(profile, Suppress("bounced", 1, "sms", "+491511234567"))
    assert ask(profile, transactional=True) == Drop("suppressed: bounced")


def test_rule_10_a_left_topic_is_dropped():
    profile = person()
    apply_consent(profile, Consent("unsubscribed", 2, topic="offers"))
    assert ask(profile) == Drop("unsubscribed from topic offers")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-22T20:59:59+01:00", None),
        ("2026-11-22T21:00:00+01:00", "2026-11-23T08:00:00+01:00"),
        ("2026-11-23T07:59:59+01:00", "2026-11-23T08:00:00+01:00"),
        ("2026-11-23T08:00:00+01:00", None),
        # the night in which summer time begins is an hour shorter
        ("2026-03-28T23:00:00+01:00", "2026-03-29T08:00:00+02:00"),
    ],
)
def test_rule_10_quiet_hours_hold_to_their_edge_in_the_persons_zone(at: str, until: str | None):
    decision = ask(person(), at=ms(at))
    if until is None:
        assert decision == ALLOW
    else:
        assert decision == Hold(ms(until), "quiet hours for sms until 08:00 (Europe/Berlin)")


def test_quiet_hours_may_lie_within_one_day_and_hold_for_all_channels():
    law = {"quiet_hours": {"*": {"from": "12:00", "to": "14:00"}}}
    assert ask(person(), "email", law=law) == Hold(
        ms("2026-11-22T14:00:00+01:00"), "quiet hours for email until 14:00 (Europe/Berlin)"
    )
    assert ask(person(), "email", law=law, at=ms("2026-11-22T15:00:00+01:00")) == ALLOW
    assert ask(person(), "email", law=law, at=ms("2026-11-22T11:59:00+01:00")) == ALLOW


def test_a_person_without_a_zone_has_the_workspaces_night():
    at = ms("2026-11-22T23:00:00+00:00")
    assert isinstance(ask(person(timezone="?"), at=at, zone="Europe/Berlin"), Hold)
    assert ask(person(timezone=None), at=at, zone="America/New_York") == ALLOW


def test_a_hold_that_would_outlast_the_time_to_live_is_a_drop():
    at, edge = ms("2026-11-22T22:00:00+01:00"), ms("2026-11-23T08:00:00+01:00")
    assert isinstance(ask(person(), at=at, expires_at=edge + 1), Hold)
    assert ask(person(), at=at, expires_at=edge) == Drop(
        "quiet hours for sms until 08:00 (Europe/Berlin), which is after its time to live"
    )


def test_nothing_is_sent_after_its_time_to_live():
    assert ask(person(), expires_at=NOON) == Drop("its time to live is over")


def test_another_contact_is_judged_by_its_own_address():
    assert ask(person(), to="parent_phone") == Drop("unreachable: no attribute 'parent_phone'")
    assert ask(person(parent_phone="+49301234567"), to="parent_phone") == Drop("no consent for sms:parent_phone")


def test_settings_are_checked_all_at_once():
    assert list(check_settings({})) == []
    assert list(check_settings(NIGHT)) == []
    found = [
        str(problem)
        for problem in check_settings(
            {
                "quiet_hours": {
                    "sns": {"from": "21:00", "to": "08:00"},
                    "*": {"from": "9", "to": "25:00"},
                    "email": {"from": "21:00"},
                    "whatsapp": "night",
                    "in_app": {"from": "10:00", "to": "10:00"},
                }
            },
            "",
        )
    ]
    assert found[0] == "quiet_hours.sns: 'sns' is not a channel; did you mean 'sms'?"
    assert [line.split(":")[0] for line in found[1:]] == [
        "quiet_hours.*.from",
        "quiet_hours.*.to",
        "quiet_hours.email",
        "quiet_hours.whatsapp",
        "quiet_hours.in_app",
    ]
    (found,) = check_settings({"quiet_hours": 7})
    assert str(found).startswith("settings.quiet_hours: expected")


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        # Lord Howe turns its clocks by half an hour: 02:00 becomes 02:30 (and back at 02:00 to 01:30)
        ("Australia/Lord_Howe", "2026-10-03T23:00:00+10:30", "2026-10-04T08:00:00+11:00"),
        ("Australia/Lord_Howe", "2026-04-04T23:00:00+11:00", "2026-04-05T08:00:00+10:30"),
        # the day's first and last zones, and quarter hours
        ("Pacific/Kiritimati", "2026-11-22T22:00:00+14:00", "2026-11-23T08:00:00+14:00"),
        ("Etc/GMT+12", "2026-11-22T22:00:00-12:00", "2026-11-23T08:00:00-12:00"),
        ("Asia/Kathmandu", "2026-11-22T22:00:00+05:45", "2026-11-23T08:00:00+05:45"),
        ("Pacific/Chatham", "2026-09-26T23:00:00+12:45", "2026-09-27T08:00:00+13:45"),
        # Samoa left out the 30th of December 2011: held to the end of the gap, and asked again there (it is night still)
        ("Pacific/Apia", "2011-12-29T22:00:00-10:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", "2011-12-31T00:00:00+14:00", "2011-12-31T08:00:00+14:00"),
        # the night in which summer time ends is an hour longer
        ("Europe/Berlin", "2026-10-24T22:00:00+02:00", "2026-10-25T08:00:00+01:00"),
        ("America/New_York", "2026-03-07T22:00:00-05:00", "2026-03-08T08:00:00-04:00"),
    ],
)
def test_rule_10_nights_in_far_zones_and_when_clocks_change(zone: str, at: str, until: str):
    decision = ask(person(timezone=zone), at=ms(at))
    assert decision == Hold(ms(until), f"quiet hours for sms until 08:00 ({zone})")


@pytest.mark.parametrize(
    ("to", "at", "until"),
    [
        # 02:30 does not exist in the night in which summer time begins: the clocks jump from 02:00 to 03:00
        ("02:30", "2026-03-28T23:00:00+01:00", "2026-03-29T03:00:00+02:00"),
        # and comes twice when it ends: the first one counts
        ("02:30", "2026-10-24T23:00:00+02:00", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_rule_10_an_edge_that_a_change_of_the_clocks_skips_or_repeats(to: str, at: str, until: str):
    law = {"quiet_hours": {"sms": {"from": "21:00", "to": to}}}
    assert ask(person(), at=ms(at), law=law) == Hold(ms(until), f"quiet hours for sms until {to} (Europe/Berlin)")


def test_rule_10_a_night_that_is_further_away_than_allowed_drops():
    law = {"quiet_hours": {"sms": {"from": "21:00", "to": "08:00", "hold_at_most": "2h"}}}
    assert ask(person(), at=ms("2026-11-22T22:00:00+01:00"), law=law) == Drop(
        "quiet hours for sms until 08:00 (Europe/Berlin), further away than 2 h"
    )
    assert isinstance(ask(person(), at=ms("2026-11-23T06:00:00+01:00"), law=law), Hold)


def test_what_was_decided_for_good_is_not_decided_again_when_the_message_leaves():
    request = Request(
        person(), "sms", "", False, NOON, {"control_group": {"share": "100%"}}, caps=(Cap(1, 10),), control=1_000_000
    )
    request.profile.caps[request.caps[0].id] = [NOON]
    assert decide(request, LEAVING) == ALLOW
    assert isinstance(decide(request), Drop)


@pytest.mark.parametrize(
    ("law", "fault"),
    [
        ({"control_group": 5}, "control_group: expected {share: 5%}, found 5"),
        ({"control_group": {"share": 5}}, "control_group.share: expected a part such as 5%, found 5"),
        (
            {"control_group": {"share": "5%", "slat": "x"}},
            "control_group.slat: is not part of a control group; did you mean 'salt'?",
        ),
        ({"control_group": {"share": "5%", "salt": 1}}, "control_group.salt: expected a text, found 1"),
        ({"caps": [{"limit": 1}]}, "caps[0].within: "),
        (
            {"quiet_hours": {"sms": {"from": "21:00", "to": "08:00", "hold_at_most": "x"}}},
            "quiet_hours.sms.hold_at_most: ",
        ),
        ({"quiet_hours": 5}, "quiet_hours: expected "),
    ],
)
def test_faults_of_the_settings_are_named(law: dict[str, Any], fault: str):
    (problem,) = check_settings(law, "")
    assert str(problem).startswith(fault)
