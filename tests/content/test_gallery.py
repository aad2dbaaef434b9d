"""The gallery is whole: every journey can be published, with messages and segments of its own, and has its golden cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from wend.content import gallery
from wend.content.documents import read
from wend.content.gallery import Entry, entries
from wend.content.templates import parse_template
from wend.core.journey.check import Known, check
from wend.core.segment import parse_document

ROOT = Path(gallery.__file__).parents[1] / "templates"
GOLDEN = Path(__file__).parents[1] / "journeys"


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.id)
def test_the_journey_is_faultless_and_golden(entry: Entry) -> None:
    templates = {name: str(gallery.message(name)["channel"]) for name in entry.templates}
    segments = dict.fromkeys(entry.segments, "live")
    assert check(entry.raw, Known(templates=templates, segments=segments))[1] == []
    assert all(gallery.segment(name)["id"] == name for name in entry.segments)
    assert entry.description.endswith("."), "people choose by it"
    assert (GOLDEN / f"{entry.id}.journey").exists()


def test_messages_and_segments_are_faultless_named_by_their_ids_and_used() -> None:
    for path in (ROOT / "messages").glob("*.yaml"):
        document = read(path)
        assert parse_template(document)[1] == [] and document["id"] == path.stem
    for path in (ROOT / "segments").glob("*.yaml"):
        problems: list[object] = []
        assert parse_document(read(path), problems)[0] == path.stem and problems == []  # type: ignore[arg-type]
    used = {name for one in entries().values() for name in (*one.templates, *one.segments)}
    kept = {path.stem for folder in ("messages", "segments") for path in (ROOT / folder).glob("*.yaml")}
    assert kept == used


def test_what_is_not_there_is_no_entry() -> None:
    with pytest.raises(KeyError):
        gallery.message("nothing")
