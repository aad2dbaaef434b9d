"""Whom alerts go to and when digests are due."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import ms

from wend.core.alerting import Team, check_settings, digest_due, team_of

SETTINGS: dict[str, Any] = {
    "team": {
        "anna": "anna@example.com",
        "sales": {"email": ["a@example.com", "b@example.com"], "webhook": "sales-chat"},
        "ops": {"email": "ops@example.com"},
        "chat": {"webhook": "chat"},
    }
}


def test_a_team_is_an_address_several_or_a_chat() -> None:
    assert team_of(SETTINGS, "anna") == Team("anna", ("anna@example.com",))
    assert team_of(SETTINGS, "sales") == Team("sales", ("a@example.com", "b@example.com"), "sales-chat")
    assert team_of(SETTINGS, "ops") == Team("ops", ("ops@example.com",))
    assert team_of(SETTINGS, "chat") == Team("chat", (), "chat")
    assert team_of({}, "x@example.com") == Team("x@example.com", ("x@example.com",))
    assert team_of({}, "anna") is None


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        ("daily", "2026-03-03 05:00", "2026-03-03 07:00"),
        ("daily", "2026-03-03 07:00", "2026-03-04 07:00"),
        ("weekly", "2026-03-03 05:00", "2026-03-09 07:00"),
        ("weekly", "2026-03-23 07:00", "2026-03-30 06:00"),  # summer time began on the 29th
    ],
)
def test_a_digest_is_due_at_the_set_hour_of_the_workspaces_zone(digest: str, now: str, due: str) -> None:
    assert digest_due({}, digest, ms(now), "Europe/Berlin") == ms(due)


def test_hour_and_weekday_of_digests_can_be_set() -> None:
    settings = {"alert_digest": {"at": "17:30", "weekday": "friday"}}
    assert digest_due(settings, "daily", ms("2026-03-03 18:00"), "UTC") == ms("2026-03-04 17:30")
    assert digest_due(settings, "weekly", ms("2026-03-03 18:00"), "UTC") == ms("2026-03-06 17:30")


def test_faults_of_the_settings_are_named_all_at_once() -> None:
    assert list(check_settings(SETTINGS | {"audiences": ["buyers"], "alert_digest": {"at": "07:00"}})) == []
    faults = {
        "team": {"owner": "a@b.de", "x": 5, "y": {"emial": "a@b.de", "email": ["a@b.de", "@"], "webhook": ""}},
        "audiences": ["a", 5],
        "alert_digest": {"hour": 8, "at": "25:00", "weekday": "mondya"},
    }
    assert [str(one) for one in check_settings(faults, "")] == [
        "team.owner: expected a name; 'owner' and addresses have a meaning of their own",
        "team.x: expected an e-mail address, found 5",
        "team.y.emial: is not part of a team; did you mean 'email'? (allowed: email, webhook)",
        "team.y.email: expected an e-mail address, found '@'",
        "team.y.webhook: expected the id of a service, found ''",
        "audiences: expected a list of names, found ['a', 5]",
        "alert_digest.hour: is not part of it (allowed: at, weekday)",
        "alert_digest.at: '25:00' is not a time of day; write hours and minutes in quotes, from '00:00' to '23:59'",
        "alert_digest.weekday: 'mondya' is not a weekday; did you mean 'monday'?",
    ]
    assert list(check_settings({})) == []
    assert [str(one) for one in check_settings({"team": 5, "alert_digest": 5})] == [
        "settings.team: expected {anna: anna@example.com}, found 5",
        'settings.alert_digest: expected {at: "08:00", weekday: monday}, found 5',
    ]
