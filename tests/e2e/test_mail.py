"""The main flow, end to end: real SDKs post, a published journey decides, a real mail server gets exactly the mail it should."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
import rudderstack.analytics.client as rudder
import segment.analytics.client as segment
from tests.e2e.running import BROWSER, Mail, Wend, sink, until, wend

TEMPLATES = """
id: cart-mail
channel: email
subject: "{{ profile.first_name }}, your cart is waiting"
html: '<p>Hello {{ profile.first_name }}</p><p><a href="https://shop.example/cart?a=1&amp;b=2">To your cart</a></p>'
---
id: thanks-mail
channel: email
subject: Thank you for looking
text: See you.
"""
CART = """
id: cart
name: Cart
entry: {on: {event: Product Added}}
exit_when: {event: Order Completed}
nodes:
  pause: {wait: 3s, next: mail}
  mail: {send: {channel: email, template: cart-mail}, next: read, failed: lost}
  read: {wait_for_condition: {message: {template: cart-mail, state: opened}, timeout: 1d}, happened: tag, timed_out: done}
  tag: {add_tag: reader, next: done}
  lost: {end: not reached}
  done: {end: {}}
start: pause
"""
THANKS = """
id: thanks
name: Thanks
entry: {on: {message_clicked: {journey: cart}}}
nodes:
  mail: {send: {channel: email, template: thanks-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: mail
"""
PEOPLE = """user_id,email,first_name,consent_email
ada,ada@example.com,Ada,yes
bob,bob@example.com,Bob,yes
cid,cid@example.com,Cid,
dora,gone.dora@example.com,Dora,yes
eve,eve@example.com,Eve,yes
fay,fay@example.com,Fay,yes
gus,gus@example.com,Gus,yes
"""
GETS_ONE = {"ada@example.com", "bob@example.com", "gus@example.com"}


def letter(mail: Mail) -> EmailMessage:
    """The mail, parsed."""
    read = email.message_from_bytes(mail.raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def html_of(mail: Mail) -> str:
    part = letter(mail).get_body(("html",))
    assert part is not None
    return part.get_content()


def follow(url: str) -> httpx2.Response:
    """What a reader's browser does."""
    return httpx2.get(url, headers={"User-Agent": BROWSER}, follow_redirects=False, timeout=30)


def shop(sdk: Any, server: Wend) -> Any:
    """A client of either SDK; whatever it cannot deliver fails the test."""

    def failed(error: Exception, items: list[Any]) -> None:
        raise AssertionError(f"{error}: {items}")

    return sdk.Client(server.keys["Write key"], host=server.url, on_error=failed)


def ended(server: Wend, who: str, runs: int) -> list[str] | None:
    """The sentences about the person and the cart, once that many runs are over."""
    answer = server.why(who, "cart")
    return answer["sentences"] if answer["status"] == "finished" and len(answer["detail"]["runs"]) == runs else None


@pytest.fixture
def database(database_url: str) -> dict[str, str]:
    return {"WEND_DATABASE_URL": database_url, "WEND_PARTITIONS": "8"}


def test_exactly_those_get_one_mail_who_should_and_what_they_do_with_it_is_heard(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with sink() as mails, wend(tmp_path / "data", **database, WEND_SMTP_URL=mails.url) as server:
        server.pushed(tmp_path, TEMPLATES, CART, THANKS)
        (tmp_path / "people.csv").write_text(PEOPLE)
        assert "7" in server.run("import", "profiles", tmp_path / "people.csv")

        # two real SDKs, one message delivered twice, one visitor who logs in and orders, one who logs in and does not
        one, two = shop(segment, server), shop(rudder, server)
        one.track("ada", "Product Added", {"product_id": "p1"}, message_id="twice")
        one.track("ada", "Product Added", {"product_id": "p1"}, message_id="twice")
        two.track("bob", "Product Added", {"product_id": "p2"})
        one.track("cid", "Product Added", {"product_id": "p3"})
        two.track("dora", "Product Added", {"product_id": "p4"})
        one.track("eve", "Product Added", {"product_id": "p5"})
        one.track(anonymous_id="visitor-1", event="Product Added", properties={"product_id": "p6"})
        two.track(anonymous_id="visitor-2", event="Product Added", properties={"product_id": "p7"})
        one.flush()
        two.flush()
        one.identify("fay", {}, anonymous_id="visitor-1")
        two.identify("gus", {}, anonymous_id="visitor-2")
        one.track("fay", "Order Completed", {"total": 10})
        one.track("eve", "Order Completed", {"total": 20})
        one.flush()
        two.flush()
        one.join()
        two.join()

        until("the mails have come", lambda: {mail.to for mail in mails.mails} >= GETS_ONE)
        for who in ("cid", "dora", "eve", "fay"):
            until(f"{who}'s run is over", lambda who=who: ended(server, who, 1))
        assert sorted(mail.to for mail in mails.mails) == sorted(GETS_ONE)
        assert mails.refused == ["gone.dora@example.com"]
        assert letter(mails.to("ada@example.com")[0])["Subject"] == "Ada, your cart is waiting"
        assert "consent" in server.run("why", "cid", "cart")
        assert "Order Completed" in " ".join(ended(server, "eve", 1) or [])
        assert "at read" in server.run("why", "gus", "cart")

        # a hard bounce suppresses: the next cart is not even tried
        assert server.api("messages", profile="dora")["items"][0]["status"] == "refused"
        until("dora is suppressed", lambda: not server.api("profiles/dora")["reachability"]["email"]["transactional"])

        # opened: the run that waits for it goes on; clicked: a journey starts
        page = html_of(mails.to("ada@example.com")[0])
        pixel = re.search(r'<img[^>]+src="([^"]*/t/o/[^"]+)"', page)
        link = re.search(r'href="([^"]*/t/c/[^"]+)"', page)
        assert pixel is not None and link is not None
        opened = follow(pixel[1])
        assert (opened.status_code, opened.headers["content-type"]) == (200, "image/gif")
        until("ada's open is heard", lambda: "reader" in server.api("profiles/ada")["tags"])
        clicked = follow(link[1])
        assert (clicked.status_code, clicked.headers["location"]) == (302, "https://shop.example/cart?a=1&b=2")
        until("the click started a journey", lambda: len(mails.to("ada@example.com")) == 2)
        assert letter(mails.to("ada@example.com")[1])["Subject"] == "Thank you for looking"
        assert "reader" not in server.api("profiles/bob")["tags"]

        # one click on "unsubscribe" in the mail program: no further marketing mail
        mail = letter(mails.to("bob@example.com")[0])
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        left = httpx2.post(
            str(mail["List-Unsubscribe"]).strip("<>"), data={"List-Unsubscribe": "One-Click"}, timeout=30
        )
        assert left.status_code == 200
        until("bob has left", lambda: not server.api("profiles/bob")["reachability"]["email"]["marketing"])
        # opened, so that the first run, which waits for it, is over and a second can begin
        pixel = re.search(r'<img[^>]+src="([^"]*/t/o/[^"]+)"', html_of(mails.to("bob@example.com")[0]))
        assert pixel is not None and follow(pixel[1]).status_code == 200
        until("bob's first run is over", lambda: ended(server, "bob", 1))

        again = shop(segment, server)
        again.track("bob", "Product Added", {"product_id": "p8"})
        again.track("dora", "Product Added", {"product_id": "p9"})
        again.flush()
        again.join()
        bob = until("bob's second run is over", lambda: ended(server, "bob", 2))
        dora = until("dora's second run is over", lambda: ended(server, "dora", 2))
        assert any("was not sent" in line and "unsubscribed" in line for line in bob), bob
        assert any("was not sent" in line and "bounce" in line for line in dora), dora
        assert mails.refused == ["gone.dora@example.com"]
        assert len(mails.to("bob@example.com")) == 1
        assert sorted(mail.to for mail in mails.mails) == sorted([*GETS_ONE, "ada@example.com"])
        assert server.stop() == 0
