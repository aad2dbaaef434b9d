"""An outbox row, its template and its person become the message that goes out.

Order for an e-mail: Liquid → preheader → footer (marketing only, what the template lacks) → clicks led through us → open pixel;
the text part keeps the original links. `List-Unsubscribe` with its one-click header on every marketing mail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any

from wend.channels.contract import Message
from wend.content.catalogue.shelf import Shelf
from wend.content.footer import add_footer, text_footer
from wend.content.links import Links, tagged
from wend.content.templates import Rendered, Template
from wend.core.condition.stage import stage_of
from wend.core.profile import Profile
from wend.core.rfm import thresholds
from wend.delivery.outbox import Row

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_NOT_A_CHOICE = ("unsubscribe_url", "preferences_url")


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """What all messages of a workspace have in common."""

    name: str = ""
    address: str = "wend@localhost"
    reply_to: str = ""
    postal_address: str = ""
    """Shown under marketing mail; the law of many countries wants it."""
    bounce_address: str = ""
    """Where bounces go (`bounces@example.com`): becomes the envelope sender, with a token that names the message."""
    locale: str = "en"
    zone: str = "UTC"
    currency: str = "EUR"
    track_opens: bool = True
    track_clicks: bool = True
    tracking_needs_consent: bool = False
    """True: only people with a recorded yes to `tracking` are tracked. False: all but those with a recorded no."""
    utm: Mapping[str, str] = field(default_factory=dict[str, str])
    """utm_source and the like for links to other sites; `{journey}`, `{template}` and `{channel}` are filled in."""

    @property
    def sender(self) -> str:
        """The From header."""
        if not self.name:
            return self.address
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.address}>'


def render(
    row: Row,
    to: str,
    template: Template,
    profile: Profile,
    links: Links,
    settings: SenderSettings,
    now: int,
    law: Mapping[str, Any],
    shelf: Shelf,
) -> Message:
    """The message for `to`. `law`: the published settings. Raises LiquidProblem when the template cannot be filled in for this person.

    What the template looked up in the catalogue and `shelf` did not have at hand counts as a miss there: fill it and render again.
    """
    unsubscribe = links.unsubscribe(row.profile_id, row.effect_id, row.channel)
    preferences = links.preferences(row.profile_id, row.effect_id)
    locale = _text(profile, "locale") or _text(profile, "language") or settings.locale
    values = context(row, profile, settings, locale, now, law)
    values["_shelf"] = shelf
    values["_picture"] = partial(links.picture, row.profile_id, row.effect_id)
    values["unsubscribe_url"], values["preferences_url"] = unsubscribe, preferences
    rendered = template.render(values, locale)
    if row.channel != "email":
        return _plain(row, to, rendered, links, profile, settings, now)
    headers: dict[str, str] = {}
    if not row.transactional:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    html, text = _bodies(row, template, rendered, locale, settings, unsubscribe, preferences)
    if html:
        tracked = _may_track(profile, settings)
        if tracked and settings.track_clicks:
            html = links.track_clicks(html, row.profile_id, row.effect_id, _utm(settings, row))
        if tracked and settings.track_opens:
            html = links.add_pixel(html, row.profile_id, row.effect_id)
    return Message(
        effect_id=row.effect_id,
        channel=row.channel,
        to=to,
        at=now,
        subject=rendered.subject,
        html=html,
        text=text,
        sender=rendered.sender or settings.sender,
        reply_to=rendered.reply_to or settings.reply_to,
        envelope=_envelope(row, links, settings),
        headers=headers,
    )


def context(
    row: Row, profile: Profile, settings: SenderSettings, locale: str, now: int, law: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything a template may read (content/variables.py lists it), but for the links."""
    facts = profile.facts
    recent = facts.recent
    currency = facts.currency or settings.currency
    limits = thresholds(law)
    points = limits.points(facts, now)
    return {
        "profile": profile.attributes,
        "tags": profile.tags,
        "score": profile.score,
        "stage": stage_of(profile, law),
        "rfm": points.name if points is not None else "",
        "abc": limits.share(facts),
        "entry": row.data.get("entry") or {},
        "event": row.data.get("event") or {},
        "saved": row.data.get("saved") or {},
        "cart": facts.cart,
        "recent": {name: recent.get(name, []) for name in ("viewed", "searched", "bought")},
        "orders": facts.orders,
        "revenue": facts.revenue,
        "last_order_at": facts.last_order_at or None,
        "currency": currency,
        "first_seen": facts.first_seen or None,
        "last_seen": facts.last_seen or None,
        "sessions": facts.sessions,
        "message": {"id": row.effect_id, "channel": row.channel, "journey": row.journey, "topic": row.topic},
        "sender": {"name": settings.name, "address": settings.address, "postal_address": settings.postal_address},
        "_locale": locale,
        "_zone": _text(profile, "timezone") or settings.zone,
        "_currency": currency,
        "_now": now,
    }


