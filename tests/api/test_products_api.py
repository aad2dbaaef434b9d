"""`/api/products`, and the settings of score, funnel and classes."""

from __future__ import annotations

from tests.api.conftest import World

from wend.engine.broadcast import Broadcasts


async def test_products_are_put_listed_looked_up_and_taken_out(world: World) -> None:
    lamp = {
        "id": "a/lamp 1",
        "title": "Lamp",
        "category": "Light",
        "price": 20,
        "currency": "EUR",
        "availability": "no",
    }
    put = await world.client.put("/api/products", json={"products": [lamp, {"id": "pan", "title": "Pan"}]})
    quiet = {"told": 0, "why": ""}
    assert put.json() == {"added": 2, "changed": 0, "unchanged": 0, "cheaper": [], "back": [], **quiet}
    again = await world.client.put("/api/products/a/lamp 1", json={**lamp, "price": "15.50", "availability": "yes"})
    assert again.json() == {
        "added": 0,
        "changed": 1,
        "unchanged": 0,
        "cheaper": ["a/lamp 1"],
        "back": ["a/lamp 1"],
        **quiet,
    }
    page = await world.get("/api/products", params={"limit": 1})
    assert [one["id"] for one in page["items"]] == ["a/lamp 1"] and page["next"]
    rest = await world.get("/api/products", params={"limit": 1, "cursor": page["next"]})
    assert [one["id"] for one in rest["items"]] == ["pan"] and rest["next"] is None
    assert [one["id"] for one in (await world.get("/api/products", params={"category": "Light"}))["items"]] == [
        "a/lamp 1"
    ]
    assert (await world.get("/api/products/a/lamp 1"))["price"] == 15.5
    assert (await world.client.delete("/api/products/pan")).status_code == 204
    assert (await world.client.delete("/api/products/pan")).status_code == 404
    await world.get("/api/products/pan", 404)


async def test_faulty_products_are_refused_as_a_whole_each_fault_at_its_place(world: World) -> None:
    wrong = [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}, {"id": "c", "price": "cheap"}, 5]
    answer = await world.client.put("/api/products", json={"products": wrong})
    assert answer.status_code == 422
    told = {one["field"]: one["message"] for one in answer.json()["errors"]}
    assert told["products[1].id"] == "'a' is products[0] already"
    assert told["products[2].title"] == "is missing" and told["products[2].price"].startswith("expected a price")
    assert told["products[3]"].startswith("expected an object")
    assert (await world.get("/api/products"))["items"] == []
    assert (await world.client.put("/api/products/x", json={"id": "y", "title": "Y"})).status_code == 422
    many = [{"id": str(n), "title": "T"} for n in range(1001)]
    assert (await world.client.put("/api/products", json={"products": many})).status_code == 422


async def test_settings_of_score_funnel_and_classes_are_checked_and_a_preset_is_written_out(world: World) -> None:
    wrong = {
        "engagement": {"weights": {"A": "x"}, "decay": {"after": "7d", "points": 1}},
        "funnel": {"stages": [{"id": "vip", "when": {"segment": "no-such"}}, {"id": "vip"}]},
        "rfm": {"recency": ["1d"]},
    }
    answer = await world.client.patch("/api/settings", json=wrong)
    assert answer.status_code == 422
    fields = {one["field"] for one in answer.json()["errors"]}
    assert {"engagement.weights.A", "engagement.floor", "funnel.stages[1].id", "rfm.recency"} <= fields
    unknown = {"funnel": {"stages": [{"id": "vip", "when": {"segment": "no-such"}}]}}
    answer = await world.client.patch("/api/settings", json=unknown)
    assert [one["field"] for one in answer.json()["errors"]] == ["funnel.stages[0].when"]
    answer = await world.client.patch(
        "/api/settings", json={"funnel": "leads", "engagement": {"weights": {"Signed Up": 60}}}
    )
    assert answer.status_code == 200, answer.text
    stages = answer.json()["settings"]["funnel"]["stages"]
    assert [one["id"] for one in stages] == ["visitor", "lead", "mql", "sql", "customer"]


