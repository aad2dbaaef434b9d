"""Message templates: checked with all problems at once, compiled once per version, rendered per person.

A document is plain data:

    id: cart-mail
    channel: email
    topic: offers                    # optional
    from: Shop <shop@example.com>    # optional, e-mail only
    subject: "{{ profile.first_name | default: 'Hello' }}, your cart is waiting"
    preheader: Still there            # the grey line beside the subject
    mjml: …                           # or html:, or only text:
    text: …                           # optional: made from the HTML otherwise
    translations: {de: {subject: …, mjml: …}, de-AT: {…}}

A translation replaces the fields it names; a person's locale falls back from `de-AT` to `de` to the document itself. A
translation that brings a body (mjml, html or text) replaces all three, so that languages never mix in one mail.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from wend.content.liquid import LiquidProblem, Text
from wend.content.mjml import MarkupProblem, compile_html, compile_mjml, text_of, text_source, tidy
from wend.core.problems import Problem, join, nearest, shown

_PUSH = ("title", "body", "url", "image")
FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("subject", "preheader", "mjml", "html", "text", "from", "reply_to"),
    "sms": ("text",),
    "whatsapp": ("text", "url", "image"),
    "mobile_push": _PUSH,
    "web_push": _PUSH,
    "in_app": (*_PUSH, "button"),
    "overlay": (*_PUSH, "button"),
    "survey": (*_PUSH, "button"),
    "webhook": ("title", "text", "url"),
    "alert": ("title", "text", "url"),
}
"""Channel → the texts a template of it may have."""

_REQUIRED: dict[str, tuple[str, ...]] = {
    "email": ("subject",),
    "sms": ("text",),
    "whatsapp": ("text",),
    "webhook": ("text",),
    "alert": ("text",),
}
_COMMON = ("id", "channel", "name", "topic", "translations")
_BODIES = ("mjml", "html", "text")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_MAX_SOURCE = 400_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template filled in for one person. `content` holds what only other channels than e-mail have (title, url …)."""

    subject: str
    preheader: str
    html: str
    text: str
    sender: str
    reply_to: str
    content: dict[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """A checked and compiled template. `texts` is locale ('' = the document itself) → field → compiled text."""

    id: str
    channel: str
    topic: str
    document: Mapping[str, Any]
    texts: Mapping[str, Mapping[str, Text]]

    def render(self, values: Mapping[str, Any], locale: str = "") -> Rendered:
        """Fill in for one person. Raises LiquidProblem, whose message begins with the field."""
        texts = self.texts[self.locale(locale)]
        filled: dict[str, str] = {}
        for name, text in texts.items():
            try:
                filled[name] = text.render(values)
            except LiquidProblem as problem:
                raise LiquidProblem(f"{self.id}.{name}: {problem}") from None
        one_line = {
            name: " ".join(filled.pop(name, "").split()) for name in ("subject", "preheader", "from", "reply_to")
        }
        html, text = filled.pop("html", ""), filled.pop("text", "")
        if html and "text" not in texts:
            # Made from the template once; from each filled-in mail only where the template's text cannot stand alone.
            text = tidy(filled.pop("made_text")) if "made_text" in filled else text_of(html)
        if self.channel != "email":
            text = text or filled.get("body", "")
            one_line["subject"] = " ".join(filled.get("title", "").split())
        return Rendered(
            one_line["subject"], one_line["preheader"], html, text, one_line["from"], one_line["reply_to"], filled
        )

    def locale(self, wanted: str) -> str:
        """The locale of the document that a person with the locale `wanted` gets; '' is the document itself."""
        name = wanted.replace("_", "-").lower()
        while name:
            if name in self.texts:
                return name
            name = name.rpartition("-")[0]
        return ""


def parse_template(raw: Any, where: str = "") -> tuple[Template | None, list[Problem]]:
    """A document as a template, or None, and all that is wrong with it. `where` (a file name) leads every problem."""
    problems: list[Problem] = []
    if not isinstance(raw, Mapping):
        return None, [Problem(where, f"a template is a mapping of fields, not {shown(raw)}")]
    document = cast("Mapping[str, Any]", raw)
    channel = document.get("channel")
    id = document.get("id")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        said = (
            "is missing" if id is None else f"{shown(id)} is not an id: letters, digits, '.', '_' and '-', at most 100"
        )
        problems.append(Problem(join(where, "id"), said))
    if channel not in FIELDS:
        said = "is missing" if channel is None else f"{shown(channel)} is not a channel{nearest(channel, FIELDS)}"
        problems.append(Problem(join(where, "channel"), f"{said} (there are {', '.join(FIELDS)})"))
        return None, problems
    topic = document.get("topic", "")
    if not isinstance(topic, str):
        problems.append(Problem(join(where, "topic"), f"must be a text, not {shown(topic)}"))
    fields = _fields(document, str(channel), where, problems, common=_COMMON)
    texts: dict[str, Mapping[str, Text]] = {"": _compile(fields, where, problems)}
    _check_required(fields, str(channel), where, problems)
    for locale, part in _translations(document, where, problems):
        place = join(join(where, "translations"), locale)
        own = _fields(part, str(channel), place, problems, common=())
        base = {k: v for k, v in fields.items() if k not in _BODIES} if any(b in own for b in _BODIES) else fields
        compiled = _compile(own, place, problems)
        inherited = texts[""]
        texts[locale.replace("_", "-").lower()] = {
            **{
                name: inherited[name]
                for name in inherited
                if name in base or (name in ("html", "made_text") and ("mjml" in base or "html" in base))
            },
            **compiled,
        }
    if any(problem.level == "error" for problem in problems):
        return None, problems
    return Template(str(id), str(channel), str(topic), dict(document), texts), problems


def _fields(
    part: Mapping[str, Any], channel: str, where: str, problems: list[Problem], common: Iterable[str]
) -> dict[str, str]:
    allowed = FIELDS[channel]
    found: dict[str, str] = {}
    for name, value in part.items():
        if name in common:
            continue
        if name not in allowed:
            hint = nearest(name, (*allowed, *common))
            problems.append(Problem(join(where, name), f"is not a field of a template for {channel}{hint}"))
        elif not isinstance(value, str):
            problems.append(Problem(join(where, name), f"must be a text, not {shown(value)}"))
        elif len(value) > _MAX_SOURCE:
            problems.append(Problem(join(where, name), f"is longer than {_MAX_SOURCE:,} characters"))
        else:
            found[name] = value
    if "mjml" in found and "html" in found:
        problems.append(Problem(join(where, "html"), "stands beside mjml: only one of them can be the body"))
    return found


def _check_required(fields: Mapping[str, str], channel: str, where: str, problems: list[Problem]) -> None:
    def blank(name: str) -> bool:
        return not fields.get(name, "").strip()

    for name in _REQUIRED.get(channel, ()):
        if blank(name):
            problems.append(Problem(join(where, name), f"is missing: a template for {channel} needs it"))
    bodies = _BODIES if channel == "email" else ("title", "body")
    if channel not in ("sms", "whatsapp", "webhook", "alert") and all(blank(name) for name in bodies):
        problems.append(Problem(where, f"has no body: give one of {', '.join(bodies)}"))


def _translations(
    document: Mapping[str, Any], where: str, problems: list[Problem]
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    raw = document.get("translations", {})
    place = join(where, "translations")
    if not isinstance(raw, Mapping):
        problems.append(Problem(place, f"must be a mapping of locales, not {shown(raw)}"))
        return
    for locale, part in cast("Mapping[Any, Any]", raw).items():
        if not isinstance(locale, str) or not _LOCALE.fullmatch(locale):
            problems.append(Problem(join(place, locale), "is not a locale (de, pt-BR, zh-Hant …)"))
        elif not isinstance(part, Mapping):
            problems.append(Problem(join(place, locale), f"must be a mapping of fields, not {shown(part)}"))
        else:
            yield locale, cast("Mapping[str, Any]", part)


def _compile(fields: Mapping[str, str], where: str, problems: list[Problem]) -> dict[str, Text]:
    compiled: dict[str, Text] = {}
    for name, source in fields.items():
        try:
            # Liquid first, on what the author wrote: only there do its line numbers mean something.
            text = Text(source, html=name in ("mjml", "html"))
            if name == "mjml":
                compiled |= _compiled_body(compile_mjml(source))
            elif name == "html":
                compiled |= _compiled_body(compile_html(source))
            else:
                compiled[name] = text
        except (LiquidProblem, MarkupProblem) as problem:
            problems.append(Problem(join(where, name), str(problem)))
    return compiled


def _compiled_body(html: str) -> dict[str, Text]:
    body = {"html": Text(html, html=True)}
    text = text_source(html)
    if text is not None:
        with contextlib.suppress(LiquidProblem):
            body["made_text"] = Text(text)
    return body
