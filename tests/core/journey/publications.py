"""Journeys that are published over people in flight, and what to do with them in a story."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import Story, journey

from wend.core.journey.document import Document, parse


def waits(length: Any, tag: str = "new", **more: Any) -> dict[str, Any]:
    return journey({"w": {"wait": length, "next": "t"}, "t": {"add_tag": tag, "next": "over"}}, **more)


def awaits(timeout: str, tag: str = "new", event: str = "E", **more: Any) -> dict[str, Any]:
    nodes = {
        "w": {"wait_for_event": {"event": event, "timeout": timeout}, "happened": "over", "timed_out": "t"},
        "t": {"add_tag": tag, "next": "over"},
    }
    return journey(nodes, **more)


def mails(template: str = "new", **more: Any) -> dict[str, Any]:
    nodes = {
        "s": {"send": {"channel": "email", "template": template, **more}, "next": "t"},
        "t": {"add_tag": template, "next": "over"},
    }
    return journey(nodes)


def moved(story: Story, document: dict[str, Any], *, lift: bool = True, mapping: dict[str, str] | None = None) -> None:
    story.change("publish", document=document, policy="move", mapping=mapping, lift=lift)


def lifted(story: Story) -> list[tuple[str, dict[str, Any] | None]]:
    return [(step.branch, step.detail) for step in story.steps if step.kind == "lifted"]


def document(raw: dict[str, Any]) -> Document:
    found = parse(raw, [])
    assert found is not None
    return found
