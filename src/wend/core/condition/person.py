"""`{known: true}` · `{tag: vip}` · `{sample: 10%, salt: x}`: simple facts of the person."""

from __future__ import annotations

from dataclasses import dataclass

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.problems import shown
from wend.core.sample import bucket, parse_share


@dataclass(frozen=True, slots=True, eq=False)
class Known(Form):
    """Whether the person has a user id."""

    wanted: bool

    def check(self, view: View) -> Verdict:
        return TRUE if view.profile.known is self.wanted else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"known"}))


@dataclass(frozen=True, slots=True, eq=False)
class Tag(Form):
    """Whether the person has the tag."""

    tag: str

    def check(self, view: View) -> Verdict:
        return TRUE if self.tag in view.profile.tags else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"tags"}))


@dataclass(frozen=True, slots=True, eq=False)
class Sample(Form):
    """A part of all people that stays the same: another salt draws another part."""

    salt: str
    below: int

    def check(self, view: View) -> Verdict:
        return TRUE if bucket(self.salt, view.profile.id) < self.below else FALSE


def parse_known(reader: Reader) -> Condition | None:
    """`{known: true}`."""
    reader.only("known")
    faults = len(reader.errors)
    wanted = reader.flag("known")
    return Known(reader.raw, wanted) if len(reader.errors) == faults else None


def parse_tag(reader: Reader) -> Condition | None:
    """`{tag: vip}`."""
    reader.only("tag")
    tag = reader.text("tag", "a tag", limit=100)
    return Tag(reader.raw, tag) if tag else None


def parse_sample(reader: Reader) -> Condition | None:
    """`{sample: 10%, salt: x}`; without a salt all samples are of the same people."""
    reader.only("sample", "salt")
    faults = len(reader.errors)
    salt = reader.optional("salt", "a text")
    raw = reader.raw["sample"]
    below = parse_share(raw)
    if below is None:
        reader.fault("sample", f"expected a part such as 10% (from 0% to 100%), found {shown(raw)}")
        return None
    return Sample(reader.raw, salt, below) if len(reader.errors) == faults else None
