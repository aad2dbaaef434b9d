"""Where a person is: the latest location, and the geofences they are inside of, with hysteresis.

Which fences a location lies in is looked up when the event is taken in (intake/places.py) and comes with it, under `fences` of its
context: `{at: [latitude, longitude], inside: [ids], near: [ids]}`; `near` is outside by less than the fence's margin. Somebody comes
in when inside, and leaves when neither inside nor near: a phone whose position trembles at the edge crosses it once.
A location older than the latest one is passed over. At most 100 fences are kept.
"""

from __future__ import annotations

from typing import Any, cast

from wend.core.inputs import Event
from wend.core.journey.happened import FenceCrossed
from wend.core.profile import Profile

CONTEXT = "fences"
MAX_FENCES = 100


def locate(profile: Profile, event: Event) -> list[FenceCrossed]:
    """Take over the location that came with the event, if one did; returns the fences crossed, those left first.

    `profile.location` is another list afterwards when it changed.
    """
    raw: Any = event.context.get(CONTEXT)
    if not isinstance(raw, dict) or (profile.location and event.at < profile.location[2]):
        return []
    found = cast("dict[str, Any]", raw)
    latitude, longitude = found["at"]
    profile.location = [latitude, longitude, event.at]
    inside, near = set[str](found["inside"]), set[str](found["near"])
    crossed = [FenceCrossed(fence, False, event.at) for fence in profile.fences if fence not in inside | near]
    for one in crossed:
        del profile.fences[one.fence]
    for fence in sorted(inside - profile.fences.keys())[: MAX_FENCES - len(profile.fences)]:
        profile.fences[fence] = event.at
        crossed.append(FenceCrossed(fence, True, event.at))
    return crossed
