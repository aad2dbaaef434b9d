"""Changing a running journey from the terminal: impact, policies, versions, roll back, at an instant; hands on people, test people."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.conftest import Up, await_that, wend

WAITS = """
id: {id}
name: Waits
entry: {{on: {{event: Signed Up}}, reentry: always}}
nodes:
  {node}: {{wait: {wait}, next: done}}
  done: {{end: {{}}}}
start: {node}
"""


def document(up: Up, id: str = "waits", node: str = "pause", wait: str = "2h") -> Path:
    path = up.data / f"{id}.yaml"
    path.write_text(WAITS.format(id=id, node=node, wait=wait))
    return path


def inside(up: Up, journey: str, node: str) -> list[str]:
    return [one["known_as"] for one in up.get(f"/api/journeys/{journey}/people", node=node)["items"]]


def test_a_running_journey_is_changed_with_its_impact_shown_first(up: Up) -> None:
    assert wend("journey", "publish", document(up), data=up.data).returncode == 0
    up.send({"type": "track", "userId": "ada", "event": "Signed Up"})
    await_that(lambda: inside(up, "waits", "pause") == ["ada"])

    renamed = document(up, node="rest", wait="3h")
    refused = wend("journey", "publish", renamed, "--policy", "move", "--yes", data=up.data)
    assert refused.returncode == 1 and "map it to one of its nodes" in refused.stderr
    assert "pause\t1\t1\thave no place: --map\t0" in refused.stdout
    assert "does not have the form" in wend("journey", "publish", renamed, "--map", "x", data=up.data).stderr
    moved = wend("journey", "publish", renamed, "--policy", "move", "--map", "pause=rest", "--yes", data=up.data)
    assert "1 inside, 0 go on at once, 0 leave" in moved.stdout and moved.stdout.endswith("waits: version 2 is live\n")
    await_that(lambda: inside(up, "waits", "rest") == ["ada"])
    assert "moved from version 1 to 2" in wend("why", "ada", "waits", data=up.data).stdout

    assert "publish\t2\tmove" in wend("journey", "versions", "waits", data=up.data).stdout
    diff = wend("journey", "diff", "waits", "1", data=up.data).stdout
    assert "~ start: 'pause' → 'rest'" in diff and "- nodes.pause" in diff and "+ nodes.rest" in diff
    assert "has no version 9" in wend("journey", "diff", "waits", "9", data=up.data).stderr
    back = wend("journey", "rollback", "waits", "1", "--policy", "exit", "--yes", data=up.data)
    assert back.stdout.endswith("waits: version 3 is live, with the document of version 1\n")
    await_that(lambda: inside(up, "waits", "rest") == [])


def test_a_publication_at_an_instant_happens_by_itself_or_is_cancelled(up: Up) -> None:
    wend("journey", "publish", document(up, "later"), data=up.data)
    new = document(up, "later", wait="5h")
    assert "is no instant" in wend("journey", "publish", new, "--at", "soon", data=up.data).stderr
    assert "has passed" in wend("journey", "publish", new, "--at", "2001-01-01", data=up.data).stderr
    said = wend("journey", "publish", new, "--at", "2027-01-01 09:00", data=up.data).stdout
    number = said.strip().rpartition(" ")[2]
    assert "later\t2027-01-01 09:00:00 UTC\tkeep\twaiting" in wend("journey", "scheduled", data=up.data).stdout
    assert wend("journey", "unschedule", number, data=up.data).stdout == f"publication {number} is cancelled\n"
    assert wend("journey", "unschedule", number, data=up.data).returncode == 1
    at = datetime.fromtimestamp(time.time() + 2, UTC).isoformat()
    assert wend("journey", "publish", new, "--at", at, data=up.data).returncode == 0
    await_that(lambda: up.get("/api/journeys/later")["version"] == 2)
    assert "published\t2" in wend("journey", "scheduled", "later", data=up.data).stdout


def test_an_operator_lays_hand_on_people_and_a_test_person_is_followed(up: Up) -> None:
    wend("journey", "publish", document(up, "hands"), data=up.data)
    up.send({"type": "identify", "userId": "bob", "traits": {}}, {"type": "identify", "userId": "cyd", "traits": {}})
    await_that(lambda: up.get("/api/profiles/cyd").get("id"))
    assert wend("journey", "put", "hands", "--person", "bob", "--person", "cyd", data=up.data).stdout.startswith(
        "2 told"
    )
    await_that(lambda: sorted(inside(up, "hands", "pause")) == ["bob", "cyd"])
    assert wend("journey", "skip", "hands", "--person", "bob", data=up.data).returncode == 0
    await_that(lambda: inside(up, "hands", "pause") == ["cyd"])
    assert wend("journey", "out", "hands", "--node", "pause", data=up.data).returncode == 0
    await_that(lambda: inside(up, "hands", "pause") == [])
    assert "taken out by command line" in wend("why", "cyd", "hands", data=up.data).stdout
    wrong = wend("journey", "put", "hands", "--person", "nobody", "--node", "puase", data=up.data)
    assert "did you mean 'pause'" in wrong.stderr and "nobody is known by 'nobody'" in wrong.stderr

    settings = up.data / "settings.yaml"
    settings.write_text("test: {tag: tester, wait: 1s}\n")
    assert wend("settings", "put", settings, data=up.data).returncode == 0
    followed = wend("journey", "test", "hands", "--person", "bob", "--seconds", "60", data=up.data)
    lines = followed.stdout.splitlines()
    assert "put in by an operator as a test person" in lines[0] and "ended at done" in lines[-1], followed
