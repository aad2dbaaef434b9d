"""The commands of a person with a terminal, against a running Wend."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tests.cli.conftest import Up, await_that, wend

TEMPLATE = """
id: hello-mail
channel: email
subject: "Welcome, {{ profile.first_name | default: 'friend' }}!"
text: Good to have you here.
"""
JOURNEY = """
id: hello
name: Hello
entry:
  on: {event: Signed Up}
nodes:
  pause: {wait: 1s, next: mail}
  mail: {send: {channel: email, template: hello-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: pause
"""


def files(up: Up) -> tuple[Path, Path]:
    template, journey = up.data / "hello-mail.yaml", up.data / "hello.yaml"
    template.write_text(TEMPLATE)
    journey.write_text(JOURNEY)
    return template, journey


def test_a_newcomer_publishes_a_journey_gets_the_mail_and_asks_why(up: Up) -> None:
    template, journey = files(up)
    early = wend("journey", "publish", journey, data=up.data)
    assert early.returncode == 1
    assert f"error: {journey}: nodes.mail.send.template: there is no template 'hello-mail'" in early.stderr

    assert wend("template", "push", template, data=up.data).stdout == "hello-mail: version 1\n"
    assert wend("template", "push", template, data=up.data).stdout == "hello-mail: version 1 (unchanged)\n"
    assert wend("journey", "check", journey, data=up.data).stdout == f"{journey}: fine\n"
    assert wend("journey", "publish", journey, data=up.data).stdout == "hello: version 1 is live\n"
    assert wend("journey", "publish", journey, data=up.data).stdout == "hello: version 1 is live already\n"

    batch = [
        {"type": "identify", "userId": "ada", "traits": {"email": "ada@example.com", "first_name": "Ada"}},
        {"type": "track", "userId": "ada", "event": "Signed Up"},
    ]
    assert up.send(*batch) == {"success": True}
    await_that(lambda: up.get("/api/messages", journey="hello", status="accepted")["items"])
    inbox = up.get("/api/inbox", recipient="ada@example.com")["items"]
    assert [one["subject"] for one in inbox] == ["Welcome, Ada!"]

    why = wend("why", "ada", "hello", data=up.data)
    assert why.returncode == 0
    assert "started by event Signed Up" in why.stdout
    assert "accepted by the channel" in why.stdout
    assert json.loads(wend("why", "ada", "hello", "--json", data=up.data).stdout)["status"] == "finished"
    assert "ended 1" in wend("journey", "show", "hello", data=up.data).stdout
    assert wend("journey", "show", "hello", "--document", data=up.data).stdout.startswith("id: hello\n")

    for act, status in (("pause", "paused"), ("resume", "live"), ("sunset", "sunset"), ("stop", "stopped")):
        assert wend("journey", act, "hello", data=up.data).stdout == f"hello: {status}\n"
    refused = wend("journey", "pause", "hello", data=up.data)
    assert refused.returncode == 1
    assert "stopped" in refused.stderr
    assert "did you mean 'hello'" in wend("journey", "show", "helo", data=up.data).stderr
    assert "nobody is known" in wend("why", "nobody", "hello", data=up.data).stderr


def test_all_files_are_published_or_none(up: Up) -> None:
    good, bad = up.data / "good.yaml", up.data / "bad.yaml"
    good.write_text("id: good\nentry: {on: api}\nnodes: {done: {end: {}}}\nstart: done\n")
    bad.write_text("id: bad\nentry: {on: api}\nnodes: {done: {edn: {}}}\nstart: don\n")
    refused = wend("journey", "publish", good, bad, data=up.data)
    assert refused.returncode == 1
    assert all(line.startswith(f"error: {bad}: ") for line in refused.stderr.splitlines())
    assert "did you mean 'end'" in refused.stderr
    assert "good" not in wend("journey", "list", data=up.data).stdout
    broken = up.data / "broken.yaml"
    broken.write_text("id: [\n")
    assert f"error: {broken}:2:1: " in wend("journey", "check", broken, data=up.data).stderr


def test_keys_are_made_listed_and_revoked(up: Up) -> None:
    made = wend("key", "new", "--kind", "api", "--name", "ci", "--scope", "read", data=up.data).stdout
    assert made.startswith("API key: ")
    secret = made.removeprefix("API key: ").strip()
    assert up.status("/api/journeys", authorization=f"Bearer {secret}") == 200
    listed = [line.split("\t") for line in wend("key", "list", data=up.data).stdout.splitlines()]
    key_id = next(row[0] for row in listed if row[2] == "ci")
    assert secret not in wend("key", "list", data=up.data).stdout
    assert wend("key", "revoke", key_id, data=up.data).returncode == 0
    assert up.status("/api/journeys", authorization=f"Bearer {secret}") == 401
    assert wend("key", "revoke", key_id, data=up.data).returncode == 1
    assert "did you mean 'write'" in wend("key", "new", "--kind", "wirte", data=up.data).stderr


def test_events_and_profiles_are_imported_and_what_is_refused_stands_in_a_file(up: Up) -> None:
    events = up.data / "events.ndjson.gz"
    rows = [
        {"type": "identify", "userId": "imp-1", "timestamp": "2026-01-01T00:00:00Z", "traits": {"city": "Rome"}},
        {"type": "trak", "userId": "imp-1"},
    ]
    events.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    done = wend("import", "events", events, data=up.data)
    assert done.returncode == 0, done.stderr
    assert "1 rows taken, 1 refused" in done.stdout
    assert "did you mean" in (up.data / "events.ndjson.gz.rejected.ndjson").read_text()
    assert "was imported before" in wend("import", "events", events, data=up.data).stdout
    past = wend("import", "events", events, "--replay", data=up.data)
    assert past.returncode == 1
    assert "the log has reached" in past.stderr

    profiles = up.data / "people.csv"
    profiles.write_text("user_id,email,city\nimp-2,two@example.com,Oslo\n,,\n")
    done = wend("import", "profiles", profiles, data=up.data)
    assert "1 rows taken" in done.stdout
    await_that(lambda: up.get("/api/profiles/imp-2").get("attributes", {}).get("city") == "Oslo")
    assert wend("import", "events", up.data / "missing", data=up.data).returncode == 2


def test_a_journey_is_simulated_with_every_decision_and_nothing_is_sent(up: Up) -> None:
    _, journey = files(up)
    events = up.data / "story.ndjson"
    rows = [
        {
            "type": "identify",
            "userId": "sim",
            "timestamp": "2026-01-05T09:00:00Z",
            "traits": {"email": "sim@example.com"},
        },
        {"type": "track", "anonymousId": "x", "userId": "sim", "timestamp": "2026-01-05T09:00:00Z", "event": "Other"},
        {"type": "track", "anonymousId": "x", "timestamp": "2026-01-05T09:00:01Z", "event": "Signed Up"},
        {"nonsense": True},
    ]
    events.write_text("\n".join(map(json.dumps, rows)))
    done = wend("journey", "simulate", journey, "--events", events, data=up.data)
    assert done.returncode == 0, done.stderr
    assert "2026-01-05 09:00:02 UTC  sim  mail (Send email: hello-mail" in done.stdout
    assert "1 runs started" in done.stdout
    assert "1 by email" in done.stdout
    assert f"{events}:4: " in done.stderr
    assert up.get("/api/inbox", recipient="sim@example.com")["items"] == []


def test_nothing_parked_is_said_so(up: Up) -> None:
    assert wend("parked", "list", data=up.data).stderr == "Nothing is parked.\n"
    assert "nobody is known" in wend("parked", "retry", "nobody", data=up.data).stderr


def test_a_command_without_a_running_wend_says_what_to_do(tmp_path: Path) -> None:
    refused = wend("journey", "list", data=tmp_path / "nothing")
    assert refused.returncode == 1
    assert "no Wend runs here; start it with `wend up`" in refused.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_wrong_command_line_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    refused = wend("why", data=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("error: wend why: Missing argument 'PERSON'")
