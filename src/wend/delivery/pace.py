"""How fast, and whether at all: a token bucket and a circuit breaker for each account.

Pure bookkeeping in ms of a clock that is passed in; nothing waits here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_PAUSE = 15_000
LONGEST_PAUSE = 600_000
FAILURES_IN_A_ROW = 20


@dataclass(slots=True)
class Pace:
    """At most `rate` messages a second, `burst` at once (rate 0: no limit)."""

    rate: float = 0.0
    burst: float = 0.0
    _tokens: float = field(default=-1.0, init=False)
    _at: int = field(default=0, init=False)

    def take(self, wanted: int, now: int) -> tuple[int, int]:
        """How many of `wanted` may go now, and the ms to wait before the next may (0 when all may)."""
        if self.rate <= 0:
            return wanted, 0
        most = max(self.burst, 1.0)
        if self._tokens < 0:
            self._tokens = most
        else:
            self._tokens = min(most, self._tokens + max(0, now - self._at) * self.rate / 1000)
        self._at = now
        given = min(wanted, int(self._tokens))
        self._tokens -= given
        return given, 0 if given == wanted else max(1, int((1 - self._tokens) * 1000 / self.rate))


@dataclass(slots=True)
class Breaker:
    """Stops an account that refuses us, and tries it again after a pause that doubles up to ten minutes."""

    why: str = ""
    until: int = 0
    _pause: int = 0
    _failures: int = 0

    def open_at(self, now: int) -> bool:
        """Whether the account is paused at `now`."""
        return now < self.until

    def failed(self, now: int, why: str, *, hard: bool) -> None:
        """`hard`: the account itself was refused; else one of the failures that count only in a row (no connection …)."""
        self._failures += 1
        if (hard or self._failures >= FAILURES_IN_A_ROW) and not self.open_at(now):
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
            self.until = now + self._pause
            self.why = why

    def worked(self) -> None:
        """A message was taken, or refused for its own sake: the account is all right."""
        self._failures = 0
        self._pause = 0
        self.until = 0
        self.why = ""


def back_off(tries: int, effect_id: str) -> int:
    """ms until the next attempt after `tries` attempts: 10 s doubling to 1 h, ± 25 % derived from the effect id."""
    base = min(3_600_000, 10_000 << min(max(tries - 1, 0), 12))
    spread = (sum(effect_id.encode()) * 2_654_435_761 % 1000) / 1000  # the same message always the same, messages apart
    return int(base * (0.75 + spread / 2))
