"""A person's state as plain lists, and back: what is stored is what these two functions say.

Rules: values go in the order of the fields in profile.py; what follows the last value that is usually needed is left out
where it is all default; a shorter list (also of an older release) is filled up with defaults; new fields are only ever
added at the end. `pack` shares lists and dicts with the profile: encode the result before the profile goes on changing.
This is the hottest pure code beside `react`, hence written out by hand; tests hold it to the dataclasses' fields.
"""

from __future__ import annotations

from typing import Any

from wend.core.profile import Facts, Profile, Run, brief, in_full

_SAME: Any = 0
"""Stands for a run's `event` while it is still the one that started it: most runs wait for nothing else."""


def pack(profile: Profile) -> list[Any]:
    """The state without id and attributes (they are stored beside it)."""
    packed: list[Any] = [
        profile.plan,
        profile.last,
        profile.next_run,
        profile.known,
        profile.tags,
        profile.score or 0,
        profile.consent,
        profile.topics,
        profile.suppressed,
        profile.devices,
        pack_facts(profile.facts),
        profile.windows,
        [pack_run(run, profile.id) for run in profile.runs],
        profile.past,
        profile.messages,
        profile.awaiting,
        profile.survivor,
        profile.erased,
        profile.segments,
        profile.turns,
        profile.stage,
        profile.caps,
        profile.hours,
        profile.response,
        profile.location,
        profile.fences,
    ]
    if profile.awaiting or profile.survivor or profile.erased:
        return packed
    if profile.segments or profile.turns or profile.stage or profile.caps or profile.hours or profile.response:
        return packed if profile.location or profile.fences else packed[:24]
    if profile.location or profile.fences:
        return packed
    if profile.past or profile.messages or profile.runs:
        del packed[15:]
        return packed
    # Most people are in no journey: cut off whatever is default (next_run's is 1, the others are falsy).
    while packed and not packed[-1]:
        packed.pop()
    if len(packed) == 3 and packed[2] == 1:
        packed.pop()
        while packed and not packed[-1]:
            packed.pop()
    return packed


def unpack(id: int, packed: list[Any], attributes: dict[str, Any] | None = None) -> Profile:
    """The person `id` with the state that `pack` made. Takes the containers over: do not use `packed` afterwards."""
    if len(packed) > 10:
        packed[10] = Facts(*packed[10])
    if len(packed) > 12 and packed[12]:
        packed[12] = [unpack_run(run, id) for run in packed[12]]
    return Profile(id, {} if attributes is None else attributes, *packed)


def pack_facts(facts: Facts) -> list[Any]:
    """The built-in facts as a list."""
    packed: list[Any] = [
        facts.first_seen,
        facts.last_seen,
        facts.sessions,
        facts.orders,
        facts.revenue or 0,
        facts.last_order_at,
        facts.cart,
        facts.cart_id,
        facts.currency,
        facts.cart_changed_at,
        facts.recent,
    ]
    if not (facts.cart_changed_at or facts.currency or facts.recent or facts.cart or facts.cart_id is not None):
        seen = 3 if facts.first_seen or facts.last_seen or facts.sessions else 0
        del packed[6 if facts.last_order_at or facts.orders or facts.revenue else seen :]
    return packed


def unpack_facts(packed: list[Any]) -> Facts:
    """The inverse of `pack_facts`."""
    return Facts(*packed)


def pack_run(run: Run, profile: int) -> list[Any]:
    """One run of the person `profile` as a list."""
    packed: list[Any] = [
        brief(run.id, profile),
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
        _SAME if run.event is run.entry else run.event,
    ]
    if run.parent or run.arms:
        packed += (run.sends, run.saved, run.rounds, run.phase, run.goal, run.hops, run.exit_at, run.parent, run.arms)
    elif run.sends or run.saved or run.rounds or run.phase or run.goal or run.hops or run.exit_at is not None:
        packed += (run.sends, run.saved, run.rounds, run.phase, run.goal, run.hops, run.exit_at)
    return packed


def unpack_run(packed: list[Any], profile: int) -> Run:
    """The inverse of `pack_run`."""
    run = Run(*packed)
    run.id = in_full(run.id, profile)
    if run.event == _SAME:
        run.event = run.entry
    return run
