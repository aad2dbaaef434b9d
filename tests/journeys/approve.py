"""`python -m tests.journeys.approve FILE…`: fill in what cases without `expect` come to, for a person to read and approve.

It writes down what the simulation did; whether that is right is for the reader to decide, line by line, before it is committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.journeys.cases import cases
from tests.journeys.test_golden import in_memory

from wend.content.documents import dump


def approve(path: Path) -> None:
    """Append `expect` (and `waiting`) to every case of the file that has none."""
    head, *stories = path.read_text(encoding="utf-8").rstrip("\n").split("\n---\n")
    found = {case.name: case for case in cases() if case.name.startswith(f"{path.stem}: ")}
    for at, story in enumerate(stories):
        if "\nexpect:" in story:
            continue
        name = story.split("case: ", 1)[1].split("\n", 1)[0]
        lines, places, _, _ = in_memory(found[f"{path.stem}: {name}"])
        stories[at] += "\n" + dump({"expect": lines, **({"waiting": places} if places else {})}).rstrip("\n")
    path.write_text("\n---\n".join([head, *stories]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        approve(Path(name))
