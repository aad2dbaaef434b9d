"""Coupon pools: their rules, and the codes that are uploaded to them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.core.coupon import LONGEST, pattern_fault
from wend.core.problems import Problem, nearest, shown
from wend.store.clock import now_ms
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

FIELDS = ("pattern", "lasting", "expires_at")
MOST = 1_000_000
"""Codes of one upload."""
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CODE = re.compile(rf"[!-~]{{1,{LONGEST}}}")
_NAMES = ("code", "coupon", "coupon_code", "voucher")
_FAULTS = 50
_AT_ONCE = 10_000


class Refused(ValueError):
    """The pool or the file has faults; `problems` holds all of them (of a file the first fifty)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Pool:
    """`lasting`: ms that a code is good from when it is issued. `free` is None where codes are made by a pattern."""

    id: str
    pattern: str | None
    lasting: int | None
    expires_at: int | None
    created_at: int
    issued: int
    free: int | None


async def every(conn: Connection) -> list[Pool]:
    """All pools, with their counts."""
    return [
        Pool(id, pattern, lasting, expires_at, created_at, issued, None if pattern else free)
        for id, pattern, lasting, expires_at, created_at, issued, free in await fetch_all(conn, sql("pool_all"))
    ]


async def put(conn: Connection, id: str, given: Mapping[str, Any], *, who: str) -> None:
    """Make a pool, or give it other rules (all of them: what is not given is none). Raises Refused."""
    problems = list(_problems(id, given))
    if not problems and given.get("pattern"):
        uploaded = await fetch_one(conn, sql("coupon_any_free"), (id,))
        if uploaded is not None and uploaded[0]:
            problems.append(
                Problem("pattern", "the pool holds uploaded codes; make another pool for codes of a pattern")
            )
    if problems:
        raise Refused(problems)
    await conn.execute(sql("pool_put"), {**dict.fromkeys(FIELDS), **given, "id": id, "now": await now_ms(conn)})
    await audit(conn, who, f"coupon pool {id} set up", dict(given))


async def upload(conn: Connection, id: str, text: str, *, who: str) -> tuple[int, int]:
    """Add the codes of a CSV file; (new, there already). Raises Refused, and then nothing was added; LookupError: no such pool.

    The codes are in the column `code` (or coupon, voucher), or in the first one when there is no heading.
    """
    rules = await fetch_one(conn, sql("coupon_pool"), (id,))
    if rules is None:
        raise LookupError(id)
    if rules[0]:
        raise Refused([Problem("pool", f"the codes of {id} are made by the pattern {rules[0]}")])
    problems: list[Problem] = []
    codes = list(dict.fromkeys(_codes(text, problems)))
    if not codes and not problems:
        problems.append(Problem("file", "holds no code"))
    if len(codes) > MOST:
        problems.append(Problem("file", f"holds {len(codes):,} codes; upload at most {MOST:,} at once"))
    if problems:
        raise Refused(problems[:_FAULTS])
    new = 0
    for at in range(0, len(codes), _AT_ONCE):
        new += len(await fetch_all(conn, sql("coupon_upload"), {"pool": id, "codes": codes[at : at + _AT_ONCE]}))
    await audit(conn, who, f"{new} codes uploaded to coupon pool {id}")
    return new, len(codes) - new


def _codes(text: str, problems: list[Problem]) -> Iterator[str]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    column = 0
    for number, row in enumerate(rows, 1):
        if number == 1:
            names = [one.strip().lower() for one in row]
            heading = next((names.index(name) for name in _NAMES if name in names), None)
            if heading is not None:
                column = heading
                continue
        if not any(one.strip() for one in row):
            continue
        code = row[column].strip() if column < len(row) else ""
        if _CODE.fullmatch(code):
            yield code
        else:
            problems.append(
                Problem(f"row {number}", f"expected a code of at most {LONGEST} signs, found {shown(code)}")
            )


def _problems(id: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    if not _ID.fullmatch(id):
        yield Problem("id", f"expected lower-case letters, digits, - and _ (at most 64), found {shown(id)}")
    for name in given:
        if name not in FIELDS:
            yield Problem(name, f"is not a setting of a pool{nearest(name, FIELDS)} (allowed: {', '.join(FIELDS)})")
    pattern = given.get("pattern")
    fault = "" if pattern is None else pattern_fault(pattern)
    if fault:
        yield Problem("pattern", fault)
    for name in ("lasting", "expires_at"):
        value = given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 53):
            yield Problem(name, f"expected milliseconds, found {shown(value)}")
