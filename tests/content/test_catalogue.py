"""The catalogue: what is a product, what putting changes, and what templates look up without a query for each person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.content.catalogue.product import Product, read_product
from wend.content.catalogue.replenishment import Replenishment
from wend.content.catalogue.shelf import ROUNDS, Shelf
from wend.content.catalogue.store import delete_product, find_products, list_products, put_products
from wend.content.liquid import LiquidProblem, Text
from wend.store.migrate import migrate
from wend.store.postgres import Connection, connect

DAY = 86_400_000


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    await migrate(database_url, partitions=1)
    found = await connect(database_url)
    try:
        yield found
    finally:
        await found.close()


def test_a_row_of_a_shop_is_understood() -> None:
    row = {
        "sku": "s-1", "name": "Lamp", "category": "Light", "price": "12.50 EUR", "link": "https://shop/lamp", "image_link": "",
        "availability": "in stock", "replenishment": "45d", "colour": "red",
    }  # fmt: skip
    wanted = Product(
        "s-1", "Lamp", "product", "Light", 12.5, "EUR", "", "https://shop/lamp", True, 45 * DAY, {"colour": "red"}
    )
    assert read_product(row) == (wanted, [])
    shown = wanted.shown()
    assert (shown["product_id"], shown["name"], shown["colour"], shown["replenish_after"]) == (
        "s-1",
        "Lamp",
        "red",
        "45 d",
    )
    assert read_product({"id": 7, "title": 1984}) == (Product("7", "1984"), [])


def test_everything_that_is_wrong_with_a_product_is_told_at_once() -> None:
    row = {
        "kind": "cours", "price": "12,50", "currency": "euros", "availability": "maybe", "replenish_after": 45, "category": "x" * 101,
        "more": "y" * 9000,
    }  # fmt: skip
    product, problems = read_product(row)
    assert product is None
    told = {one.where: one.message for one in problems}
    assert told["id"] == told["title"] == "is missing"
    assert told["kind"] == "'cours' is no kind; did you mean 'course'? (there are product, course, article)"
    assert told["price"] == "expected a price such as 12.50 (or 12.50 EUR), found '12,50'"
    assert told["availability"].startswith("expected yes or no")
    assert told["currency"].startswith("expected a text of at most 3 characters")
    assert told["replenish_after"].startswith("45 is not a duration")
    assert told["category"].startswith("expected a text of at most 100 characters")
    assert told[""] == "its further fields have more than 8000 bytes"
    assert read_product({"id": "a", "title": "A", "price": -1, "currency": "12€"})[1][0].where == "price"
    assert read_product({"id": "a", "title": "A", "currency": "1€"})[1][0].where == "currency"
    assert read_product([1])[1][0].message == "expected an object with id and title, found [1]"


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_whatever_is_sent_is_a_product_or_told(raw: Any) -> None:
    product, problems = read_product(raw)
    assert (product is None) is bool(problems)


def things(*ids: str, category: str = "Light", **more: Any) -> list[Product]:
    return [Product(id, id.title(), category=category, **more) for id in ids]


async def test_putting_the_same_again_changes_nothing_and_what_became_cheaper_or_came_back_is_told(
    conn: Connection,
) -> None:
    first = [*things("a", "b", price=10, currency="EUR"), *things("c", available=False, extra={"size": [1, 2.5]})]
    changes = await put_products(conn, first, 1000)
    assert (changes.added, changes.changed, changes.unchanged) == (3, 0, 0)
    changes = await put_products(conn, first, 2000)
    assert (changes.added, changes.changed, changes.unchanged) == (0, 0, 3)
    now = [
        Product("a", "A", category="Light", price=8, currency="EUR"),
        Product("b", "B", price=9, currency="USD"),
        Product("c", "C"),
    ]
    changes = await put_products(conn, now, 3000)
    assert changes.changed == 3
    assert [(old.price, new.price) for old, new in changes.cheaper] == [(10, 8)], "another currency is no lower price"
    assert [one.id for one in changes.back] == ["c"]
    found = await find_products(conn, ["a", "c", "none"])
    assert found == {"a": now[0], "c": now[2]} and found["a"].added_at == 1000
    assert [one.id for one in await list_products(conn, after="a", limit=1)] == ["b"]
    assert [one.id for one in await list_products(conn, category="Light")] == ["a"]
    assert await delete_product(conn, "a", 4000) and not await delete_product(conn, "a", 4000)


def rendered(text: str, shelf: Shelf, **values: Any) -> str:
    return Text(text).render({"_shelf": shelf, **values})


async def filled(conn: Connection, text: str, **values: Any) -> str:
    """As the sender does it: what could not be rendered, or looked up in vain, is rendered again."""
    shelf = Shelf()
    for _ in range(ROUNDS):
        misses, said = shelf.misses, ""
        with suppress(LiquidProblem):
            said = rendered(text, shelf, **values)
        if shelf.misses == misses:
            return said
        await shelf.fill(conn)
    raise AssertionError("it is never at hand")


async def test_templates_look_up_products_related_things_and_what_is_new(conn: Connection) -> None:
    await put_products(conn, things("old", "sold out"), 1000)
    await put_products(conn, [Product("sold out", "Sold out", category="Light", available=False)], 1500)
    await put_products(conn, things("mid", "bulb"), 2000)
    await put_products(
        conn, [*things("new"), *things("pan", category="Kitchen"), Product("essay", "Essay", "article")], 3000
    )
    assert await filled(conn, "{% assign it = 'mid' | product %}{{ it.title }}") == "Mid"
    assert await filled(conn, "{% assign it = 'gone' | product %}{% if it %}there{% else %}no{% endif %}") == "no"
    loop = "{% assign found = LIST %}{% for one in found %}{{ one.id }} {% endfor %}"
    related = loop.replace("LIST", "entry.product_id | related: 3")
    assert await filled(conn, related, entry={"product_id": "old"}) == "new bulb mid ", "newest first, then by id"
    cart = [{"product_id": "old", "category": "Light"}, {"product_id": "x", "category": "Kitchen"}]
    bought = {"bought": [{"product_id": "new"}]}
    assert await filled(conn, loop.replace("LIST", "cart | related"), cart=cart, recent=bought) == "pan bulb mid "
    assert await filled(conn, loop.replace("LIST", "'' | newest: 2")) == "essay new "
    assert await filled(conn, loop.replace("LIST", "'Kitchen' | newest")) == "pan "
    assert await filled(conn, loop.replace("LIST", "'nothing of it' | related")) == ""
    odd = loop.replace("LIST", "saved.more | related: 2")
    assert await filled(conn, odd, saved={"more": [None, {"id": "pan"}]}) == ""
    assert rendered("{% assign it = 'mid' | product %}{% if it %}there{% endif %}", Shelf()) == "", "not at hand yet"
    assert await filled(conn, "{% assign it = x | product %}{% if it %}there{% endif %}", x="no\0such") == ""
    with pytest.raises(LiquidProblem, match="from 1 to 60, found 0"):
        rendered("{{ 'x' | related: 0 }}", Shelf())
    with pytest.raises(LiquidProblem, match="entry"):
        rendered("{{ entry.product_id | product }}", Shelf())


async def test_what_is_at_hand_is_not_asked_for_again_and_a_missing_product_is_known_to_be_missing(
    conn: Connection,
) -> None:
    await put_products(conn, things("a"), 1)
    shelf = Shelf()
    assert shelf.product("a") is None and shelf.product("gone") is None
    shelf.category("Light")
    await shelf.fill(conn)
    assert shelf.misses == 3
    found = shelf.product("a")
    assert found is not None and found["title"] == "A"
    assert shelf.product("gone") is None and len(shelf.category("Light")) == 1 and shelf.misses == 3


async def test_an_order_is_told_how_long_it_will_last(conn: Connection) -> None:
    door = Replenishment()
    order = {
        "products": [{"product_id": "soap"}, {"sku": "food", "price": 5}, {"product_id": "lamp"}, "odd"],
        "total": 20,
    }
    await door.refresh(conn)
    assert door.told(order) is order, "the catalogue is empty"
    await put_products(
        conn, [*things("soap", replenish=60 * DAY), *things("food", replenish=30 * DAY), *things("lamp")], 5
    )
    await door.refresh(conn)
    told = door.told(order)
    assert (told["replenish_after"], told["replenish_product"], told["total"]) == ("30 d", "food", 20)
    assert told["products"][0] == {"product_id": "soap", "replenish_after": "60 d"}
    assert told["products"][1]["replenish_after"] == "30 d" and told["products"][2:] == [{"product_id": "lamp"}, "odd"]
    own = {"products": [{"product_id": "soap", "replenish_after": "5d"}], "replenish_after": "7d"}
    assert door.told(own) == own | {"replenish_product": "soap"}, "what the sender says is left as it is"
    assert door.told({"products": [{"product_id": "lamp"}]}) == {"products": [{"product_id": "lamp"}]}
    assert door.told({"total": 5}) == {"total": 5}
