"""`wait_for_slot`: rest until the next slot of weekdays and hours in the person's zone, or until the person's best time.

`{wait_for_slot: {days: [mon, tue], from: "09:00", to: "17:00"}}`, or `{wait_for_slot: {best_time: {channel: email, fallback: "10:00"}}}`:
the hour in which the person usually opens and clicks on that channel, else the hour learned from all people, else the fallback.
It counts by the real clock (engine.md 4), and anew when the person moves to another zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from wend.core.condition.base import Listens
from wend.core.duration import HOUR, format_duration
from wend.core.habits import best_hour
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import CHANNEL, DURATION, TIME_OF_DAY, Field, Type, choice, list_of, parse_settings
from wend.core.journey.happened import Happened
from wend.core.journey.timing import DAYS, Slot
from wend.core.problems import Problem, shown
from wend.core.zone import next_local_time, to_local

_BEST = {
    "channel": Field(CHANNEL, "The channel whose opens and clicks count", required=True),
    "fallback": Field(TIME_OF_DAY, "The hour while nothing is known", default="10:00"),
    "within": Field(DURATION, "Goes on after this long at the latest", default=24 * HOUR),
}


def _best(raw: Any, where: str, problems: list[Problem]) -> dict[str, Any] | None:
    if isinstance(raw, str):
        raw = {"channel": raw}
    if not isinstance(raw, dict):
        problems.append(Problem(where, f'expected {{channel: email, fallback: "10:00"}}, found {shown(raw)}'))
        return None
    return parse_settings(cast("dict[str, Any]", raw), _BEST, where, problems)


class WaitForSlot(Node):
    KIND = "wait_for_slot"
    GROUP = "flow"
    WAITS = True
    FIELDS = {
        "days": Field(list_of(choice(*DAYS)), "Weekdays; all when left out"),
        "from": Field(TIME_OF_DAY, "Beginning, in the person's zone"),
        "to": Field(TIME_OF_DAY, "End; before the beginning: over midnight"),
        "best_time": Field(
            Type(_best, {"type": "object", "properties": {"channel": CHANNEL.schema}}),
            "The person's best time instead: channel, fallback (10:00), within (24h)",
        ),
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        settings = self.settings
        slot = (settings["days"], settings["from"], settings["to"])
        if settings["best_time"] is not None:
            if slot != (None, None, None):
                yield "best_time", "give either best_time or days, from and to"
        elif settings["from"] is None or settings["to"] is None:
            yield "from", 'give from and to, such as {from: "09:00", to: "17:00"}, or best_time'
        elif settings["from"] == settings["to"]:
            yield "to", "the slot begins and ends at the same time"

    def enter(self, turn: Turn) -> Answer:
        until, why = self._best_time(turn) if self.settings["best_time"] else self._next_slot(turn)
        return Go("next", why) if until <= turn.real else Park(until, why)

    def wake(self, turn: Turn) -> Answer:
        # Woken late (after an outage) the best time is over, and the next one a day away: go on. A slot is waited for again.
        return Go("next", "its time has come") if self.settings["best_time"] else self.enter(turn)

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        return self.enter(turn)  # the zone may be another one

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({"timezone"}))

    def reads(self) -> frozenset[str]:
        return frozenset({"hours"}) if self.settings["best_time"] else frozenset()

    def summary(self) -> str:
        best = self.settings["best_time"]
        if best:
            return f"Wait for the best time for {best['channel']}, up to {format_duration(best['within'])}"
        days = f"{', '.join(self.settings['days'])} " if self.settings["days"] else ""
        return f"Wait for {days}{self.settings['from']}–{self.settings['to']}"

    def _next_slot(self, turn: Turn) -> tuple[int, str]:
        days = frozenset(DAYS.index(day) for day in self.settings["days"] or DAYS)
        slot = Slot(self.settings["from"], self.settings["to"], days)
        until = slot.next_open(turn.real, turn.zone)
        return until, "in the slot" if until <= turn.real else "waits for its slot"

    def _best_time(self, turn: Turn) -> tuple[int, str]:
        best: dict[str, Any] = self.settings["best_time"]
        latest = turn.run.since + best["within"]
        hour, why = best_hour(turn.profile, best["channel"]), f"the person's best hour for {best['channel']}"
        if hour is None:
            hour = cast("dict[str, int]", turn.view().settings.get("best_time") or {}).get(best["channel"])
            why = f"most people's best hour for {best['channel']}"
        time, why = (best["fallback"], "no best hour is known yet") if hour is None else (f"{hour:02}:00", why)
        why = f"{why}: {time}"
        if hour is not None and to_local(turn.real, turn.zone).hour == hour:
            return turn.real, why
        until = next_local_time(turn.real - 1, time, turn.zone)
        return (until, why) if until <= latest else (max(latest, turn.real), f"{why}, which is too late")
