"""Settings that are learned from all people (insight/) and read by journeys: the best hour of each channel, the weights of splits.

`best_time: {email: 19, sms: 12}` (local hours) · `bandits: {"welcome/offer": {a: 0.8, b: 0.2}}` (journey/node → arm → weight).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wend.core.consent import CHANNELS
from wend.core.journey.values import is_number
from wend.core.problems import Problem, nearest, shown

NAMES = ("best_time", "bandits")


def check_settings(settings: Mapping[str, Any]) -> Iterator[Problem]:
    """All faults in the part of the settings that is read here; null takes a setting away."""
    hours: Any = settings.get("best_time")
    if hours is not None and not isinstance(hours, dict):
        yield Problem("best_time", f"expected hours by channel such as {{email: 19}}, found {shown(hours)}")
    for channel, hour in cast("dict[str, Any]", hours).items() if isinstance(hours, dict) else ():
        if channel not in CHANNELS:
            yield Problem(f"best_time.{channel}", f"'{channel}' is not a channel{nearest(channel, CHANNELS)}")
        if isinstance(hour, bool) or not isinstance(hour, int) or not 0 <= hour <= 23:
            yield Problem(f"best_time.{channel}", f"expected an hour from 0 to 23, found {shown(hour)}")
    places: Any = settings.get("bandits")
    if places is not None and not isinstance(places, dict):
        yield Problem("bandits", f"expected {{journey/node: {{arm: weight}}}}, found {shown(places)}")
    for place, arms in cast("dict[str, Any]", places).items() if isinstance(places, dict) else ():
        weights = list(cast("dict[str, Any]", arms).values()) if isinstance(arms, dict) else []
        if not weights or not all(is_number(one) and one >= 0 for one in weights) or not sum(weights):
            yield Problem(
                f"bandits.{place}", f"expected weights of arms such as {{a: 0.8, b: 0.2}}, found {shown(arms)}"
            )