def _bodies(
    row: Row,
    template: Template,
    rendered: Rendered,
    locale: str,
    settings: SenderSettings,
    unsubscribe: str,
    preferences: str,
) -> tuple[str, str]:
    texts = template.texts[template.locale(locale)]
    html, text = rendered.html, rendered.text
    if html:
        if rendered.preheader:
            html = _with_preheader(html, rendered.preheader)
        html = add_footer(html, locale, *_lacking(row, texts["html"].variables(), settings, unsubscribe, preferences))
    reads = texts["text" if "text" in texts else "html"].variables()
    return html, text + text_footer(locale, *_lacking(row, reads, settings, unsubscribe, preferences))


def _lacking(
    row: Row, reads: frozenset[str], settings: SenderSettings, unsubscribe: str, preferences: str
) -> tuple[str, str, str]:
    """(postal address, unsubscribe link, preference link): what a footer must bring because the text has it not."""
    if row.transactional:
        return "", "", ""
    address = "" if "sender.postal_address" in reads else settings.postal_address
    return (address, "", "") if any(name in reads for name in _NOT_A_CHOICE) else (address, unsubscribe, preferences)


def _with_preheader(html: str, preheader: str) -> str:
    # Filled up, so that mail programs do not show what follows after it.
    filling = "&#847;&zwnj;&nbsp;" * 40
    hidden = (
        '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all" aria-hidden="true">'
        f"{escape(preheader)}{filling}</div>"
    )
    body = _BODY.search(html)
    return html[: body.end()] + hidden + html[body.end() :] if body else hidden + html


def _plain(
    row: Row, to: str, rendered: Rendered, links: Links, profile: Profile, settings: SenderSettings, now: int
) -> Message:
    content = dict(rendered.content)
    url = content.get("url", "")
    if url.startswith(("http://", "https://")) and _may_track(profile, settings) and settings.track_clicks:
        content["url"] = links.click(row.profile_id, row.effect_id, tagged(url, _utm(settings, row)))
    return Message(
        effect_id=row.effect_id,
        channel=row.channel,
        to=to,
        at=now,
        subject=rendered.subject,
        text=rendered.text,
        sender=settings.name,
        content=content,
    )


def _may_track(profile: Profile, settings: SenderSettings) -> bool:
    said = profile.consent.get("tracking")
    if said is None:
        return not settings.tracking_needs_consent
    return said[0] != "unsubscribed"


def _envelope(row: Row, links: Links, settings: SenderSettings) -> str:
    if not settings.bounce_address:
        return ""
    local, _, domain = settings.bounce_address.rpartition("@")
    return f"{local}+{links.bounce_local(row.profile_id, row.effect_id)}@{domain}"


def _utm(settings: SenderSettings, row: Row) -> dict[str, str]:
    names = {"{journey}": row.journey, "{template}": row.template, "{channel}": row.channel}
    filled: dict[str, str] = {}
    for key, value in settings.utm.items():
        for name, real in names.items():
            value = value.replace(name, real)
        filled[key] = value
    return filled


def _text(profile: Profile, name: str) -> str:
    value = profile.attributes.get(name)
    return value if isinstance(value, str) else ""
