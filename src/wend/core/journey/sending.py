"""What the nodes that send a message have in common: which channel, which template, may it go out, and what became of it.

The run stays at its node until the message has been accepted, refused or dropped, also while it is held (journeys.md rule 5).
Permission is decided here, in the core, at the moment of sending, and afresh when a held message is released.
- channel: one · a list (the first on which the person can be reached) · `best` (of those the one on which they answer best) ·
  `{best: [email, sms]}` (only these, of equals the first) · `{same_as: node}`.
- template: one · `{email: …, sms: …}`, one for each channel · `variants: {a: …, b: …}` of either, drawn by a hash of the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wend.core.consent import CHANNELS, reachable
from wend.core.duration import DAY
from wend.core.effects import Step
from wend.core.habits import best_channel
from wend.core.inputs import OUTCOMES, Feedback
from wend.core.journey.contract import Answer, Go, Park, Turn
from wend.core.journey.fields import BOOLEAN, CHANNEL, DURATION, TEXT, Field, Type, list_of, mapping_of
from wend.core.journey.happened import Happened, MessageChanged
from wend.core.permission import Allow, Hold
from wend.core.problems import Problem, nearest, shown
from wend.core.sample import bucket

BEST, SAME_AS = "best", "same_as"
_LIST = list_of(CHANNEL, or_one=True)


def _channel(raw: Any, where: str, problems: list[Problem]) -> Any:
    if raw == BEST:
        return {BEST: CHANNELS}
    if not isinstance(raw, dict):
        return _LIST.parse(raw, where, problems)
    raw_map = cast("dict[str, Any]", raw)
    for name in raw_map:
        if name not in (SAME_AS, BEST):
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, (SAME_AS, BEST))}"))
    if BEST in raw_map and SAME_AS in raw_map:
        problems.append(Problem(where, f"give either {BEST} or {SAME_AS}"))
    if BEST in raw_map:
        return {BEST: list_of(CHANNEL).parse(raw_map[BEST], f"{where}.{BEST}", problems)}
    node = raw_map.get(SAME_AS)
    if not isinstance(node, str):
        problems.append(Problem(f"{where}.{SAME_AS}", f"expected the id of a send node, found {shown(node)}"))
    return raw_map


def _template(raw: Any, where: str, problems: list[Problem]) -> Any:
    if not isinstance(raw, dict):
        return TEXT.parse(raw, where, problems)
    raw_map = cast("dict[str, Any]", raw)
    for name in raw_map:
        if name not in CHANNELS:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not a channel{nearest(name, CHANNELS)}"))
    return _BY_CHANNEL.parse(raw_map, where, problems)


_BY_CHANNEL = mapping_of(TEXT, "a template for each channel")
TEMPLATE = Type(_template, {"anyOf": [{"type": "string"}, {"type": "object"}]})

FIELDS = {
    "channel": Field(
        Type(_channel, {"anyOf": [{"enum": [*CHANNELS, BEST]}, {"type": "array"}, {"type": "object"}]}),
        "One channel, an ordered list (the first reachable one is used), best, {best: [email, sms]} or {same_as: node}",
        required=True,
    ),
    "template": Field(
        TEMPLATE, "Template id, or one for each channel: {email: …, sms: …}", required=True, unless="variants"
    ),
    "variants": Field(
        mapping_of(TEMPLATE, "a template for each variant"), "Instead: variant → template, shared evenly among people"
    ),
    "topic": Field(TEXT, "Topic the person may have left (newsletter, offers …)", default=""),
    "transactional": Field(BOOLEAN, "Needs no marketing consent (never skips suppression)", default=False),
    "to": Field(TEXT, "Attribute that holds another contact, for example parent_phone"),
    "ttl": Field(DURATION, "Dropped when it could not leave within this time", default=2 * DAY),
}
"""The settings of a node that sends."""


def check_sending(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Faults that only show between the settings: (setting, message)."""
    if settings["template"] is not None and settings["variants"] is not None:
        yield "variants", "give either a template or variants"
    channels = channels_of(settings)
    for setting, template in _templates(settings):
        if template and not isinstance(template, dict) and channels == CHANNELS:
            yield setting, "the best of all channels needs a template for each: {email: …, sms: …}"
        elif isinstance(template, dict) and channels and not set(channels) & set(cast("dict[str, str]", template)):
            yield setting, f"there is no template for {' or '.join(channels)}"