async def test_a_preview_shows_products_stage_and_class(world: World) -> None:
    await world.client.patch("/api/settings", json={"funnel": "leads", "engagement": {"weights": {"Signed Up": 60}}})
    await world.client.put("/api/products", json={"products": [{"id": "lamp", "title": "Lamp", "category": "Light"}]})
    await world.someone()
    mail = {
        "id": "m",
        "channel": "email",
        "subject": "{{ stage }} {{ rfm }}{{ score }}",
        "html": "<p>{% assign more = entry.product_id | related %}{% for one in more %}{{ one.title }}{% else %}"
        "{% assign it = entry.product_id | product %}{{ it.title }}{% endfor %}</p>",
    }
    put = await world.client.put("/api/templates/m", json=mail)
    assert put.status_code == 200, put.text
    await world.tell({"type": "track", "userId": "ada", "event": "Order Completed", "properties": {"total": 300}})
    ada = await world.get("/api/profiles/ada")
    assert (ada["stage"], ada["rfm"], ada["abc"]) == ("customer", "potential_loyalist", "b")
    wanted = {"profile": "ada", "entry": {"product_id": "lamp"}}
    shown = (await world.client.post("/api/templates/m/preview", json=wanted)).json()
    assert shown["subject"] == "customer potential_loyalist60.0" and "Lamp" in shown["html"]


async def test_a_journey_that_keeps_a_score_beside_the_built_in_one_is_warned_of(world: World) -> None:
    nodes = {
        "up": {"adjust_score": 10, "next": "far"},
        "far": {"move_stage": "sql", "next": "over"},
        "over": {"end": {}},
    }
    journey = {"id": "j", "entry": {"on": {"event": "Signed Up"}}, "nodes": nodes, "start": "up"}
    refused = await world.client.post("/api/journeys/j/publish", json=journey)
    assert refused.status_code == 422 and refused.json()["errors"][0]["message"].startswith("there is no stage 'sql'")
    await world.client.patch("/api/settings", json={"funnel": "leads", "engagement": {"weights": {"Signed Up": 60}}})
    done = await world.client.post("/api/journeys/j/publish", json=journey)
    assert done.status_code == 200, done.text
    warned = [one["field"] for one in done.json()["warnings"] if "may count twice" in one["message"]]
    assert warned == ["nodes.up.adjust_score"]


async def test_whoever_is_linked_to_a_product_is_told_that_it_became_cheaper_or_came_back(world: World) -> None:
    wishes = {"attribute": "wishlist", "contains": "$about"}
    nodes = {"tag": {"add_tag": "told", "next": "over"}, "over": {"end": {}}}
    on = [
        {"business_event": "Price Dropped", "linked": wishes, "where": {"property": "was", "gt": 15}},
        {"business_event": "Back In Stock", "linked": wishes},
    ]
    await world.publish({"id": "drop", "entry": {"on": on, "reentry": "always"}, "nodes": nodes, "start": "tag"})
    await world.someone("ada", wishlist=["lamp"])
    await world.someone("bob", wishlist=["pan"])
    lamp = {"id": "lamp", "title": "Lamp", "price": 20, "currency": "EUR"}
    assert (await world.client.put("/api/products/lamp", json=lamp)).json()["told"] == 0, "new is not cheaper"
    assert (await world.client.put("/api/products/lamp", json={**lamp, "price": 10})).json()["told"] == 1
    assert (await world.client.put("/api/products/lamp", json={**lamp, "price": 10})).json()["told"] == 0, (
        "the same again"
    )
    broadcasts = Broadcasts(world.pool, world.surface.clock)
    while await broadcasts.look():
        pass
    await world.settle()
    tags = [(await world.get(f"/api/profiles/{user}"))["tags"] for user in ("ada", "bob")]
    assert tags == [["told"], []]


async def test_where_nobody_says_who_is_meant_the_reason_is_told(world: World) -> None:
    nodes = {"over": {"end": {}}}
    await world.publish(
        {"id": "d", "entry": {"on": {"business_event": "Back In Stock"}}, "nodes": nodes, "start": "over"}
    )
    lamp = {"id": "lamp", "title": "Lamp", "available": False}
    await world.client.put("/api/products/lamp", json=lamp)
    back = (await world.client.put("/api/products/lamp", json={**lamp, "available": True})).json()
    assert back["back"] == ["lamp"] and back["told"] == 0 and "the trigger of journey 'd' does not say" in back["why"]
