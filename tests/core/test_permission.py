"""Permission to send, in the order of rule 10 of journeys.md."""

from datetime import datetime
from typing import Any

import pytest

from wend.core.consent import apply_consent, apply_suppress
from wend.core.inputs import Consent, Suppress
from wend.core.permission import ALLOW, Allow, Drop, Hold, check_settings, decide
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
    return decide(profile, channel, "offers", transactional, at, law, **more)


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
