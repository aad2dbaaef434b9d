"""`call_api`: ask a service of the workspace over HTTP and wait for what it says.

The service (its address, its secret headers, its pace) is set up by an operator; the journey names it. Path, headers and the
texts of the body are Liquid, values of the body may be expressions. The run rests here until the executor, which alone times the
call out and repeats it, gives its one answer (engine.md 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from wend.core.condition.base import Listens
from wend.core.duration import DAY, HOUR, MINUTE, SECOND, format_duration
from wend.core.journey.asked import NAME, answer_to, bounded, keep
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import DURATION, NUMBER, TEXT, Field, Type, choice, list_of, mapping_of
from wend.core.journey.happened import Happened
from wend.core.journey.picking import parse_path
from wend.core.journey.values import SOURCES, Literal, Reference, parse_value
from wend.core.problems import Problem


def _parse_body(raw: Any, where: str, problems: list[Problem]) -> Any:
    """Lists and mappings stay what they are; what can be computed becomes a value."""
    if isinstance(raw, list):
        raw_list = cast("list[Any]", raw)
        return [_parse_body(one, f"{where}[{at}]", problems) for at, one in enumerate(raw_list)]
    if isinstance(raw, dict):
        raw_map = cast("dict[str, Any]", raw)
        if any(source in raw_map for source in SOURCES):
            return parse_value(raw_map, where, problems)
        return {str(name): _parse_body(one, f"{where}.{name}", problems) for name, one in raw_map.items()}
    return Literal(raw)


def _leaves(body: Any) -> Iterator[Literal | Reference]:
    if isinstance(body, dict):
        for one in cast("dict[str, Any]", body).values():
            yield from _leaves(one)
    elif isinstance(body, list):
        for one in cast("list[Any]", body):
            yield from _leaves(one)
    elif body is not None:
        yield body


def _computed(body: Any, turn: Turn) -> Any:
    if isinstance(body, dict):
        return {name: _computed(one, turn) for name, one in cast("dict[str, Any]", body).items()}
    if isinstance(body, list):
        return [_computed(one, turn) for one in cast("list[Any]", body)]
    return None if body is None else turn.value(body)


class CallApi(Node):
    KIND = "call_api"
    GROUP = "action"
    REACHES_OUT = True
    FIELDS = {
        "service": Field(TEXT, "Service that an operator has set up (`wend service set`)", required=True),
        "method": Field(choice("GET", "POST", "PUT", "PATCH", "DELETE"), "HTTP method", default="GET"),
        "path": Field(TEXT, "Path below the service's address, with query (Liquid; values are escaped)", default=""),
        "headers": Field(mapping_of(TEXT, "headers"), "More headers (Liquid)", default={}),
        "body": Field(Type(_parse_body), "JSON: its texts are Liquid, its values may be expressions"),
        "save_as": Field(NAME, "Texts read the answer as saved.<name>; nothing is kept when left out"),
        "save": Field(
            list_of(Type(parse_path, {"type": "string"})),
            "Parts of the answer that are kept, for example title or items[:3].name; all of it (at most 1 KB) when left out",
        ),
        "timeout": Field(
            bounded(DURATION, SECOND, 2 * MINUTE, "1s to 2min"), "How long one attempt may take", default=10 * SECOND
        ),
        "retries": Field(
            bounded(NUMBER, 0, 10, "0 to 10"), "Attempts after the first, when the service is busy or away", default=3
        ),
        "ttl": Field(
            bounded(DURATION, SECOND, 3 * DAY, "1s to 3d"),
            "Failed when it could not be done within this time",
            default=HOUR,
        ),
    }
    BRANCHES = ("ok", "failed")
    FALLBACK = {"failed": "ok"}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if self.settings["save"] and not self.settings["save_as"]:
            yield "save", "give save_as too: the name under which the parts are kept"
        if self.settings["body"] is not None and self.settings["method"] == "GET":
            yield "body", "a GET has no body; use POST, or put it into the path"

    def enter(self, turn: Turn) -> Answer:
        settings = self.settings
        request = {name: settings[name] for name in ("service", "method", "path", "headers", "timeout", "retries")}
        request["body"] = _computed(settings["body"], turn)
        if settings["save_as"]:
            request["save"] = list(settings["save"] or ())
        turn.run.phase = "asked"
        turn.ask("api", request, turn.run.since + settings["ttl"])
        return Park(None, f"asked {settings['service']}")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        answer = answer_to(turn, happened)
        if answer is None:
            return None
        if answer.state != "ok":
            return Go("failed", answer.why or answer.state)
        name = self.settings["save_as"]
        wrong = keep(turn, name, answer.value) if name else ""
        return Go("failed", wrong) if wrong else Go("ok", answer.why)

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"answers"}))

    def values(self) -> Iterator[Reference]:
        yield from (one for one in _leaves(self.settings["body"]) if isinstance(one, Reference))

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "path", self.settings["path"]
        yield from ((f"headers.{name}", text) for name, text in self.settings["headers"].items())
        for leaf in _leaves(self.settings["body"]):
            if isinstance(leaf, Literal) and isinstance(leaf.value, str):
                yield "body", leaf.value

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "service", "service", self.settings["service"]

    def summary(self) -> str:
        settings = self.settings
        kept = f", keeps saved.{settings['save_as']}" if settings["save_as"] else ""
        limit = format_duration(settings["timeout"])
        return f"{settings['method']} {settings['service']}{settings['path']}, up to {limit}{kept}"
