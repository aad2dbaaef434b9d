"""How each service is doing: calls in hand, pace, breaker. No service holds up another. Times in ms of a clock that is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wend.delivery.asks.services import Service
from wend.delivery.pace import Breaker, Pace

_SOON = 500


@dataclass(slots=True)
class Line:
    """One service."""

    pace: Pace
    breaker: Breaker
    working: int = 0


@dataclass(frozen=True, slots=True)
class NotNow:
    """The service is not called now, but `after` ms later."""

    why: str
    after: int


class Lines:
    """All services that were called."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def paused(self, now: int) -> dict[str, tuple[int, str]]:
        """Service → (until, why) of those that are left alone now."""
        lines = self._lines.items()
        return {name: (line.breaker.until, line.breaker.why) for name, line in lines if line.breaker.open_at(now)}

    def busy(self, services: Mapping[str, Service]) -> list[str]:
        """The services that work on as many calls as they may."""
        return [
            name for name, line in self._lines.items() if name in services and line.working >= services[name].at_once
        ]

    def begin(self, service: Service, now: int) -> Line | NotNow:
        """A place for one more call, which its taker gives back (`end`)."""
        line = self._lines.setdefault(service.id, Line(_pace(service), Breaker()))
        if line.pace.rate != service.rate:
            line.pace = _pace(service)
        if line.breaker.open_at(now):
            return NotNow(f"{service.id} is paused: {line.breaker.why}", line.breaker.until - now)
        if line.working >= service.at_once:
            return NotNow(f"{service.id} is busy", _SOON)
        given, wait = line.pace.take(1, now)
        if not given:
            return NotNow(f"{service.id} is called no faster than {service.rate:g} times a second", wait)
        line.working += 1
        return line

    def end(self, line: Line) -> None:
        """The call is over, whatever came of it."""
        line.working -= 1


def _pace(service: Service) -> Pace:
    return Pace(service.rate, max(1.0, service.rate))
