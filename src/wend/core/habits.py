"""When and where a person answers: learned from the opens and clicks of messages, kept only where some journey reads it.

`hours`: channel → the local hours of the latest opens and clicks. `response`: channel → [accepted, answered, marks of messages that
are counted as answered already]. Opens by machines do not count. Both are bounded: 20 hours a channel; counts are halved at 50
messages, so that what is long ago fades.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import blake2b

from wend.core.inputs import Feedback
from wend.core.profile import Profile
from wend.core.zone import to_local

HOURS, RESPONSE = "hours", "response"
"""What a plan reads (`Plan.reads`) to have them kept."""
MAX_HOURS = 20
ENOUGH_HOURS = 3
"""So many opens and clicks make a best hour."""
MAX_MESSAGES = 50
MAX_MARKS = 8
PRIOR = (1.0, 4.0)
"""Answered and accepted messages that everybody is thought to have on each channel: one lucky click is no habit."""

_ANSWERS = frozenset({"opened", "clicked", "replied"})


def note(profile: Profile, feedback: Feedback, zone: str, reads: Collection[str]) -> None:
    """Remember what this feedback says about the person's habits, as far as somebody `reads` it. `zone`: the person's."""
    channel, state = feedback.channel, feedback.state
    if feedback.machine or not channel:
        return
    if HOURS in reads and state in _ANSWERS:
        profile.hours[channel] = [*profile.hours.get(channel, ()), to_local(feedback.at, zone).hour][-MAX_HOURS:]
    if RESPONSE not in reads or (state != "accepted" and state not in _ANSWERS):
        return
    accepted, answered, *marks = profile.response.get(channel, (0, 0))
    if state == "accepted":
        accepted += 1
        if accepted > MAX_MESSAGES:
            accepted, answered = accepted // 2, answered // 2
    else:
        mark = int.from_bytes(blake2b(feedback.effect_id.encode(), digest_size=4).digest(), "big")
        if mark in marks:
            return  # opened and clicked is one answer
        answered, marks = answered + 1, [*marks, mark][-MAX_MARKS:]
    profile.response[channel] = [accepted, answered, *marks]


def forget(profile: Profile, reads: Collection[str]) -> None:
    """Let go of what nobody reads any more."""
    if profile.hours and HOURS not in reads:
        profile.hours = {}
    if profile.response and RESPONSE not in reads:
        profile.response = {}


def best_hour(profile: Profile, channel: str) -> int | None:
    """The local hour (0–23) in which the person answers most on this channel, the hours beside it counting half; None: not known.

    Of several the one of the latest answer.
    """
    hours = profile.hours.get(channel, ())
    if len(hours) < ENOUGH_HOURS:
        return None
    counts = [0] * 24
    for hour in hours:
        counts[hour] += 1
    weights = {hour: counts[hour] + (counts[hour - 1] + counts[(hour + 1) % 24]) / 2 for hour in hours}
    most = max(weights.values())
    return next(hour for hour in reversed(hours) if weights[hour] == most)


def best_channel(profile: Profile, channels: Iterable[str]) -> tuple[str, float]:
    """The channel on which the person answers best, and the rate (0–1, smoothed). Of equals the first. ValueError: none is given."""
    rates = {channel: _rate(profile, channel) for channel in channels}
    return max(rates.items(), key=lambda one: one[1])


def _rate(profile: Profile, channel: str) -> float:
    accepted, answered, *_ = profile.response.get(channel, (0, 0))
    return (answered + PRIOR[0]) / (max(accepted, answered) + PRIOR[1])
