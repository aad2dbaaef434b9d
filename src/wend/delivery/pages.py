"""The pages that recipients see: unsubscribe and preferences. Plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from starlette.responses import HTMLResponse

from wend.content.filters import locale_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "unsubscribe": "Unsubscribe",
        "question": "Do you no longer want to receive messages at {address}?",
        "confirm": "Yes, unsubscribe me",
        "done": "You are unsubscribed.",
        "done_more": "{address} will receive no more of these messages.",
        "preferences": "Preferences",
        "choose": "What do you want to receive?",
        "channels": "Channels",
        "topics": "Topics",
        "save": "Save",
        "saved": "Saved.",
        "unknown": "This link is not valid",
        "unknown_more": "It is incomplete or has been changed. Please copy the whole link from the message.",
        "later": "That did not work. Please try again in a minute.",
    },
    "de": {
        "unsubscribe": "Abmelden",
        "question": "Möchten Sie an {address} keine Nachrichten mehr erhalten?",
        "confirm": "Ja, abmelden",
        "done": "Sie sind abgemeldet.",
        "done_more": "{address} erhält keine dieser Nachrichten mehr.",
        "preferences": "Einstellungen",
        "choose": "Was möchten Sie erhalten?",
        "channels": "Kanäle",
        "topics": "Themen",
        "save": "Speichern",
        "saved": "Gespeichert.",
        "unknown": "Dieser Link ist ungültig",
        "unknown_more": "Er ist unvollständig oder verändert. Bitte kopieren Sie den ganzen Link aus der Nachricht.",
        "later": "Das hat nicht geklappt. Bitte versuchen Sie es in einer Minute noch einmal.",
    },
    "fr": {
        "unsubscribe": "Se désabonner",
        "question": "Ne souhaitez-vous plus recevoir de messages à {address} ?",
        "confirm": "Oui, me désabonner",
        "done": "Vous êtes désabonné.",
        "done_more": "{address} ne recevra plus ces messages.",
        "preferences": "Préférences",
        "choose": "Que souhaitez-vous recevoir ?",
        "channels": "Canaux",
        "topics": "Thèmes",
        "save": "Enregistrer",
        "saved": "Enregistré.",
        "unknown": "Ce lien n'est pas valable",
        "unknown_more": "Il est incomplet ou a été modifié. Veuillez copier le lien entier du message.",
        "later": "Cela n'a pas fonctionné. Veuillez réessayer dans une minute.",
    },
    "zh": {
        "unsubscribe": "取消訂閱",
        "question": "{address} 不想再收到訊息嗎?",
        "confirm": "是的,取消訂閱",
        "done": "您已取消訂閱。",
        "done_more": "{address} 將不再收到這類訊息。",
        "preferences": "偏好設定",
        "choose": "您想收到什麼?",
        "channels": "管道",
        "topics": "主題",
        "save": "儲存",
        "saved": "已儲存。",
        "unknown": "此連結無效",
        "unknown_more": "連結不完整或已被更改。請從訊息中複製完整的連結。",
        "later": "操作失敗,請一分鐘後再試。",
    },
}
CHANNEL_NAMES = {
    "email": "E-mail",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "mobile_push": "App",
    "web_push": "Web push",
}

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;background:#1a56db;color:#fff;cursor:pointer}"
    "button:focus,input:focus{outline:3px solid #93b4ff}label{display:block;padding:.3rem 0}"
    "fieldset{border:1px solid #ccc;border-radius:.4rem;margin:0 0 1rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}


def words(locale: str) -> tuple[str, dict[str, str]]:
    """(language tag, texts) for a person's locale, else English."""
    found = locale_of(locale or "en")
    language = found.language if found.language in WORDS else "en"
    return ("zh-Hant" if language == "zh" else language), WORDS[language]


def page(locale: str, title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page; `body` is HTML, `title` is text."""
    language, _ = words(locale)
    html = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, headers=_HEADERS)


def unsubscribe_page(locale: str, address: str, preferences: str) -> HTMLResponse:
    """The question, with a button that posts. Showing it changes nothing."""
    text = words(locale)[1]
    return page(
        locale,
        text["unsubscribe"],
        f"<p>{escape(text['question'].format(address=address))}</p>"
        f'<form method="post"><button name="confirm" value="1">{escape(text["confirm"])}</button></form>'
        f'<p><a href="{escape(preferences)}">{escape(text["preferences"])}</a></p>',
    )


def unsubscribed_page(locale: str, address: str, preferences: str) -> HTMLResponse:
    """That it is done."""
    text = words(locale)[1]
    return page(
        locale,
        text["done"],
        f"<p>{escape(text['done_more'].format(address=address))}</p>"
        f'<p><a href="{escape(preferences)}">{escape(text["preferences"])}</a></p>',
    )


def preferences_page(
    locale: str, channels: Mapping[str, bool], topics: Sequence[tuple[str, str, bool]], saved: bool
) -> HTMLResponse:
    """Check boxes: channel → wanted, and (topic id, its name, wanted)."""
    text = words(locale)[1]
    parts = [f'<p role="status"><strong>{escape(text["saved"])}</strong></p>' if saved else ""]
    parts.append(f'<p>{escape(text["choose"])}</p><form method="post">')
    rows = [("channel:" + name, CHANNEL_NAMES.get(name, name), wanted) for name, wanted in channels.items()]
    parts.append(_boxes(text["channels"], rows))
    if topics:
        parts.append(_boxes(text["topics"], [("topic:" + id, name, wanted) for id, name, wanted in topics]))
    parts.append(f'<button name="save" value="1">{escape(text["save"])}</button></form>')
    return page(locale, text["preferences"], "".join(parts))


def bad_link_page() -> HTMLResponse:
    """For a token that is not ours."""
    return page("en", WORDS["en"]["unknown"], f"<p>{WORDS['en']['unknown_more']}</p>", 404)


def _boxes(legend: str, rows: Sequence[tuple[str, str, bool]]) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" name="{escape(name)}" value="1"{" checked" if wanted else ""}> {escape(shown)}</label>'
        for name, shown, wanted in rows
    )
    return f"<fieldset><legend>{escape(legend)}</legend>{boxes}</fieldset>"
