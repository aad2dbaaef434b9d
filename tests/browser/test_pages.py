"""The pages in a real browser: readable in light and dark, no request to anybody else, usable by keyboard. Screenshots are kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Up, await_that, started, wend

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
GALLERY = Path(__file__).parents[2] / "src/wend/templates"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (make browser installs it)"),
]
PAGES = {
    "home": "/",
    "journeys": "/journeys",
    "journey": "/journeys/cart-recovery?node=pause",
    "person": "/people?q=ada",
    "inbox": "/inbox",
    "mail": "/inbox/1",
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A Wend with two journeys, somebody who waits, and a mail."""
    with started(tmp_path_factory.mktemp("browser") / "data") as running:
        data = running.data
        messages = sorted((GALLERY / "messages").glob("*.yaml"))
        assert wend("template", "push", *messages, data=data).returncode == 0
        journeys = [GALLERY / f"journeys/{name}.yaml" for name in ("cart-recovery", "trial-welcome")]
        assert wend("journey", "publish", *journeys, data=data).returncode == 0
        hello = data / "hello.yaml"
        hello.write_text(
            "id: hello\nentry: {on: {event: Hi}}\nstart: mail\nnodes:\n"
            "  mail: {send: {channel: email, template: trial-welcome-mail, transactional: true}, next: done}\n  done: {end: {}}\n"
        )
        assert wend("journey", "publish", hello, data=data).returncode == 0
        cart = {"cart_id": "c1", "product_id": "p1", "name": "Lamp <b>", "price": 30, "quantity": 1}
        running.send(
            {"type": "identify", "userId": "ada", "traits": {"email": "ada@example.com", "first_name": "Ada"}},
            {"type": "track", "userId": "ada", "event": "Product Added", "properties": cart},
            {"type": "track", "userId": "ada", "event": "Hi"},
        )
        await_that(lambda: running.get("/api/inbox")["items"])
        yield running


def test_pages_look_right_ask_nobody_else_and_run_nothing(up: Up, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    shots = Path(os.environ.get("SCREENSHOTS", tmp_path))
    shots.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []
    complained: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        for scheme in ("light", "dark"):
            page = browser.new_page(
                color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 1280, "height": 900}
            )
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: complained.append(message.text))
            for name, path in PAGES.items():
                answer = page.goto(up.url + path)
                assert answer is not None
                assert answer.status == 200
                page.screenshot(path=shots / f"{name}-{scheme}.png", full_page=True)
            page.close()
        assert [url for url in asked if not url.startswith((up.url, "about:", "data:"))] == []
        assert complained == []

        page = browser.new_page()
        page.goto(f"{up.url}/journeys/cart-recovery")
        page.get_by_role("link", name="Show the people there").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**node=pause**")
        page.get_by_role("link", name="ada").click()
        page.wait_for_url("**/people/**")
        assert page.get_by_role("heading", level=1).inner_text() == "Ada"
        page.get_by_role("link", name="cart-recovery").last.click()
        assert page.goto(f"{up.url}/inbox/1") is not None
        frame = page.frame_locator("iframe")
        assert frame.locator("body").inner_text()
        browser.close()
