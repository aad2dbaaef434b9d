"""Golden journeys: `*.journey` files are drawings with cases as data, also the form in which to report a bug.

A file is a YAML stream. The first document names the journey (of the gallery, or `document:` inline), the people and common settings. Every
further one is a case: a timeline of what happens to one person, and what is expected, line by line:

    2026-03-03 10:00 sms app-sms                 a message was handed over
    2026-03-03 10:00 asked api at NODE           something was asked of the outside
    2026-03-03 10:00 dropped NODE no consent …   a message was not sent, and why
    2026-03-03 10:00 held NODE until …           it waits for permission
    2026-03-03 10:00 refused …                   a matched trigger started nothing, and why
    2026-03-03 10:00 goal 6.5                    the goal was reached
    2026-03-03 10:00 ended …                     the run is over, and why

The head may also name `segments:` (ids of gallery segments, or documents), `settings:` common to all cases, and `also:` (journeys of the
gallery that are live beside it). A line of a timeline is an act on the journey (`pause:`, `publish: {change, policy, mapping}` …), or something
that becomes known: `track`, `identify`, `consent`, `feedback`, `business: {name, about, properties}`, `list: {segment, add}`,
`start: {trigger, data}`, `hand: {action, node}`, `place: {lat, lon, inside, near}`.

Times are UTC. `happened:` is the event's own time when it differs from when it arrived, `outcomes:` says what becomes of the sends of a node
(default: accepted at once), `answers:` what a node is answered that asks outside ({node: {state, value}}; default ok and empty), `until:`
ends the story (default: when nothing more can happen),
`waiting:` says where runs rest then, `score:` what the person's score is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wend.content.documents import load_all, read
from wend.core.effects import Step
from wend.core.inputs import Consent, Event, Feedback, Handle, Identify, Input, ListChange, Start

HERE = Path(__file__).parent
GALLERY = Path(__file__).parents[2] / "src/wend/templates/journeys"
SEGMENTS = GALLERY.parent / "segments"
PERSON = 7
FOREVER = 4_102_444_800_000
"""2100: nothing in a golden journey waits so long."""


@dataclass
class Case:
    """One case of a golden journey, ready to run."""

    name: str
    journey: str
    document: dict[str, Any]
    settings: dict[str, Any]
    begin: int
    person: dict[str, Any]
    timeline: list[dict[str, Any]]
    expect: list[str]
    outcomes: dict[str, str] = field(default_factory=dict[str, str])
    answers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    until: int = FOREVER
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    score: float | None = None
    segments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    also: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def introduction(self) -> list[Input]:
        """What is known of the person before the story begins."""
        traits = {name: value for name, value in self.person.items() if name != "consent"}
        consents = [
            Consent("subscribed", self.begin, channel, source="test") for channel in self.person.get("consent", ())
        ]
        return [Identify(traits, self.begin, user_id="person"), *consents]


def cases() -> list[Case]:
    """All cases of all files."""
    return [case for path in sorted(HERE.glob("*.journey")) for case in _cases(path)]


def _cases(path: Path) -> list[Case]:
    head, *stories = load_all(path.read_text(encoding="utf-8"), path.name)
    document = head.get("document") or read(GALLERY / f"{head['journey']}.yaml")
    people = head["people"]
    segments = [one if isinstance(one, dict) else read(SEGMENTS / f"{one}.yaml") for one in head.get("segments", ())]
    also = [read(GALLERY / f"{one}.yaml") for one in head.get("also", ())]
    found: list[Case] = []
    for story in stories:
        timeline: list[dict[str, Any]] = story["timeline"]
        found.append(
            Case(
                name=f"{path.stem}: {story['case']}",
                journey=document["id"],
                document=document,
                settings={**head.get("settings", {}), **story.get("settings", {})},
                begin=instant(timeline[0]["at"]) - 86_400_000,
                person=people[story.get("person", next(iter(people)))],
                timeline=timeline,
                expect=list(story.get("expect", [])),
                outcomes=story.get("outcomes", {}),
                answers=story.get("answers", {}),
                until=instant(story["until"]) if "until" in story else FOREVER,
                waiting=story.get("waiting", {}),
                score=story.get("score"),
                segments=segments,
                also=also,
            )
        )
    return found


def instant(text: str) -> int:
    """'2026-03-02 10:00' UTC → ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(at: int) -> str:
    """ms → '2026-03-02 10:00' UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def input_of(entry: dict[str, Any], number: int, sent: dict[str, tuple[str, str, int]], journey: str) -> Input | None:
    """The input that a line of the timeline means; None when it is an act on the journey (publish, pause …).

    `sent`: node → (effect id, run, move) of the latest send there, for feedback.
    """
    at = instant(entry.get("happened", entry["at"]))
    id_ = str(entry.get("id", f"line-{number}"))
    what: dict[str, Any]
    if "track" in entry:
        return Event(entry["track"], at, entry.get("properties", {}), entry.get("context", {}), id_)
    if "identify" in entry:
        return Identify(entry["identify"], at, message_id=id_)
    if "business" in entry:
        what = entry["business"]
        return Event(what["name"], at, what.get("properties", {}), message_id=id_, about=str(what["about"]))
    if "list" in entry:
        return ListChange(entry["list"]["segment"], at, entry["list"].get("add", True), id_)
    if "start" in entry:
        what = entry["start"] or {}
        return Start(journey, at, what.get("data", {}), what.get("trigger", "api"), id_)
    if "hand" in entry:
        return Handle(entry["hand"]["action"], journey, at, entry["hand"].get("node", ""), who="test", message_id=id_)
    if "place" in entry:
        what = entry["place"]
        fences = {"at": [what["lat"], what["lon"]], "inside": what.get("inside", []), "near": what.get("near", [])}
        return Event("Location Updated", at, {}, {"fences": fences}, id_)
    if "consent" in entry:
        channel, state = next(iter(entry["consent"].items()))
        return Consent(state, at, channel, source="test", message_id=id_)
    if "feedback" in entry:
        what = dict(entry["feedback"])
        effect, run, move = sent.get(what.get("node", ""), ("elsewhere", "", 0))
        return Feedback(effect, what.pop("state"), at, run, move, message_id=id_, **what)
    return None


def changed(document: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of the document with the values at dotted paths replaced."""
    import copy

    new = copy.deepcopy(document)
    for path, value in change.items():
        *parents, last = path.split(".")
        place = new
        for name in parents:
            place = place[name]
        place[last] = value
    return new


def lines_of(steps: list[Step]) -> list[str]:
    """The steps that a case may expect, as lines."""
    lines: list[str] = []
    for step in steps:
        text = {
            "sent": f"{step.branch} {step.why}",
            "asked": f"asked {step.branch} at {step.node}",
            "dropped": f"dropped {step.node} {step.why}",
            "held": f"held {step.node} until {shown(step.until or 0)}",
            "refused": f"refused {step.why}",
            "goal": f"goal {(step.detail or {}).get('value')}",
            "ended": f"ended {step.why}",
            "failed": f"failed {step.why}",
        }.get(step.kind)
        if text is not None:
            lines.append(f"{shown(step.at)} {text}")
    return lines
