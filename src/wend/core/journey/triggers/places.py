"""`{geofence_entered: store-berlin}` and `{geofence_exited: [a, b]}`: the person came into one of these places, or left it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

from wend.core.journey.happened import FenceCrossed, Happened
from wend.core.journey.triggers.base import Sparked, Trigger, only
from wend.core.problems import Problem, shown


@dataclass(frozen=True, slots=True)
class OnFence(Trigger):
    """Crossing the edge of a geofence, with the fence's own margin (location.py)."""

    KIND: ClassVar[str] = "geofence"
    fences: tuple[str, ...]
    entered: bool

    def topics(self, journey: str) -> tuple[str, ...]:
        return tuple(f"fence:{one}" for one in self.fences)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, FenceCrossed) and happened.entered is self.entered and happened.fence in self.fences:
            label = f"{'entered' if self.entered else 'left'} geofence {happened.fence}"
            return Sparked(happened.at, {"geofence": happened.fence}, label)
        return None


def parse_fence(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    only(raw, (kind,), where, problems)
    setting = raw[kind]
    fences = cast("list[Any]", setting) if isinstance(setting, list) else [setting]
    if not fences or not all(isinstance(one, str) and one for one in fences):
        problems.append(Problem(f"{where}.{kind}", f"expected the id of a geofence or a list, found {shown(setting)}"))
        return None
    return OnFence(tuple(dict.fromkeys(fences)), kind == "geofence_entered")
