"""`wend journey simulate` answers the nodes that ask outside, as a file says."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import wend

JOURNEY = """
id: asking
name: Asking
entry: {on: {event: Lead}}
nodes:
  gift: {issue_coupon: summer, next: done, exhausted: empty}
  done: {end: {}}
  empty: {end: {}}
start: gift
"""


def test_what_a_node_is_answered_can_be_chosen_and_a_wrong_file_is_refused(tmp_path: Path) -> None:
    journey, events, answers = tmp_path / "j.yaml", tmp_path / "e.ndjson", tmp_path / "a.yaml"
    journey.write_text(JOURNEY)
    events.write_text(
        json.dumps({"type": "track", "userId": "sim", "timestamp": "2026-01-05T09:00:01Z", "event": "Lead"})
    )
    usual = wend("journey", "simulate", journey, "--events", events, data=tmp_path / "none")
    assert "by 'next' to done" in usual.stdout, usual.stderr
    answers.write_text("gift: {state: exhausted, why: the pool is empty}")
    chosen = wend("journey", "simulate", journey, "--events", events, "--answers", answers, data=tmp_path / "none")
    assert "by 'exhausted' to empty: the pool is empty" in chosen.stdout
    for wrong, said in (
        ("gfit: {}", "gfit: is not a node that is answered; did you mean 'gift'?"),
        ("gift: {state: okay}", "gift: expected state (ok, failed, exhausted, uncertain), value and why"),
        ("gift: 5", "gift: expected state"),
        ("- 5", "expected answers by node"),
    ):
        answers.write_text(wrong)
        refused = wend("journey", "simulate", journey, "--events", events, "--answers", answers, data=tmp_path / "none")
        assert refused.returncode == 1
        assert said in refused.stderr
