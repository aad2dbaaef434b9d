"""Resolving a refused identifier: the two people are kept apart, or an operator says that they are one.

A merge by an operator is a merge like any other (engine.md 13): one transaction locks the identifiers of both, points them to the
survivor and appends merge_out and merge_await with one instant. Both user ids mean the survivor from then on.
It cannot be undone. Neither can a case be resolved twice.
"""

from __future__ import annotations

from typing import Any

from wend.api.acts.audit import audit
from wend.core.inputs import MergeAwait, MergeOut
from wend.reports import identity
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.log import NewInput, append
from wend.store.postgres import Connection, fetch_one, sql


class CannotResolve(ValueError):
    """The case cannot be resolved so; the message says why. Nothing was written."""


async def keep_apart(conn: Connection, id: int, *, who: str) -> None:
    """Two people they are, and stay: the identifier goes on meaning its owner. Raises CannotResolve."""
    case = await _locked(conn, id)
    await _resolve(conn, [id], "kept_apart", who)
    await audit(
        conn, who, f"people {case['person']} and {case['owner']} kept apart (identity conflict {id})", _named(case)
    )


async def merge(conn: Connection, id: int, survivor: int | None = None, *, who: str) -> int:
    """One person they are: the other one is merged into `survivor` (None: the one known for longer). Returns the survivor.

    Raises CannotResolve: resolved already, or `survivor` is neither of them.
    """
    case = await _locked(conn, id)
    if case["person"] != case["owner"]:
        # In the order in which intake locks them, and before any head; what was read before the lock is read again.
        wanted = {"people": [case["person"], case["owner"]], "namespaces": [], "values": []}
        await conn.execute(sql("identifiers_lock"), wanted)
        case = await identity.conflict(conn, id) or case
    both = {case["person"], case["owner"]}
    if survivor is not None and survivor not in both:
        people_are = " and ".join(map(str, sorted(both)))
        raise CannotResolve(f"person {survivor} is neither of the two; they are {people_are}")
    stays = survivor or await _known_longer(conn, case["person"], case["owner"])
    if len(both) == 2:
        (absorbed,) = both - {stays}
        await _merge(conn, absorbed, stays)
        await audit(conn, who, f"person {absorbed} merged into {stays} (identity conflict {id})", _named(case))
    same = await fetch_one(
        conn,
        "select array_agg(c.id) from identity_conflict c left join alias p on p.absorbed = c.profile_id"
        " left join alias o on o.absorbed = c.other_id where c.status = 'open' and (c.id = %s or"
        " (coalesce(p.survivor, c.profile_id) = %s and coalesce(o.survivor, c.other_id) = %s))",
        (id, stays, stays),
    )
    await _resolve(conn, [id, *(same[0] if same and same[0] else [])], "merged", who)
    return stays


async def _locked(conn: Connection, id: int) -> dict[str, Any]:
    row = await fetch_one(conn, "select status from identity_conflict where id = %s for update", (id,))
    case = None if row is None else await identity.conflict(conn, id)
    if case is None:
        raise CannotResolve(f"there is no identity conflict {id}")
    if case["status"] != "open":
        raise CannotResolve(f"conflict {id} is resolved already: {case['status']} by {case['resolved_by']}")
    return case


async def _resolve(conn: Connection, ids: list[int], status: str, who: str) -> None:
    await conn.execute(
        "update identity_conflict set status = %s, resolved_at = %s, resolved_by = %s where id = any(%s)",
        (status, await now_ms(conn), who, ids),
    )


def _named(case: dict[str, Any]) -> dict[str, Any]:
    # No value of the identifier: the audit log outlives an erasure.
    return {"person": str(case["person"]), "owner": str(case["owner"]), "namespace": case["namespace"]}


async def _known_longer(conn: Connection, one: int, other: int) -> int:
    row = await fetch_one(
        conn,
        "select profile_id from identifier where profile_id = any(%s) order by at, profile_id limit 1",
        ([one, other],),
    )
    return other if row is None else int(row[0])


async def _merge(conn: Connection, absorbed: int, survivor: int) -> None:
    now = await now_ms(conn)
    pairs = ([absorbed], [survivor])
    await conn.execute(sql("identifiers_repoint"), pairs)
    await conn.execute(sql("alias_repoint"), pairs)
    await conn.execute(sql("alias_insert"), (now, *pairs))
    out = NewInput(absorbed, MergeOut.KIND, encode_input(MergeOut(survivor, now)))
    waiting = NewInput(survivor, MergeAwait.KIND, encode_input(MergeAwait(absorbed, now)))
    await append(conn, [out, waiting])
