"""`wend segment`, against a running Wend."""

from __future__ import annotations

from tests.cli.conftest import Up, await_that, wend

BUYERS = "id: buyers\nname: Buyers\ncondition: {event: Bought, count: {gte: 1}}\n"
FRIENDS = "id: friends\nname: Friends\nlist: true\n"


def test_a_segment_from_the_file_to_its_members(up: Up) -> None:
    buyers, friends = up.data / "buyers.yaml", up.data / "friends.yaml"
    buyers.write_text(BUYERS)
    friends.write_text(FRIENDS)
    up.send(
        {"type": "track", "userId": "ada", "event": "Bought"}, {"type": "track", "userId": "bob", "event": "Looked"}
    )
    await_that(lambda: wend("segment", "list", data=up.data).returncode == 0)

    broken = up.data / "broken.yaml"
    broken.write_text("id: x\nconditon: {}\n")
    refused = wend("segment", "publish", friends, broken, data=up.data)
    assert refused.returncode == 1
    assert (
        f"error: {broken}: conditon: 'conditon' is not part of a segment; did you mean 'condition'?" in refused.stderr
    )
    assert wend("segment", "list", data=up.data).stderr.startswith("There is no segment"), "all files or none"

    done = wend("segment", "publish", buyers, friends, "--wait", data=up.data)
    assert done.stdout.splitlines()[:2] == ["buyers: version 1", "friends: version 1"]
    assert "buyers: in force, 1 people" in done.stdout
    assert wend("segment", "publish", buyers, data=up.data).stdout == "buyers: version 1 (unchanged)\n"
    assert wend("segment", "members", "buyers", data=up.data).stdout.split("\t")[1] == "ada"
    assert (
        wend("segment", "show", "buyers", data=up.data).stdout
        == "id: buyers\nname: Buyers\ncondition:\n  event: Bought\n  count:\n    gte: 1\n"
    )

    csv = up.data / "friends.csv"
    csv.write_text("user_id\nada\neve\n\xff\n", encoding="latin-1")
    loaded = wend("segment", "upload", "friends", csv, "--column", "user_id", data=up.data)
    assert loaded.stdout.startswith("friends.csv: 2 rows taken, 1 refused\n")
    again = wend("segment", "upload", "friends", csv, "--column", "user_id", data=up.data)
    assert "it was imported before" in again.stdout
    await_that(lambda: wend("segment", "status", "friends", data=up.data).stdout == "friends\t2\t1\tin force\n")

    wrong = wend("segment", "upload", "buyers", csv, data=up.data)
    assert wrong.stderr == "error: buyers: is no list; who is in it is decided by its condition\n"
    missing = wend("segment", "show", "bayers", data=up.data)
    assert "there is no such segment; did you mean 'buyers'?" in missing.stderr
    assert wend("segment", "delete", "friends", data=up.data).stdout == "friends: deleted\n"
    assert wend("segment", "status", "--wait", data=up.data).stdout == "buyers: in force, 1 people\n"
