"""From a provider's answer to what becomes of the row, and of the account it went through."""

from __future__ import annotations

from collections.abc import Mapping

from wend.channels.contract import Accepted, Later, Outcome, Provider, Refused, Unknown
from wend.delivery.outbox import Row, Settled
from wend.delivery.pace import Breaker, Pace, back_off


class Accounts:
    """Pace and circuit breaker of every account. `rates`: account or channel → messages a second."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._rates = rates
        self._breakers: dict[str, Breaker] = {}
        self._paces: dict[str, Pace] = {}

    def breaker(self, account: str) -> Breaker:
        """The account's breaker, made at first sight."""
        return self._breakers.setdefault(account, Breaker())

    def take(self, account: str, wanted: int, now: int) -> tuple[int, int]:
        """See Pace.take."""
        if account not in self._paces:
            rate = self._rates.get(account, 0.0)
            self._paces[account] = Pace(rate, max(1.0, rate))
        return self._paces[account].take(wanted, now)

    def paused_until(self, account: str, now: int) -> int:
        """When the account is tried again; 0: it is not paused."""
        breaker = self.breaker(account)
        return breaker.until if breaker.open_at(now) else 0

    def why(self, account: str) -> str:
        """What paused the account."""
        return f"{account} is paused: {self.breaker(account).why}"

    def paused(self, now: int) -> dict[str, tuple[int, str]]:
        """Account → (until, why) of the paused ones."""
        return {name: (one.until, one.why) for name, one in self._breakers.items() if one.open_at(now)}


def settled_as(row: Row, to: str, outcome: Outcome, provider: Provider, accounts: Accounts, now: int) -> Settled:
    """What becomes of a row that was being sent; the account's breaker learns of it too."""
    breaker = accounts.breaker(provider.account)
    if isinstance(outcome, Accepted):
        breaker.worked()
        return Settled(row, "accepted", provider_id=outcome.provider_id, address=to)
    if isinstance(outcome, Refused):
        if outcome.kind == "account":
            breaker.failed(now, outcome.why, hard=True)
            return _again(row, outcome.why, breaker.until or now + back_off(row.tries + 1, row.effect_id), to)
        breaker.worked()
        return Settled(row, "refused", outcome.why, address=to, bounced=outcome.kind == "address")
    if isinstance(outcome, Unknown) and not provider.idempotent:
        breaker.failed(now, outcome.why, hard=False)
        return Settled(row, "uncertain", outcome.why, address=to)
    if isinstance(outcome, Unknown) or outcome.account:
        breaker.failed(now, outcome.why, hard=False)
    after = outcome.after if isinstance(outcome, Later) and outcome.after else back_off(row.tries + 1, row.effect_id)
    return _again(row, outcome.why, now + after, to)


def _again(row: Row, why: str, at: int, to: str) -> Settled:
    """Back into the queue; the last attempt falls on the end of its time to live, where the claim drops it."""
    return Settled(row, "queued", why, not_before=min(at, row.expires_at), address=to)
