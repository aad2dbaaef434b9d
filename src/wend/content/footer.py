"""What the law wants under a marketing mail, added where a template has none: why it came, from whom, how to leave."""

from __future__ import annotations

from html import escape

from babel import Locale

from wend.content.filters import locale_of
from wend.content.links import before_body_end

_TEXTS: dict[str, tuple[str, str, str]] = {
    "en": ("You receive this e-mail because you agreed to it.", "Unsubscribe", "Preferences"),
    "de": ("Sie erhalten diese E-Mail, weil Sie ihr zugestimmt haben.", "Abmelden", "Einstellungen"),
    "fr": ("Vous recevez cet e-mail parce que vous y avez consenti.", "Se désabonner", "Préférences"),
    "zh": ("您收到這封電子郵件,是因為您曾同意接收。", "取消訂閱", "偏好設定"),
}


def footer_words(locale: str) -> tuple[str, str, str]:
    """(reason, word for unsubscribe, word for preferences) in the person's language, else English."""
    found: Locale = locale_of(locale)
    return _TEXTS.get(found.language, _TEXTS["en"])


def add_footer(html: str, locale: str, address: str, unsubscribe: str, preferences: str) -> str:
    """The HTML with a footer; empty arguments leave their part out."""
    reason, leave, choose = footer_words(locale)
    parts: list[str] = []
    if unsubscribe:
        parts.append(f'{reason}<br><a href="{escape(unsubscribe)}" style="color:inherit">{leave}</a>')
        if preferences:
            parts[-1] += f' · <a href="{escape(preferences)}" style="color:inherit">{choose}</a>'
    if address:
        parts.append(escape(address).replace("\n", "<br>"))
    if not parts:
        return html
    style = (
        "font-family:Arial,sans-serif;font-size:12px;line-height:1.5;color:#777777;text-align:center;padding:24px 16px"
    )
    return before_body_end(html, f'<div style="{style}">{"<br><br>".join(parts)}</div>')


def text_footer(locale: str, address: str, unsubscribe: str, preferences: str) -> str:
    """The same for a plain text, with the line that mail programs recognise as its beginning."""
    reason, leave, choose = footer_words(locale)
    lines = [f"{reason}", f"{leave}: {unsubscribe}"] if unsubscribe else []
    if unsubscribe and preferences:
        lines.append(f"{choose}: {preferences}")
    if address:
        lines += ["", address] if lines else [address]
    return "\n\n-- \n" + "\n".join(lines) if lines else ""
