"""`{group: {attribute: plan, is: enterprise}}`: what is known about the companies that the person belongs to.

Companies are what `group` calls told: attribute `groups.<id>` holds the traits of each. Any one company that fulfils the whole
condition is enough; with `id: acme` only that one is asked. Inside stand `attribute` (of the company; all operators, dates in
the person's zone), `all`, `any` and `not`. Whether there is such a company at all: `{attribute: groups.acme, exists: true}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import COMPANY, Form, Reader
from wend.core.condition.groups import settle


@dataclass(frozen=True, slots=True, eq=False)
class Company(Form):
    """Some company of the person (or the one named) fulfils the condition."""

    id: str
    condition: Condition

    def check(self, view: View) -> Verdict:
        return settle((self.condition.check(view.seeing(traits)) for traits in self._found(view)), True)

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({"groups"})) | self.condition.listens()

    def _found(self, view: View) -> Iterator[dict[str, Any]]:
        groups: Any = view.profile.attributes.get("groups")
        if not isinstance(groups, dict):
            return
        for id, traits in cast("dict[str, Any]", groups).items():
            if self.id in ("", id) and isinstance(traits, dict):
                yield traits


def parse_group(reader: Reader) -> Condition | None:
    """`{group: condition on one company, id: acme}`."""
    reader.only("group", "id")
    faults = len(reader.errors)
    id = reader.optional("id", "the id of a company")
    condition = reader.condition("group", frozenset({COMPANY}))
    return Company(reader.raw, id, condition) if condition is not None and len(reader.errors) == faults else None
