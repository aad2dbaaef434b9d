"""Where an instant ends up that is shifted by an offset and a time of day, as people mean it: "7 days before, at nine".

Whole days are days of the calendar, whatever the clocks do in between. Used by `wait_for_date` and by date triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

from wend.core.duration import DAY
from wend.core.zone import anniversary, at_local_time, to_local

_LAST_DAY = date.max.toordinal()


def shifted(instant: int, offset: int, at: time | str | None, zone: str) -> int:
    """`instant` + `offset` (ms, may be negative), then the time of day `at` of that day in `zone`."""
    days, rest = divmod(offset, DAY)
    local = to_local(instant, zone)
    if rest == 0:
        day = date.fromordinal(min(max(local.toordinal() + days, 1), _LAST_DAY))
        instant = at_local_time(day, local.time(), zone)
    else:
        instant += offset
    return instant if at is None else at_local_time(to_local(instant, zone).date(), at, zone)


def anniversaries(instant: int, around: int, offset: int, at: time | str | None, zone: str) -> Iterator[int]:
    """The shifted anniversaries of the local day of `instant` in the years about `around`: the first is before it, the last after."""
    born = to_local(instant, zone).date()
    year = to_local(around - offset, zone).year
    for ahead in (-1, 0, 1, 2):
        yield shifted(at_local_time(anniversary(born, year + ahead), "00:00", zone), offset, at, zone)
