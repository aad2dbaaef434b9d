"""A person's state as plain lists, and back: what is stored is what these two functions say.

Rules: values go in the order of the fields in profile.py, trailing values that equal their default are cut off; a
shorter
list of an older release is filled up with defaults; new fields are only ever added at the end. `pack` shares lists and
dicts with the profile: encode the result before the profile goes on changing. This is the hottest pure code beside
`react`, hence written out by hand; tests hold it to the dataclasses' fields.
"""

from __future__ import annotations

from typing import Any

from wend.core.profile import Facts, Profile, Run


def pack(profile: Profile) -> list[Any]:
    """The state without id and attributes (they are stored beside it)."""
    packed: list[Any] = [
        profile.plan,
        profile.last,
        profile.next_run,
        profile.known,
        profile.tags,
        profile.score,
        profile.consent,
        profile.topics,
        profile.suppressed,
        profile.devices,
        pack_facts(profile.facts),
        profile.windows,
        [pack_run(run) for run in profile.runs],
        profile.past,
        profile.messages,
        profile.awaiting,
        profile.survivor,
        profile.erased,
    ]
    # Every default but next_run's (1) is falsy.
    while packed and not packed[-1]:
        packed.pop()
    if len(packed) == 3 and packed[2] == 1:
        packed.pop()
        while packed and not packed[-1]:
            packed.pop()
    return packed


def unpack(id: int, packed: list[Any], attributes: dict[str, Any] | None = None) -> Profile:
    """The person `id` with the state that `pack` made. Takes the containers over: do not use `packed` afterwards."""
    profile = Profile(id, {} if attributes is None else attributes)
    size = len(packed)
    if size == 18:
        (
            profile.plan,
            profile.last,
            profile.next_run,
            profile.known,
            profile.tags,
            profile.score,
            profile.consent,
            profile.topics,
            profile.suppressed,
            profile.devices,
            facts,
            profile.windows,
            runs,
            profile.past,
            profile.messages,
            profile.awaiting,
            profile.survivor,
            profile.erased,
        ) = packed
        profile.facts = unpack_facts(facts)
        profile.runs = [unpack_run(run) for run in runs]
        return profile
    if size > 0:
        profile.plan = packed[0]
    if size > 1:
        profile.last = packed[1]
    if size > 2:
        profile.next_run = packed[2]
    if size > 3:
        profile.known = packed[3]
    if size > 4:
        profile.tags = packed[4]
    if size > 5:
        profile.score = packed[5]
    if size > 6:
        profile.consent = packed[6]
    if size > 7:
        profile.topics = packed[7]
    if size > 8:
        profile.suppressed = packed[8]
    if size > 9:
        profile.devices = packed[9]
    if size > 10:
        profile.facts = unpack_facts(packed[10])
    if size > 11:
        profile.windows = packed[11]
    if size > 12:
        profile.runs = [unpack_run(run) for run in packed[12]]
    if size > 13:
        profile.past = packed[13]
    if size > 14:
        profile.messages = packed[14]
    if size > 15:
        profile.awaiting = packed[15]
    if size > 16:
        profile.survivor = packed[16]
    if size > 17:
        profile.erased = packed[17]
    return profile


def pack_facts(facts: Facts) -> list[Any]:
    """The built-in facts as a list."""
    packed: list[Any] = [
        facts.first_seen,
        facts.last_seen,
        facts.sessions,
        facts.orders,
        facts.revenue,
        facts.last_order_at,
        facts.cart,
        facts.cart_id,
        facts.currency,
        facts.cart_changed_at,
        facts.recent,
    ]
    # A cart id of 0 or "" is not None, which is its default: do not cut it off.
    while packed and not packed[-1] and (len(packed) != 8 or packed[7] is None):
        packed.pop()
    return packed


def unpack_facts(packed: list[Any]) -> Facts:
    """The inverse of `pack_facts`."""
    return Facts(*packed)


def pack_run(run: Run) -> list[Any]:
    """One run as a list; its first six values have no default."""
    packed: list[Any] = [
        run.id,
        run.journey,
        run.version,
        run.node,
        run.started,
        run.trigger_at,
        run.key,
        run.move,
        run.entered,
        run.since,
        run.until,
        run.entry,
        run.event,
        run.sends,
        run.saved,
        run.rounds,
        run.phase,
        run.goal,
        run.hops,
        run.exit_at,
    ]
    # key, until and exit_at default to None: 0 and "" are values of theirs.
    while len(packed) > 6 and not packed[-1] and (len(packed) not in (7, 11, 20) or packed[-1] is None):
        packed.pop()
    return packed


def unpack_run(packed: list[Any]) -> Run:
    """The inverse of `pack_run`."""
    return Run(*packed)
