"""`parallel`: go several ways at once; they meet at a `join`. `{parallel: [mail, sms], mail: …, sms: …}`: names of the branches.

All branches must come to the same join, or end. Exit rule and goal hold for the run as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.journey.contract import Answer, Fork, Node, Turn
from wend.core.journey.fields import BRANCH, Field, list_of

MOST = 8


class Parallel(Node):
    KIND = "parallel"
    GROUP = "flow"
    SHORT = "branches"
    FIELDS = {"branches": Field(list_of(BRANCH), "Names of the branches, 2 to 8", required=True)}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        names = self.settings["branches"]
        if len(set(names)) != len(names):
            yield "branches", "two branches of one name"
        if not 2 <= len(names) <= MOST:
            yield "branches", f"expected 2 to {MOST} branches, found {len(names)}"

    def branches(self) -> tuple[str, ...]:
        return self.settings["branches"]

    def enter(self, turn: Turn) -> Answer:
        return Fork(self.branches())

    def summary(self) -> str:
        return "At once: " + ", ".join(self.settings["branches"])