def channels_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The channels on which the message may go out, in order; () when an earlier message says."""
    wanted: Any = settings["channel"]
    return cast("dict[str, Any]", wanted).get(BEST, ()) if isinstance(wanted, dict) else wanted


def same_as(settings: Mapping[str, Any]) -> str | None:
    """The earlier node whose channel is taken again."""
    wanted: Any = settings["channel"]
    return cast("dict[str, str]", wanted).get(SAME_AS) if isinstance(wanted, dict) else None


def templates_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """All templates: (setting, the channels on which it would be sent, template)."""
    channels = channels_of(settings)
    for setting, template in _templates(settings):
        if not isinstance(template, dict):
            yield setting, channels, template
            continue
        for channel, one in cast("dict[str, str]", template).items():
            yield f"{setting}.{channel}", (channel,), one


def reads_of(settings: Mapping[str, Any]) -> frozenset[str]:
    """What of a person's habits is needed to choose the channel."""
    wanted: Any = settings["channel"]
    return frozenset({"response"}) if isinstance(wanted, dict) and BEST in wanted else frozenset()


def told(settings: Mapping[str, Any]) -> str:
    """The channels and templates in one line."""
    wanted: Any = settings["channel"]
    earlier = same_as(settings)
    if earlier is not None:
        where = f"as at {earlier}"
    elif isinstance(wanted, dict):
        where = "on the best channel"
    else:
        where = " or ".join(channels_of(settings))
    return f"{where}: {', '.join(dict.fromkeys(template for _, _, template in templates_of(settings)))}"


def send(turn: Turn, settings: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Answer:
    """Hand the message over, hold it, or leave by `dropped`. `more`: what the executor shall know besides."""
    variant, template = _variant(turn, settings)
    channel, why = _chosen(turn, settings, template)
    if channel is None:
        return Go("dropped", why)
    name: str = template if isinstance(template, str) else template[channel]
    expires_at = turn.run.since + settings["ttl"]
    topic, transactional, to = settings["topic"], settings["transactional"], settings["to"]
    decision = turn.permit(channel, topic, transactional, to, expires_at, name)
    run = turn.run
    if isinstance(decision, Allow):
        run.phase = "sent"
        turn.send(
            channel=channel,
            template=name,
            topic=topic,
            transactional=transactional,
            to=to,
            expires_at=expires_at,
            arm=variant,
            more=more or {},
        )
        return Park(None, f"{channel} handed over{why}")
    if isinstance(decision, Hold):
        run.phase = "held"
        place = (run.journey, run.version, run.id, run.move, run.node)
        turn.trace(Step("held", turn.now, *place, "", decision.why, decision.until))
        return Park(decision.until, decision.why)
    return Go("dropped", decision.why)


def outcome(turn: Turn, happened: Happened) -> Feedback | None:
    """What became of the message that this run sent at this very move, if that is what happened."""
    run = turn.run
    if not isinstance(happened, MessageChanged) or run.phase != "sent":
        return None
    found = happened.feedback
    mine = found.run == run.id and found.move == run.move and found.state in OUTCOMES
    return found if mine else None


def branch_of(feedback: Feedback) -> str:
    """The branch by which a message that nobody answers is left."""
    return {"refused": "failed", "dropped": "dropped"}.get(feedback.state, "next")


def _templates(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if settings["template"] is not None:
        yield "template", settings["template"]
    variants: dict[str, Any] = settings["variants"] or {}
    for name, template in variants.items():
        yield f"variants.{name}", template


def _variant(turn: Turn, settings: Mapping[str, Any]) -> tuple[str, str | dict[str, str]]:
    """The name of the variant ('': there are none) and its template."""
    variants: dict[str, str | dict[str, str]] = settings["variants"] or {"": settings["template"]}
    names = list(variants)
    drawn = names[bucket(f"{turn.run.journey}/{turn.run.node}", turn.profile.id) % len(names)]
    return drawn, variants[drawn]


def _chosen(turn: Turn, settings: Mapping[str, Any], template: str | dict[str, str]) -> tuple[str | None, str]:
    """The channel and what is to be said about it; None: there is none."""
    has = None if isinstance(template, str) else template
    earlier = same_as(settings)
    if earlier is not None:
        sent = turn.sent(earlier)
        if sent is None:
            return None, f"{earlier} has sent nothing, so there is no channel to use again"
        channel = str(sent[1])
        return (channel, "") if has is None or channel in has else (None, f"there is no template for {channel}")
    wanted = [channel for channel in channels_of(settings) if has is None or channel in has]
    kind = "transactional" if settings["transactional"] else "marketing"
    reached = (one for one in wanted if reachable(turn.profile, one, kind, settings["topic"], settings["to"])[0])
    if not reads_of(settings):
        return next(reached, wanted[0]), ""
    able = list(reached)
    if not able:
        return wanted[0], ""
    channel, rate = best_channel(turn.profile, able)
    return channel, f", the best of {', '.join(able)} ({rate:.0%} answered)"
