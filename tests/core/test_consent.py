"""Consent, suppression and reachability: who may be written to, where, and why not."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.consent import (
    CHANNELS,
    IMPLICIT,
    MAX_ENTRIES,
    SOFT_LIMIT,
    address_of,
    apply_consent,
    apply_feedback,
    apply_suppress,
    consent_problem,
    reachable,
    suppression_of,
)
from wend.core.inputs import Consent, Feedback, MessageState, Suppress
from wend.core.profile import Profile


def person(**attributes: Any) -> Profile:
    return Profile(7, {"email": "ann@example.com", "phone": "+49 151 1234567", **attributes})


def feedback(state: Any, channel: str = "email", address: str = "", at: int = 1) -> Feedback:
    return Feedback("r.1", state, at, channel=channel, address=address)


def yes(profile: Profile, channel: str = "email", at: int = 1) -> None:
    apply_consent(profile, Consent("subscribed", at, channel))


def test_each_channel_has_its_address():
    profile = person(parent_phone=491511234567)
    profile.devices = {"mobile_push": {"old": 1, "new": 9}, "web_push": {}}
    assert address_of(profile, "email") == "ann@example.com"
    assert address_of(profile, "sms") == address_of(profile, "whatsapp") == "+491511234567"
    assert address_of(profile, "sms", "parent_phone") == "491511234567"
    assert address_of(profile, "mobile_push") == "new"
    assert address_of(profile, "web_push") is None
    assert address_of(profile, "in_app") == "7"
    assert address_of(Profile(7), "email") is None


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        " a.b+c@sub.example.co.uk ",
        "ünï@exämple.de",
        "a@b.museum",
        "o'hara_1@x-y.org",
        "a@b.xn--p1ai",
    ],
)
def test_an_address_that_mail_can_reach_is_taken(address: str):
    assert reachable(person(email=address), "email", "address") == (True, "email address exists")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "a@b@c.de",
        "a b@c.de",
        "a@-b.de",
        "a@b-.de",
        ".a@b.de",
        "a.@b.de",
        "a..b@c.de",
        "a@b..de",
        "a@1.2.3.4",
        "a@b.c",
        "x" * 65 + "@b.de",
        "a@" + "b." * 130 + "de",
        "a\x00@b.de",
        "\ud800@b.de",
        "a\n@b.de",
        7,
        None,
        [],
        {},
        True,
    ],
)
def test_what_is_no_mail_address_does_not_reach_anyone(address: Any):
    found, why = reachable(person(email=address), "email", "address")
    assert not found
    assert why in ("attribute 'email' is not a valid e-mail address", "no attribute 'email'")


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+49 (151) 123-45.67", "+491511234567"),
        ("0049/1511234567", "+491511234567"),
        (491511234567, "491511234567"),
        ("123456", None),
        ("+1234567890123456", None),
        ("call me", None),
        ("1" * 50, None),
        (10**20, None),
        (True, None),
        (1.5, None),
        ("٠١٢٣٤٥٦٧٨", None),
    ],
)
def test_a_phone_number_is_read_without_its_separators(phone: Any, expected: str | None):
    assert address_of(person(phone=phone), "sms") == expected


def test_marketing_needs_a_recorded_yes_for_the_channel():
    profile = person()
    assert reachable(profile, "email") == (False, "no consent for email")
    assert reachable(profile, "email", "transactional")[0]
    yes(profile)
    assert reachable(profile, "email") == (True, "reachable by email")
    apply_consent(profile, Consent("unsubscribed", 2, "email"))
    assert reachable(profile, "email") == (False, "unsubscribed from email")
    assert reachable(profile, "email", "transactional")[0]


def test_channels_of_the_own_site_need_no_yes_but_hear_a_no():
    profile = person()
    for channel in sorted(IMPLICIT):
        assert reachable(profile, channel)[0]
        apply_consent(profile, Consent("unsubscribed", 1, channel))
        assert not reachable(profile, channel)[0]


def test_a_topic_is_only_denied_by_a_no_to_it():
    profile = person()
    yes(profile)
    assert reachable(profile, "email", topic="offers")[0]
    apply_consent(profile, Consent("unsubscribed", 1, topic="offers"))
    assert reachable(profile, "email", topic="offers") == (False, "unsubscribed from topic offers")
    assert reachable(profile, "email", topic="news")[0]
    apply_consent(profile, Consent("subscribed", 2, topic="offers"))
    assert reachable(profile, "email", topic="offers")[0]


def test_with_channel_and_topic_a_no_means_only_the_topic_and_a_yes_both():
    profile = person()
    assert apply_consent(profile, Consent("opted_in", 1, "email", "offers")) == {"consent", "topics"}
    assert apply_consent(profile, Consent("unsubscribed", 2, "email", "offers")) == {"topics"}
    assert profile.consent["email"] == ["opted_in", 1]
    assert apply_consent(profile, Consent("unsubscribed", 2, "email", "offers")) == set()


def test_an_older_yes_does_not_overwrite_a_no():
    profile = person()
    apply_consent(profile, Consent("unsubscribed", 10, "email"))
    assert apply_consent(profile, Consent("subscribed", 5, "email")) == set()
    assert not reachable(profile, "email")[0]


def test_another_contact_has_its_own_consent_and_suppression():
    profile = person(parent_phone="+49 30 1234567")
    yes(profile, "sms")
    assert reachable(profile, "sms", to="parent_phone") == (False, "no consent for sms:parent_phone")
    yes(profile, "sms:parent_phone")
    assert reachable(profile, "sms", to="parent_phone")[0]
    apply_suppress(profile, Suppress("manual", 1, "sms", "+49301234567"))
    assert reachable(profile, "sms", to="parent_phone") == (False, "suppressed: manual")
    assert reachable(profile, "sms")[0]
    assert reachable(profile, "sms", to="nobody") == (False, "no attribute 'nobody'")
    assert consent_problem(profile, "in_app", to="parent_phone") == ""


def test_suppression_stops_everything_and_can_be_lifted():
    profile = person()
    yes(profile)
    assert apply_suppress(profile, Suppress("manual", 1)) == {"suppressed"}
    assert apply_suppress(profile, Suppress("again", 1)) == set()
    assert suppression_of(profile, "sms", None) == "manual"
    assert reachable(profile, "email", "transactional") == (False, "suppressed: manual")
    assert reachable(profile, "email", "address")[0]
    assert apply_suppress(profile, Suppress("", 1, lift=True)) == {"suppressed"}
    assert apply_suppress(profile, Suppress("", 1, lift=True)) == set()
    apply_suppress(profile, Suppress("idle", 1, "email"))
    assert suppression_of(profile, "email", None) == "idle"
    assert suppression_of(profile, "sms", "+491511234567") is None
    apply_feedback(profile, feedback("bounced"))
    apply_feedback(profile, feedback("soft_bounced", address="b@example.com"))
    assert apply_suppress(profile, Suppress("", 1, "email", lift=True)) == {"suppressed"}
    assert profile.suppressed == {}


def test_an_address_is_suppressed_in_any_letter_case_on_one_channel_or_on_all():
    profile = person(email="ANN@Example.com")
    apply_suppress(profile, Suppress("manual", 1, "email", "ann@example.COM"))
    assert reachable(profile, "email", "transactional") == (False, "suppressed: manual")
    apply_suppress(profile, Suppress("", 1, "email", "Ann@example.com", lift=True))
    assert reachable(profile, "email", "transactional")[0]
    apply_suppress(profile, Suppress("everywhere", 1, "", "ann@example.com"))
    assert reachable(profile, "email", "transactional") == (False, "suppressed: everywhere")
    apply_suppress(profile, Suppress("", 1, "", "ann@example.com", lift=True))
    assert reachable(profile, "email", "transactional")[0]


def test_a_hard_bounce_suppresses_that_address_and_not_the_next_one():
    profile = person()
    yes(profile)
    assert apply_feedback(profile, feedback("bounced")) == {"suppressed"}
    assert reachable(profile, "email") == (False, "suppressed: bounced")
    profile.attributes = {"email": "new@example.com"}
    assert reachable(profile, "email")[0]


def test_the_fifth_soft_bounce_in_a_row_suppresses():
    profile = person()
    for _ in range(SOFT_LIMIT - 1):
        assert apply_feedback(profile, feedback("soft_bounced")) == set()
    assert reachable(profile, "email", "transactional")[0]
    assert apply_feedback(profile, feedback("soft_bounced")) == {"suppressed"}
    assert profile.suppressed == {"email:ann@example.com": "soft_bounced"}


def test_a_delivery_starts_the_count_of_soft_bounces_again():
    profile = person()
    for _ in range(3):
        for _ in range(SOFT_LIMIT - 1):
            apply_feedback(profile, feedback("soft_bounced"))
        assert apply_feedback(profile, feedback("opened")) == set()
    assert profile.suppressed == {}


def test_a_complaint_suppresses_and_unsubscribes():
    profile = person()
    yes(profile)
    assert apply_feedback(profile, feedback("complained", at=5)) == {"suppressed", "consent"}
    assert profile.consent["email"] == ["unsubscribed", 5]


def test_an_unsubscription_is_a_no_to_the_channel_also_without_an_address():
    profile = Profile(1)
    assert apply_feedback(profile, feedback("unsubscribed")) == {"consent"}
    assert apply_feedback(profile, feedback("bounced")) == set()


def test_a_dead_push_token_is_forgotten():
    profile = Profile(1, devices={"mobile_push": {"a": 1, "b": 2}})
    assert apply_feedback(profile, feedback("bounced", "mobile_push", "b")) == {"devices"}
    assert apply_feedback(profile, feedback("bounced", "mobile_push", "b")) == set()
    assert address_of(profile, "mobile_push") == "a"


def test_other_feedback_changes_nothing():
    profile = person()
    for state in ("accepted", "refused", "dropped", "uncertain", "deferred"):
        assert apply_feedback(profile, feedback(state)) == set()
    assert profile == person()


def test_consents_are_bounded_and_a_yes_is_forgotten_before_a_no():
    profile = person()
    apply_consent(profile, Consent("unsubscribed", 1, topic="no"))
    for number in range(MAX_ENTRIES + 5):
        apply_consent(profile, Consent("subscribed", number, topic=f"t{number}"))
    assert len(profile.topics) == MAX_ENTRIES
    assert profile.topics["no"][0] == "unsubscribed"
    for number in range(MAX_ENTRIES + 5):
        apply_consent(profile, Consent("unsubscribed", number, topic=f"n{number}"))
    assert len(profile.topics) == MAX_ENTRIES


def test_suppressions_are_bounded_and_whole_channels_stay():
    profile = person()
    apply_suppress(profile, Suppress("manual", 1, "sms"))
    apply_feedback(profile, feedback("soft_bounced"))
    for number in range(MAX_ENTRIES + 5):
        apply_feedback(profile, feedback("bounced", address=f"a{number}@example.com"))
    assert len(profile.suppressed) == MAX_ENTRIES
    assert profile.suppressed["sms"] == "manual"
    assert not [key for key in profile.suppressed if key.startswith("soft:")]
    profile.suppressed = {f"channel{number}": "x" for number in range(MAX_ENTRIES)}
    apply_suppress(profile, Suppress("manual", 1))
    assert len(profile.suppressed) == MAX_ENTRIES
    assert "*" in profile.suppressed


@given(
    st.lists(
        st.one_of(
            st.builds(
                Feedback,
                st.just("r.1"),
                st.sampled_from(get_args(MessageState)),
                st.integers(0, 9),
                channel=st.sampled_from(CHANNELS),
                address=st.text(max_size=3),
            ),
            st.builds(
                Suppress,
                st.text(max_size=3),
                st.integers(0, 9),
                st.sampled_from(("", *CHANNELS)),
                st.text(max_size=3),
                st.booleans(),
            ),
        ),
        max_size=40,
    )
)
def test_nothing_that_is_heard_breaks_consent_and_a_change_is_always_reported(heard: list[Feedback | Suppress]):
    profile = Profile(1, {"email": "a@example.com"}, devices={"web_push": {"t": 1}})
    for one in heard:
        before = {channel: reachable(profile, channel) for channel in CHANNELS}
        changed = apply_feedback(profile, one) if isinstance(one, Feedback) else apply_suppress(profile, one)
        after = {channel: reachable(profile, channel) for channel in CHANNELS}
        assert changed or before == after
        assert len(profile.suppressed) <= MAX_ENTRIES
