"""A year of real orders, replayed through the live engine, against a plain pandas computation of the same rule.

The rule: nobody who has not ordered for 90 days is forgotten, nobody else is written to. On a machine without the shared data the
made-up sample of the demo takes its place (the test's id says which).
"""

from __future__ import annotations

import pandas as pd
import pytest
from tests.journeys.cases import GALLERY

from wend.commands.demo.orders import FILE, Order, read, sample
from wend.content.documents import read as read_document
from wend.core.inputs import Consent, Event, Identify
from wend.engine.publish import publish_journey
from wend.engine.replaying import Replay
from wend.store.codec import encode_input
from wend.store.log import NewInput, message_hash
from wend.store.postgres import Pool, fetch_all

DAY = 86_400_000
SOURCE = FILE if FILE.exists() else None


def expected(orders: list[Order], end: int) -> set[tuple[str, int]]:
    """(customer, instant of the mail) by pandas, from the orders alone."""
    frame = pd.DataFrame({"customer": [o.customer for o in orders], "at": [o.at for o in orders]})
    frame = frame.sort_values(["customer", "at"], kind="stable")
    following = frame.groupby("customer")["at"].shift(-1)
    due = frame["at"] + 90 * DAY
    lost = frame[(due <= end) & (following.isna() | (following >= due))]
    return set(zip(lost["customer"], lost["at"] + 90 * DAY, strict=True))


@pytest.mark.parametrize("source", [SOURCE], ids=["real orders" if SOURCE else "made-up sample"])
async def test_exactly_those_get_one_mail_who_have_not_ordered_for_90_days(source: object, pool: Pool) -> None:
    orders = read(FILE) if source else sample()
    customers = sorted({order.customer for order in orders})
    ids = {customer: number + 1 for number, customer in enumerate(customers)}
    begin, end = orders[0].at - DAY, orders[-1].at
    rows: list[tuple[int, NewInput]] = []
    for customer in customers:
        identify = Identify({"email": f"c{customer}@example.com"}, begin, user_id=customer)
        for one in (identify, Consent("subscribed", begin, "email", source="test")):
            rows.append((begin, NewInput(ids[customer], one.KIND, encode_input(one), None)))
    for order in orders:
        event = Event("Order Completed", order.at, {"total": order.total}, message_id=order.id)
        rows.append((order.at, NewInput(ids[order.customer], "event", encode_input(event), message_hash(order.id))))
    async with Replay(pool) as replay:
        async with pool.connection() as conn:
            await publish_journey(conn, read_document(GALLERY / "win-back.yaml"))
        await replay.append(rows)
        await replay.advance(end)
    async with pool.connection() as conn:
        found = await fetch_all(conn, "select profile_id, at from outbox")
        states = await fetch_all(conn, "select distinct status from outbox")
    names = {number: customer for customer, number in ids.items()}
    got = [(names[profile], at) for profile, at in found]
    assert len(got) == len(set(got))
    assert set(got) == expected(orders, end)
    assert states == [("accepted",)]
