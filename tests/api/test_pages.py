"""The pages: what they show, that all foreign text is escaped, and what they say when there is nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.api.conftest import JOURNEY, World
from tests.api.test_people_api import deliver

from wend.api.pages.html import Html, tag
from wend.api.pages.layout import BOX, Edge, arrange


async def page(world: World, path: str, status: int = 200) -> str:
    answer = await world.as_somebody().get(path, follow_redirects=True)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def test_empty_pages_say_what_to_do_next(world: World) -> None:
    assert "Nothing was caught yet." in await page(world, "/inbox")
    assert "wend journey publish" in await page(world, "/journeys")
    assert "Nobody is known yet." in await page(world, "/people")
    assert "Nobody is known by &#x27;x&#x27;." in await page(world, "/people?q=x")
    assert "have no worker" in await page(world, "/")


async def test_a_journey_is_drawn_with_counts_and_a_count_shows_the_people(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    text = await page(world, "/journeys/hello")
    assert "<svg" in text
    assert "1 waiting · 0 passed" in text
    assert "Wait for Came Back, up to 2 h" in text
    assert 'href="/journeys/hello?node=mail#people"' in text
    there = await page(world, "/journeys/hello?node=mail")
    assert "People at mail" in there
    assert ">ada</a>" in there
    assert "handed to delivery" in there


async def test_a_person_shows_where_they_are_why_and_what_happened(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    await deliver(world)
    text = await page(world, "/people?q=ada@example.com")
    assert "<h1>Ada</h1>" in text
    assert "message of mail was accepted" in text
    assert 'href="/inbox/' in text
    assert "no consent for email" in text
    person = (await world.get("/api/profiles/ada"))["id"]
    asked = await page(world, f"/people/{person}?journey=hello")
    assert "started by event Signed Up" in asked


async def test_foreign_text_is_escaped_everywhere(world: World) -> None:
    evil = "<script>alert(1)</script>\"'&"
    await world.publish(JOURNEY | {"name": evil})
    await world.someone("ada", first_name=evil, name=evil, **{evil: evil})
    await world.tell({"type": "track", "userId": "ada", "messageId": "9", "event": evil, "properties": {evil: evil}})
    await deliver(world)
    person = (await world.get("/api/profiles/ada"))["id"]
    mail = (await world.get("/api/inbox"))["items"][0]["id"]
    for path in (
        "/",
        "/journeys",
        "/journeys/hello?node=mail",
        "/people",
        f"/people/{person}",
        "/inbox",
        f"/inbox/{mail}",
    ):
        text = await page(world, path)
        assert "<script" not in text, path
    assert evil not in await page(world, "/people?q=" + "%3Cscript%3E")


async def test_a_mail_is_shown_in_a_frame_that_may_run_nothing(world: World) -> None:
    await world.publish()
    await world.someone("ada")
    await deliver(world)
    mail = (await world.get("/api/inbox"))["items"][0]["id"]
    text = await page(world, f"/inbox/{mail}")
    frame = re.search(r"<iframe[^>]*>", text)
    assert frame is not None
    assert "allow-scripts" not in frame[0]
    assert "allow-same-origin" not in frame[0]
    assert "Your lamp waits." in frame[0]
    assert "alert(1)" not in frame[0]
    assert "default-src &#x27;none&#x27;" in frame[0]
    assert "Sent by" in text


async def test_what_is_not_there_is_a_page_too(world: World) -> None:
    for path in ("/journeys/nothing", "/people/12", "/inbox/7", "/inbox/7/raw", "/inbox/99999999999999999999"):
        assert "<h1>" in await page(world, path, 404)


def test_attributes_and_children_are_escaped() -> None:
    assert tag("a", "<b>", href='"x"', title=None, hidden=True) == '<a href="&quot;x&quot;" hidden>&lt;b&gt;</a>'
    assert tag("p", Html("<i>x</i>"), None, False, [1, "<"]) == "<p><i>x</i>1&lt;</p>"


def boxes(nodes: list[str], edges: list[Edge]) -> list[tuple[float, float]]:
    drawing = arrange(nodes[0], nodes, edges)
    assert set(drawing.at) == set(nodes)
    for x, y in drawing.at.values():
        assert 0 <= x <= drawing.width - BOX[0]
        assert 0 <= y <= drawing.height - BOX[1]
    return list(drawing.at.values())


def overlap(places: list[tuple[float, float]]) -> list[Any]:
    return [
        (a, b)
        for number, a in enumerate(places)
        for b in places[number + 1 :]
        if abs(a[0] - b[0]) < BOX[0] and abs(a[1] - b[1]) < BOX[1]
    ]


@pytest.mark.parametrize("width", [1, 2, 5, 12])
def test_boxes_never_overlap(width: int) -> None:
    nodes = ["start", *(f"n{number}" for number in range(width * 4)), "end"]
    edges = [Edge("start", f"n{number}", f"b{number}") for number in range(width)]
    edges += [Edge(f"n{number}", f"n{number + width}", "next") for number in range(width * 3)]
    edges += [Edge(f"n{number}", "end", "failed") for number in range(width * 4)]
    edges += [Edge("n0", "start", "again")]
    assert overlap(boxes(nodes, edges)) == []


def test_a_child_stands_below_its_parent_and_siblings_keep_the_order_of_branches() -> None:
    nodes = ["check", "yes", "no", "done"]
    edges = [Edge("check", "yes", "yes"), Edge("check", "no", "no"), Edge("yes", "done", ""), Edge("no", "done", "")]
    at = arrange("check", nodes, edges).at
    assert at["check"][1] < at["yes"][1] == at["no"][1] < at["done"][1]
    assert at["yes"][0] < at["no"][0]


def test_a_long_line_passes_beside_the_boxes_of_the_layers_between() -> None:
    nodes = ["a", "b", "c", "d"]
    edges = [Edge("a", "b", "yes"), Edge("b", "c", ""), Edge("c", "d", ""), Edge("a", "d", "no")]
    drawing = arrange("a", nodes, edges)
    for x, _ in drawing.via[edges[3]]:
        assert all(not left <= x <= left + BOX[0] for left, _ in (drawing.at["b"], drawing.at["c"]))


def test_nodes_that_cannot_be_reached_and_loops_are_drawn_too() -> None:
    nodes = ["a", "b", "lonely"]
    drawing = arrange("a", nodes, [Edge("a", "b", ""), Edge("b", "a", "again"), Edge("b", "b", "self")])
    assert set(drawing.at) == set(nodes)
    assert len(drawing.back) == 2
