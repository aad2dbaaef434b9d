"""`wend import events --replay`: months pass on the live engine in seconds, and live events wait meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import await_that, started, wend

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # whole servers start and stop, also on a busy machine

TEMPLATE = "id: hello-mail\nchannel: email\nsubject: Back again?\ntext: Good to have you here.\n"
JOURNEY = """
id: late
entry: {on: {event: Bought}}
nodes:
  pause: {wait: 30d, next: mail}
  mail: {send: {channel: email, template: hello-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: pause
"""


def test_a_journey_runs_over_its_history_and_goes_on_in_real_time(tmp_path: Path) -> None:
    data = tmp_path / "data"
    template, journey, events = tmp_path / "mail.yaml", tmp_path / "late.yaml", tmp_path / "history.ndjson"
    template.write_text(TEMPLATE)
    journey.write_text(JOURNEY)
    rows = [
        {
            "type": "identify",
            "userId": "old",
            "timestamp": "2026-01-05T10:00:00Z",
            "traits": {"email": "old@example.com"},
        },
        {"type": "track", "userId": "old", "timestamp": "2026-01-05T10:00:01Z", "event": "Bought"},
    ]
    events.write_text("\n".join(map(json.dumps, rows)))
    with started(data) as up:
        assert wend("template", "push", template, data=data).returncode == 0
        assert "is for --replay" in wend("import", "events", events, "--publish", journey, data=data).stderr
        done = wend("import", "events", events, "--replay", "--publish", journey, data=data)
        assert done.returncode == 0, done.stderr
        assert "2 rows taken, 0 refused" in done.stdout

        mails = up.get("/api/messages", journey="late")["items"]
        assert [(one["address"], one["status"]) for one in mails] == [("old@example.com", "accepted")]
        february = 1_770_199_201_000  # 2026-02-04 10:00:01 UTC: thirty days after the order
        assert mails[0]["at"] == february
        assert [one["at"] for one in up.get("/api/inbox")["items"]] == [february]
        assert "2026-02-04 10:00:01 UTC" in wend("why", "old", "late", data=data).stdout

        assert up.send({"type": "track", "userId": "new", "event": "Bought"}) == {"success": True}
        await_that(lambda: up.get("/api/journeys/late/counts")["started"] == 2)
