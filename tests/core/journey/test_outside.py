"""Geofences and stages that a journey names must be there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import journey

from wend.core.journey.check import Known, check

PUT, ADD = "; make it with `wend geofence put`", "; add it to `funnel` of the settings"
KNOWN = Known(geofences=frozenset({"store", "park"}), stages=frozenset({"lead", "mql"}))


@pytest.mark.parametrize(
    ("on", "more", "faults"),
    [
        (
            {"geofence_entered": ["store", "stor"]},
            {},
            [f"entry.on.geofence_entered: there is no geofence 'stor'; did you mean 'store'?{PUT}"],
        ),
        (["api", {"geofence_exited": "pub"}], {}, [f"entry.on[1].geofence_exited: there is no geofence 'pub'{PUT}"]),
        (
            "api",
            {"exit_when": {"inside": "parc"}},
            [f"exit_when: there is no geofence 'parc'; did you mean 'park'?{PUT}"],
        ),
        (
            {"stage_changed": {"from": "mql", "to": "sql"}},
            {},
            [f"entry.on.stage_changed.to: there is no stage 'sql'; did you mean 'mql'?{ADD}"],
        ),
        ({"geofence_entered": "store"}, {"exit_when": {"inside": "park"}}, []),
    ],
)
def test_what_is_missing_is_named(on: Any, more: dict[str, Any], faults: list[str]) -> None:
    raw = journey({"over": {"end": None}}, on=on, **more)
    assert [str(one) for one in check(raw, KNOWN)[1] if one.level == "error"] == faults
    assert [one for one in check(raw, Known())[1] if one.level == "error"] == []
