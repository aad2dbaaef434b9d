"""A workspace as a folder: pulled, changed, checked, pushed."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Up, wend

FILES = {
    "templates/hello-mail.yaml": "id: hello-mail\nchannel: email\nsubject: Hello\ntext: Good to have you here.\n",
    "segments/buyers.yaml": "id: buyers\nname: Buyers\ncondition: {orders: {gte: 1}}\n",
    "segments/friends.yaml": "id: friends\nname: Friends\nlist: true\n",
    "journeys/hello.yaml": """
# a comment of the file's own
id: hello
name: Hello
entry: {on: {segment_entered: buyers}}
nodes:
  mail: {send: {channel: email, template: hello-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: mail
""",
}


def folder(root: Path) -> Path:
    for name, text in FILES.items():
        path = root / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "repo"


def test_a_folder_is_pushed_whole_checked_changed_and_pulled(up: Up) -> None:
    repo = folder(up.data)
    early = wend("journey", "push", repo, "--check", data=up.data)
    assert early.returncode == 1
    assert [line for line in early.stderr.splitlines() if line.startswith("error: ")] == [
        f"error: {name}: differs" for name in sorted(FILES, key=lambda name: "tsj".index(name[0]))
    ]
    assert "+id: hello-mail" in early.stdout

    pushed = wend("journey", "push", repo, "--yes", data=up.data)
    assert pushed.returncode == 0, pushed.stderr
    assert "journeys/hello.yaml: published" in pushed.stdout
    assert [one["id"] for one in up.get("/api/journeys")["items"] if one["status"] == "live"] == ["hello"]
    assert wend("journey", "push", repo, "--check", data=up.data).stdout == "nothing differs\n"
    assert wend("journey", "push", repo, "--yes", data=up.data).stdout == "nothing to do\n"

    elsewhere = up.data / "elsewhere"
    pulled = wend("journey", "pull", elsewhere, data=up.data)
    assert pulled.returncode == 0, pulled.stderr
    assert sorted(str(path.relative_to(elsewhere)) for path in elsewhere.rglob("*.yaml")) == sorted(FILES)
    assert wend("journey", "push", elsewhere, "--check", data=up.data).returncode == 0

    mail = repo / "templates/hello-mail.yaml"
    mail.write_text(mail.read_text().replace("subject: Hello", "subject: Hi"))
    assert "+subject: Hi" in wend("journey", "push", repo, "--check", data=up.data).stdout
    assert wend("journey", "push", repo, "--yes", data=up.data).returncode == 0
    unasked = wend("journey", "pull", elsewhere, data=up.data)
    assert unasked.returncode == 1 and "there is nobody to ask; add --yes" in unasked.stderr
    assert wend("journey", "pull", elsewhere, "--yes", data=up.data).returncode == 0
    assert "subject: Hi" in (elsewhere / "templates/hello-mail.yaml").read_text()


def test_one_fault_and_nothing_is_published(up: Up) -> None:
    repo = folder(up.data)
    journey = repo / "journeys/hello.yaml"
    journey.write_text(journey.read_text().replace("hello-mail", "hello-mial"))
    (repo / "segments/buyers.yaml").write_text("id: buyers\ncondition: {ordres: {gte: 1}}\n")
    before = up.get("/api/journeys")["items"], up.get("/api/segments")["items"]
    failed = wend("journey", "push", repo, "--yes", data=up.data)
    assert failed.returncode == 1
    assert (
        f"{repo}/journeys/hello.yaml: nodes.mail.send.template: there is no template 'hello-mial'; did you mean"
        in failed.stderr
    )
    assert (
        f"{repo}/segments/buyers.yaml: condition: 'ordres' is no form of condition; did you mean 'orders'?"
        in failed.stderr
    )
    assert (up.get("/api/journeys")["items"], up.get("/api/segments")["items"]) == before

    (repo / "segments/other.yaml").write_text("id: another\nlist: true\n")
    (repo / "journeys/broken.yaml").write_text("id: [")
    unread = wend("journey", "push", repo, "--check", data=up.data)
    assert "segments/other.yaml: its id is 'another'; a file is named by the id of its document" in unread.stderr
    assert "journeys/broken.yaml:1:6" in unread.stderr
    assert "is no folder" in wend("journey", "push", repo / "nowhere", data=up.data).stderr
