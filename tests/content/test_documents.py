"""Documents as files: what a person wrote is what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.content.documents import DocumentError, dump, load, load_all, read

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_dates_and_yes_and_no_stay_what_they_are() -> None:
    text = "when: 2026-12-24\nat: 09:00\nbranch: {yes: a, no: b}\nnumber: 007\nflag: true\nprice: 1.5\nnothing:\n"
    assert load(text) == {
        "when": "2026-12-24",
        "at": "09:00",
        "branch": {"yes": "a", "no": "b"},
        "number": "007",
        "flag": True,
        "price": 1.5,
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "file:2:1: 'a' is given twice"),
        ("a: &x 1\nb: *x", "file:2:4: anchors and aliases are not allowed"),
        ("a: [", "file:1:5: "),
        ("a: 1\n---\nb: 2", "file: expected one document, found 2"),
        ("a: !!python/object:os.system x", "file:1:4: "),
        ("a: \x00", "file: "),
        ("x" * 1_000_001, "file: larger than"),
        ("[" * 5000, "file: "),
    ],
)
def test_a_broken_document_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(text, "file")
    assert str(caught.value).startswith(message)


def test_a_stream_of_documents() -> None:
    assert load_all("a: 1\n---\nb: 2") == [{"a": 1}, {"b": 2}]


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(DocumentError, match="not UTF-8 at byte 3"):
        read(path)
    with pytest.raises(DocumentError, match="No such file"):
        read(tmp_path / "none.yaml")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), JSON, max_size=5))
def test_what_is_dumped_is_read_back_the_same(document: dict[str, object]) -> None:
    assert load(dump(document)) == document
