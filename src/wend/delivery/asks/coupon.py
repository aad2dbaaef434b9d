"""`issue_coupon`, carried out: one code for one effect, in the transaction that settles it.

Rules: the same effect always has the same code, and so has the same person where everybody gets one; a code is given once, however
many executors work. A pattern's codes come from the system's source of chance, never from a hash somebody could repeat.
"""

from __future__ import annotations

import secrets
from typing import Any

from wend.core.coupon import DIGITS, LETTERS
from wend.delivery.asks.done import Done
from wend.delivery.outbox import Row
from wend.store.postgres import Connection, fetch_one, sql

_TRIES = 20
BUSY_PAUSE = 1_000


async def issue(conn: Connection, row: Row, profile: int, now: int) -> Done:
    """The code for `row`, for the person `profile`, in the caller's transaction.

    psycopg.errors.UniqueViolation: the person got a code of this pool from somebody else this very moment; do it again.
    """
    request: dict[str, Any] = row.data["request"]
    pool, once = str(request["pool"]), bool(request["once_per_profile"])
    if request["pattern"]:
        await conn.execute(sql("pool_for_node"), {"id": pool, "pattern": request["pattern"], "now": now})
    rules = await fetch_one(conn, sql("coupon_pool"), (pool,))
    if rules is None:
        return Done("failed", f"there is no pool '{pool}'")
    pattern, lasting, ends = rules
    found = await fetch_one(conn, sql("coupon_of_effect"), (row.effect_id,))
    if found is None and once:
        found = await fetch_one(conn, sql("coupon_of_person"), {"pool": pool, "profile": profile})
    if found is not None:
        return _given(*found)
    if ends is not None and ends <= now:
        return Done("exhausted", f"the coupons of pool {pool} are out of date")
    lasts = request["expires"] if request["expires"] is not None else lasting
    good_until = min((at for at in (ends, None if lasts is None else now + lasts) if at is not None), default=None)
    given = {
        "pool": pool,
        "profile": profile,
        "holder": profile if once else None,
        "effect": row.effect_id,
        "now": now,
        "expires_at": good_until,
    }
    if pattern:
        for _ in range(_TRIES):
            made = await fetch_one(conn, sql("coupon_make"), {**given, "code": code_of(pattern)})
            if made is not None:
                return _given(pool, made[0], good_until)
        return Done("exhausted", f"the codes of pool {pool} are nearly used up; give it a longer pattern")
    taken = await fetch_one(conn, sql("coupon_take"), given)
    if taken is not None:
        return _given(pool, taken[0], good_until)
    free = await fetch_one(conn, sql("coupon_any_free"), (pool,))
    if free is not None and free[0]:
        return Done("again", "others are taking the last coupons", again=BUSY_PAUSE)
    return Done("exhausted", f"pool {pool} is empty")


def code_of(pattern: str) -> str:
    """A code of the pattern (core/coupon.py), by chance."""
    alphabets = {"?": LETTERS, "#": DIGITS}
    return "".join(secrets.choice(alphabets[one]) if one in alphabets else one for one in pattern)


def _given(pool: str, code: str, expires_at: int | None) -> Done:
    return Done("ok", value={"code": code, "pool": pool, "expires_at": expires_at})
