"""`{near: {lat: 52.52, lon: 13.405, within: 500m}}`: the person's latest known location is at most that far from a point.

Degrees are WGS 84 as phones send them. Distances go over the great circle of a sphere of the earth's mean radius, 6,371,008.8 m
(haversine); that is within 0.6 % of the truth. Without a known location it is false. How old the location is does not matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Any

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.condition.numbers import is_number
from wend.core.problems import shown

EARTH = 6_371_008.8
UNITS = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048}
FARTHEST = 20_000_000.0
_DISTANCE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([a-z]{1,2})", re.ASCII)
_SETTINGS = ("lat", "lon", "within")


@dataclass(frozen=True, slots=True, eq=False)
class Near(Form):
    """At most so many metres away."""

    lat: float
    lon: float
    meters: float

    def check(self, view: View) -> Verdict:
        location = view.profile.location
        if not location:
            return FALSE
        return TRUE if meters_between(self.lat, self.lon, location[0], location[1]) <= self.meters else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"location"}))


def meters_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The distance of two points on earth, in metres; degrees in."""
    one, two = radians(lat), radians(other_lat)
    half = sin((two - one) / 2) ** 2 + cos(one) * cos(two) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH * asin(min(sqrt(half), 1.0))


def parse_distance(raw: Any) -> float:
    """'500m', '1.5 km', '2mi', '300ft' → metres. Raises ValueError saying what is allowed."""
    found = _DISTANCE.fullmatch(raw) if isinstance(raw, str) else None
    unit = UNITS.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f"{shown(raw)} is no distance; write a number and a unit ({', '.join(UNITS)}), such as 500m")
    meters = float(found[1]) * unit
    if not 0 < meters <= FARTHEST:
        raise ValueError(f"{shown(raw)} is out of range: more than nothing and at most 20000km is allowed")
    return meters


def parse_near(reader: Reader) -> Condition | None:
    """`{near: {lat, lon, within}}`."""
    reader.only("near")
    inner = reader.sub("near", "a point and a distance, such as {lat: 52.52, lon: 13.405, within: 500m}")
    if inner is None:
        return None
    faults = len(reader.errors)
    for key in inner.raw:
        if key not in _SETTINGS:
            inner.fault(str(key), f"there is no {shown(key)} here; allowed are {', '.join(_SETTINGS)}")
    lat, lon = _degrees(inner, "lat", 90), _degrees(inner, "lon", 180)
    meters = 0.0
    try:
        meters = parse_distance(inner.raw.get("within"))
    except ValueError as wrong:
        inner.fault("within", str(wrong))
    return Near(reader.raw, lat, lon, meters) if len(reader.errors) == faults else None


def _degrees(reader: Reader, key: str, most: int) -> float:
    raw: Any = reader.raw.get(key)
    if is_number(raw) and -most <= raw <= most:
        return raw
    reader.fault(key, f"expected degrees from -{most} to {most}, found {shown(raw)}")
    return 0.0
