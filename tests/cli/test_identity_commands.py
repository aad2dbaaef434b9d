"""`wend identity`: listing identifiers that two users sent, and resolving each case, on a database of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.conftest import Said, wend

from wend.store.migrate import migrate


class Workspace:
    """Ada (11) owns the tablet; Bob (12) sent it, and a phone of Ada's."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        asyncio.run(migrate(url, partitions=2))
        with psycopg.connect(url) as conn:
            conn.execute(
                "insert into identifier (namespace, value, profile_id, at) values"
                " ('user_id', 'ada', 11, 2), ('user_id', 'bob', 12, 1), ('anonymous_id', 'tablet', 11, 2)"
            )
            conn.execute(
                "insert into identity_conflict (at, namespace, value, profile_id, other_id) values"
                " (5000, 'anonymous_id', 'tablet', 12, 11), (6000, 'anonymous_id', 'phone', 12, 11)"
            )

    def run(self, *words: str) -> Said:
        return wend("identity", *words, data=self.data, WEND_DATABASE_URL=self.url)

    def rows(self, query: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query).fetchall()


@pytest.fixture
def workspace(database_url: str, tmp_path: Path) -> Workspace:
    return Workspace(database_url, tmp_path)


def test_cases_are_listed_with_both_sides(workspace: Workspace) -> None:
    phone, tablet = (line.split("\t") for line in workspace.run("conflicts").stdout.splitlines())
    assert tablet[:5] == ["1", "anonymous_id tablet", "12 (bob)", "11 (ada)", "open"]
    assert phone[0] == "2"
    assert "No identifier was refused." in workspace.run("conflicts", "--status", "merged").stderr
    assert "did you mean 'merged'" in workspace.run("conflicts", "--status", "merge").stderr


def test_two_are_kept_apart(workspace: Workspace) -> None:
    assert workspace.run("resolve", "1", "--keep-apart").stdout == "1: they stay two people\n"
    assert [line.split("\t")[0] for line in workspace.run("conflicts").stdout.splitlines()] == ["2"]
    assert "kept_apart by command line" in workspace.run("conflicts", "--status", "all").stdout
    again = workspace.run("resolve", "1", "--merge")
    assert again.returncode == 1
    assert "error: 1: conflict 1 is resolved already: kept_apart by command line" in again.stderr
    assert workspace.rows("select 1 from alias") == []
    assert workspace.rows("select who, what from audit") == [
        ("command line", "people 12 and 11 kept apart (identity conflict 1)")
    ]


def test_two_are_merged_into_the_one_who_is_named(workspace: Workspace) -> None:
    assert workspace.run("resolve", "1", "--merge", "--into", "ada").stdout == "1: they are person 11\n"
    assert workspace.rows("select absorbed, survivor from alias") == [(12, 11)]
    assert workspace.rows("select distinct profile_id from identifier") == [(11,)]
    told = "select profile_id, kind, payload ->> 'survivor', payload ->> 'absorbed' from log order by kind"
    assert workspace.rows(told) == [(11, "merge_await", None, "12"), (12, "merge_out", "11", None)]
    assert len(workspace.rows("select distinct at from log")) == 1
    assert workspace.rows("select status from identity_conflict") == [("merged",), ("merged",)]


def test_the_one_known_for_longer_stays_when_nobody_is_named(workspace: Workspace) -> None:
    assert workspace.run("resolve", "2", "--merge").stdout == "2: they are person 12\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resolve", "1"), "error: resolve: say how; give either --keep-apart or --merge"),
        (("resolve", "1", "--keep-apart", "--merge"), "error: resolve: say how"),
        (("resolve", "1", "--keep-apart", "--into", "ada"), "error: --into: only makes sense with --merge"),
        (("resolve", "9", "--merge"), "error: 9: there is no identity conflict 9"),
        (("resolve", "1", "--merge", "--into", "eve"), "error: eve: nobody is known by this"),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(
    workspace: Workspace, words: tuple[str, ...], said: str
) -> None:
    refused = workspace.run(*words)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert workspace.rows("select distinct status from identity_conflict") == [("open",)]
