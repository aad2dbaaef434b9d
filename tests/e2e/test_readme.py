"""The README's five minutes, literally: its commands are taken out of the file and run, with `10s` made shorter.

`wend up` on an empty folder stands for `make demo`, which first replays a year of orders; both serve the same way.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
from tests.e2e.running import PATIENCE, Wend, ndjson, until, wend

README = Path(__file__).parents[2] / "README.md"
BIN = Path(sys.executable).parent


def commands() -> str:
    """The shell commands under "Five minutes"."""
    found = re.search(r"## Five minutes\n.*?```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def bash(script: str, folder: Path) -> str:
    """Run the script as a reader would, in `folder`; what it printed. Any failing command fails the test."""
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def person(name: str, message: str) -> list[dict[str, object]]:
    return [
        {
            "type": "identify",
            "userId": name,
            "messageId": f"{message}-i",
            "traits": {"email": f"{name}@example.com", "first_name": name.title()},
        },
        {"type": "track", "userId": name, "messageId": f"{message}-t", "event": "Signed Up"},
    ]


def caught(server: Wend, name: str) -> list[str]:
    """Subjects of what the inbox has for somebody."""
    return [one["subject"] for one in server.api("inbox", recipient=f"{name}@example.com")["items"]]


def test_a_newcomer_follows_the_readme(tmp_path: Path) -> None:
    script = commands()
    with wend(tmp_path / "wend-demo") as server:
        adapted = script.replace(". .venv/bin/activate\n", "").replace("http://127.0.0.1:8600", server.url)
        adapted, keys = re.subn(r"WRITE_KEY=\S+", f"WRITE_KEY={server.keys['Write key']}", adapted)
        adapted, waits = re.subn(r"wait: 10s", "wait: 5s", adapted)
        assert (keys, waits) == (1, 1)
        said = bash(adapted, tmp_path)
        assert "hello: version 1 is live" in said
        assert '{"success":true}' in said.replace(" ", "")
        assert "ada@example.com" in said or "Ada" in said
        assert "pause" in said or "never" in said, said  # `wend why`, asked at once, while the run waits

        until("the mail is in the inbox", lambda: caught(server, "ada") == ["Welcome, Ada!"])
        story = server.run("why", "ada", "hello")
        assert "mail: message handed to delivery (email, template hello-mail)" in re.sub(r" \([^)]*\):", ":", story), (
            story
        )
        assert "Welcome, Ada!" in httpx2.get(f"{server.url}/inbox").text
        assert "pause" in httpx2.get(f"{server.url}/journeys/hello").text

        # change the wait, publish again: who is inside finishes on the old version, who is new takes the new one
        assert server.post(person("ben", "b")).status_code == 200
        until("ben waits", lambda: server.why("ben", "hello")["status"] == "inside")
        document = tmp_path / "hello.yaml"
        document.write_text(document.read_text().replace("wait: 5s", "wait: 1h"))
        assert "hello: version 2 is live" in server.run("journey", "publish", document)
        assert server.post(person("cleo", "c")).status_code == 200
        until("ben has his mail", lambda: caught(server, "ben") == ["Welcome, Ben!"])
        until("cleo waits", lambda: server.why("cleo", "hello")["status"] == "inside")
        [run] = server.why("cleo", "hello")["detail"]["runs"]
        assert run["version"] == 2
        assert run["place"]["node"] == "pause"
        assert run["place"]["until"] - run["place"]["entered"] == 3_600_000
        [run] = server.why("ben", "hello")["detail"]["runs"]
        assert run["version"] == 1
        assert caught(server, "cleo") == []
        assert server.stop() == 0


SALE = """
id: sale
name: Sale
entry: {on: {event: Sale Announced}}
nodes:
  mail: {send: {channel: email, template: sale-mail}, next: pause, failed: no}
  pause: {wait: 2h, next: again}
  again: {send: {channel: sms, template: sale-sms}, next: done, failed: no}
  no: {end: not reached}
  done: {end: {}}
start: mail
"""
SALE_TEMPLATES = """
{id: sale-mail, channel: email, subject: "A sale, {{ profile.first_name }}", text: Come.}
---
{id: sale-sms, channel: sms, text: Come.}
"""


def test_files_of_people_and_events_come_in_and_a_journey_is_tried_on_them_first(
    tmp_path: Path, database_url: str
) -> None:
    at = "2026-03-01T10:00:00Z"
    people = [
        {
            "type": "identify",
            "userId": name,
            "messageId": f"i-{name}",
            "timestamp": at,
            "traits": {"email": f"{name}@x.example"},
        }
        for name in ("ada", "ben")
    ]
    sales = [
        {"type": "track", "userId": name, "messageId": f"s-{name}", "timestamp": at, "event": "Sale Announced"}
        for name in ("ada", "ben")
    ]
    with wend(tmp_path / "data", WEND_DATABASE_URL=database_url, WEND_PARTITIONS="4") as server:
        server.pushed(tmp_path, SALE_TEMPLATES)
        (tmp_path / "sale.yaml").write_text(SALE)
        tried = (
            "journey",
            "simulate",
            tmp_path / "sale.yaml",
            "--events",
            ndjson(tmp_path / "e.ndjson", people + sales),
        )
        with_consent = server.run(*tried, "--assume-consent")
        assert "2 runs started" in with_consent
        assert "2 by email" in with_consent
        assert "2026-03-01 12:00:00 UTC" in with_consent  # the virtual clock passed the wait
        without = server.run(*tried)
        assert "messages: none, not sent: 2" in without
        assert server.rows("select count(*) from log where kind = 'event'") == [(0,)], "trying a journey stores nothing"

        server.run("journey", "publish", tmp_path / "sale.yaml")
        (tmp_path / "people.csv").write_text(
            "user_id,email,first_name,consent_email\nada,ada@x.example,Ada,yes\nben,ben@x.example,Ben,no\n,,Nobody,yes\n"
        )
        said = server.run("import", "profiles", tmp_path / "people.csv")
        assert "2" in said
        assert "rejected" in said or "refused" in said, said
        fresh = [{**one, "timestamp": None} for one in sales]
        file = ndjson(tmp_path / "sales.ndjson", [*fresh, {"type": "track", "event": "No One"}])
        server.run("import", "events", file)
        until("ada has her mail", lambda: server.api("inbox", recipient="ada@x.example")["items"])
        until("ben's run is over", lambda: server.why("ben", "sale")["status"] == "finished")
        assert any("not reached" in line for line in server.why("ben", "sale")["sentences"])
        assert server.api("inbox", recipient="ben@x.example")["items"] == []
        # the same file once more is known to be done
        server.run("import", "events", file)
        assert server.rows("select count(*) from log where kind = 'event'") == [(2,)]
        assert server.stop() == 0
