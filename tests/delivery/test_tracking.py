"""The recipients' doors: opens, clicks, unsubscribe, preferences."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from tests.delivery.conftest import LINKS, PARTITIONS, World

from wend.content.links import Links
from wend.core.consent import apply_consent, consent_problem
from wend.core.inputs import Consent, Feedback
from wend.delivery.feedback import FeedbackLog
from wend.delivery.tracking import is_machine, tracking_routes
from wend.store.log import message_hash
from wend.store.postgres import make_pool

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def web(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=tracking_routes(FeedbackLog(world.pool, world.clock, PARTITIONS), LINKS))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=LINKS.base, headers=BROWSER) as client:
        yield client


async def test_an_open_is_told_once_per_message_and_carries_all_that_is_known_of_it(world: World, web: Any) -> None:
    person = await world.person()
    effect = await world.queue(person, address="ann1@example.com")
    for _ in range(2):
        answer = await web.get(LINKS.open_pixel(person.id, effect))
        assert (answer.status_code, answer.headers["content-type"], answer.content[:6]) == (200, "image/gif", b"GIF89a")
        assert "no-store" in answer.headers["cache-control"]
    opened: list[Feedback] = await world.inputs()
    assert {
        (o.state, o.effect_id, o.journey, o.node, o.run, o.move, o.channel, o.address, o.machine) for o in opened
    } == {("opened", effect, "welcome", "mail", opened[0].run, 1, "email", "ann1@example.com", False)}
    hashes = {row["message_hash"] for row in await world.rows("select message_hash from log")}
    assert hashes == {message_hash(f"open:{effect}")}  # the engine counts a repeated message id once


async def test_an_open_by_a_machine_is_marked_and_does_not_hide_the_real_one(world: World, web: Any) -> None:
    person = await world.person()
    effect = await world.queue(person)
    await web.get(LINKS.open_pixel(person.id, effect), headers={"User-Agent": "Mozilla/5.0"})
    await web.get(LINKS.open_pixel(person.id, effect))
    assert [one.machine for one in await world.inputs()] == [True, False]
    assert len({row["message_hash"] for row in await world.rows("select message_hash from log")}) == 2


@pytest.mark.parametrize(
    ("agent", "machine"),
    [
        ("", True),
        ("Mozilla/5.0", True),
        ("Googlebot/2.1", True),
        ("Barracuda Sentinel (EE)", True),
        ("python-requests/2.32", True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", False),
        (BROWSER["User-Agent"], False),
    ],
)
def test_user_agents(agent: str, machine: bool) -> None:
    assert is_machine(agent) is machine


async def test_a_click_leads_to_the_signed_address_only_and_is_told_per_link(world: World, web: Any) -> None:
    person = await world.person()
    effect = await world.queue(person)
    for url in ("https://shop.test/a?x=1&y=ü", "https://shop.test/b"):
        answer = await web.get(LINKS.click(person.id, effect, url))
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(url[:24])
    clicks = await world.inputs()
    assert [(one.state, one.url) for one in clicks] == [
        ("clicked", "https://shop.test/a?x=1&y=ü"),
        ("clicked", "https://shop.test/b"),
    ]
    assert len({row["message_hash"] for row in await world.rows("select message_hash from log")}) == 2


async def test_tampered_links_lead_nowhere_and_change_nothing(world: World, web: Any) -> None:
    person = await world.person()
    effect = await world.queue(person)
    good = LINKS.click(person.id, effect, "https://shop.test/a")
    foreign = Links(b"another-secret-of-32-bytes-------", LINKS.base).click(person.id, effect, "https://evil.test/")
    script = LINKS.click(person.id, effect, "javascript:alert(1)")
    open_as_click = f"{LINKS.base}/t/c/{LINKS.token('open', person.id, effect)}"
    token = good.rpartition("/")[2]
    for bad in (good[:-1], good[:-2] + "xx", f"{LINKS.base}/t/c/{token.swapcase()}", foreign, script, open_as_click):
        assert (await web.get(bad)).status_code == 404
    for path in ("/t/c/", "/t/o/x.gif", "/u/x", "/p/x", "/u/" + "A" * 9000, "/t/c/%00%ff"):
        assert (await web.get(path)).status_code == 404
    assert (await web.post("/u/x", data={"confirm": "1"})).status_code == 404
    assert await world.inputs() == []


async def test_a_get_shows_the_page_and_never_unsubscribes(world: World, web: Any) -> None:
    person = await world.person(attributes={"email": "ann@example.com", "locale": "de-AT"})
    effect = await world.queue(person)
    url = LINKS.unsubscribe(person.id, effect, "email")
    answer = await web.get(url)
    assert answer.status_code == 200
    assert "ann@example.com" in answer.text
    assert "Abmelden" in answer.text
    assert "set-cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await web.head(url)).status_code == 200
    assert await world.inputs() == []


@pytest.mark.parametrize("multipart", [False, True])
async def test_one_click_unsubscribes_without_cookies_and_is_proven(world: World, web: Any, multipart: bool) -> None:
    person = await world.person()
    effect = await world.queue(person)
    url = LINKS.unsubscribe(person.id, effect, "email")
    body: dict[str, Any] = {"List-Unsubscribe": "One-Click"}
    answer = (
        await web.post(url, files={k: (None, v) for k, v in body.items()})
        if multipart
        else await web.post(url, data=body)
    )
    assert answer.status_code == 200
    feedback, consent = await world.inputs()
    assert (feedback.state, feedback.journey, feedback.channel) == ("unsubscribed", "welcome", "email")
    assert isinstance(consent, Consent)
    assert (consent.state, consent.channel, consent.source, consent.ip) == (
        "unsubscribed",
        "email",
        "one-click",
        "127.0.0.1",
    )
    assert effect in consent.text
    apply_consent(person, consent)
    assert consent_problem(person, "email") == "unsubscribed from email"


async def test_the_button_of_the_page_unsubscribes_and_other_posts_do_not(world: World, web: Any) -> None:
    person = await world.person()
    url = LINKS.unsubscribe(person.id, await world.queue(person), "email")
    assert (await web.post(url)).status_code == 400
    assert (await web.post(url, data={"a": "b"})).status_code == 400
    assert (await web.post(url, content=b"x" * 70_000)).status_code == 413
    assert await world.inputs() == []
    answer = await web.post(url, data={"confirm": "1"})
    assert "You are unsubscribed" in answer.text
    assert [one.KIND for one in await world.inputs()] == ["feedback", "consent"]


async def test_another_contact_leaves_for_itself(world: World, web: Any) -> None:
    person = await world.person(attributes={"email": "kid@example.com", "parent": "mum@example.com"})
    url = LINKS.unsubscribe(person.id, await world.queue(person), "email:parent")
    assert "mum@example.com" in (await web.get(url)).text
    await web.post(url, data={"List-Unsubscribe": "One-Click"})
    _, consent = await world.inputs()
    assert consent.channel == "email:parent"


async def test_the_preference_page_shows_what_is_and_writes_only_what_changed(world: World, web: Any) -> None:
    async with world.pool.connection() as conn:
        law = '{"topics": {"offers": "Offers & news", "digest": "Weekly digest"}}'
        await conn.execute(
            "insert into plan_change (number, at, kind, document) values (1, 1, 'settings', %s::json)", (law,)
        )
    person = await world.person(topics={"digest": ["unsubscribed", 1]}, consent={"email": ["opted_in", 1]})
    url = LINKS.preferences(person.id, await world.queue(person))
    text = (await web.get(url)).text
    boxes = dict(re.findall(r'name="(channel:[^"]+|topic:[^"]+)" value="1"( checked)?>', text))
    assert boxes == {"channel:email": " checked", "channel:sms": "", "topic:offers": " checked", "topic:digest": ""}
    assert "Offers &amp; news" in text
    answer = await web.post(url, data={"channel:sms": "1", "topic:offers": "1", "topic:invented": "1", "save": "1"})
    assert "Saved" in answer.text
    said = [(one.state, one.channel, one.topic, one.source) for one in await world.inputs()]
    assert said == [("unsubscribed", "email", "", "preference page"), ("opted_in", "sms", "", "preference page")]


async def test_without_database_a_reader_is_not_troubled_but_an_unsubscription_does_not_look_done(world: World) -> None:
    pool = make_pool("postgresql://nobody@127.0.0.1:1/none", smallest=0, largest=1)
    pool.timeout = 0.2
    await pool.open()
    app = Starlette(routes=tracking_routes(FeedbackLog(pool, world.clock, PARTITIONS), LINKS))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=LINKS.base) as client:
        assert (await client.get(LINKS.open_pixel(1, "e"))).status_code == 200
        assert (await client.get(LINKS.click(1, "e", "https://a.test/"))).status_code == 302
        assert (await client.get(LINKS.unsubscribe(1, "e", "email"))).status_code == 200
        unsubscribe = await client.post(LINKS.unsubscribe(1, "e", "email"), data={"List-Unsubscribe": "One-Click"})
        assert unsubscribe.status_code == 503
    await pool.close()
