"""Signed links: opens, clicks, unsubscribe and preference pages, bounce addresses.

A token is URL-safe base64 of `kind · profile id · effect id · rest` followed by 12 bytes of HMAC-SHA256 with the
workspace's link secret. Nothing is looked up to check one, nothing in it can be changed, and the server redirects to no
address that it did not sign itself: there is no open redirect. Tokens do not expire: an old mail's unsubscribe link must
work for as long as the mail lies in a mailbox.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from html import escape, unescape
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

Kind = Literal["open", "click", "unsubscribe", "preferences", "picture"]

_CODES: dict[Kind, int] = {"open": 1, "click": 2, "unsubscribe": 3, "preferences": 4, "picture": 5}
_KINDS = {code: kind for kind, code in _CODES.items()}
_MAC = 12
_MAX_TOKEN = 8_000
_HREF = re.compile(r"(<a\b[^>]*?\shref\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


class BadToken(ValueError):
    """The token was not made by this workspace, or was changed on the way."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a link carries. `rest` is the target of a click, the channel of an unsubscribe or preference link, what a picture shows."""

    kind: Kind
    profile: int
    effect_id: str
    rest: str = ""


class Links:
    """Makes and reads the links of one workspace. `base` is the public address of Wend (`https://mail.example.com`)."""

    def __init__(self, secret: bytes, base: str) -> None:
        """ValueError when the secret is shorter than 16 bytes."""
        if len(secret) < 16:
            raise ValueError("the link secret needs at least 16 bytes")
        self._hmac = hmac.new(secret, digestmod="sha256")
        self.base = base.rstrip("/")

    def token(self, kind: Kind, profile: int, effect_id: str, rest: str = "") -> str:
        """A signed token of [A-Za-z0-9_-]."""
        return base64.urlsafe_b64encode(self._signed(kind, profile, effect_id, rest)).rstrip(b"=").decode()

    def read(self, token: str, kind: Kind) -> Token:
        """The token's content. Raises BadToken, also when it is a true token of another kind."""
        try:
            if len(token) > _MAX_TOKEN or not token.isascii():
                raise ValueError
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadToken("the link is malformed") from None
        return self._checked(raw, kind)

    def bounce_local(self, profile: int, effect_id: str) -> str:
        """The part after `+` of a bounce address: 39 characters, lower case only, because some servers lower it."""
        body = profile.to_bytes(8, "big") + effect_digest(effect_id)
        return base64.b32encode(body + self._mac(b"bounce" + body)[:8]).rstrip(b"=").decode().lower()

    def read_bounce(self, address: str) -> tuple[int, bytes]:
        """(profile id, digest of the effect id) of `bounces+token@domain`. Raises BadToken."""
        part = address.rpartition("@")[0].rpartition("+")[2].upper()
        try:
            raw = base64.b32decode(part + "=" * (-len(part) % 8))
        except (binascii.Error, ValueError):
            raise BadToken("not a bounce address of ours") from None
        body, mac = raw[:16], raw[16:]
        if len(raw) != 24 or not hmac.compare_digest(mac, self._mac(b"bounce" + body)[:8]):
            raise BadToken("not a bounce address of ours")
        return int.from_bytes(body[:8], "big"), body[8:]

    def open_pixel(self, profile: int, effect_id: str) -> str:
        """Address of the picture that tells of an open."""
        return f"{self.base}/t/o/{self.token('open', profile, effect_id)}.gif"

    def click(self, profile: int, effect_id: str, url: str) -> str:
        """Address that counts a click and leads to `url`."""
        return f"{self.base}/t/c/{self.token('click', profile, effect_id, url)}"

    def unsubscribe(self, profile: int, effect_id: str, channel: str) -> str:
        """Address of the unsubscribe page, which takes the one-click POST of RFC 8058 too."""
        return f"{self.base}/u/{self.token('unsubscribe', profile, effect_id, channel)}"

    def preferences(self, profile: int, effect_id: str) -> str:
        """Address of the person's preference page."""
        return f"{self.base}/p/{self.token('preferences', profile, effect_id)}"

    def picture(self, profile: int, effect_id: str, kind: str, code: str) -> str:
        """Address of a code drawn as `kind` (content/coupons.py)."""
        return f"{self.base}/c/{self.token('picture', profile, effect_id, f'{kind}:{code}')}.png"

    def track_clicks(self, html: str, profile: int, effect_id: str, utm: Mapping[str, str] | None = None) -> str:
        """The HTML with every http(s) link led through `click`; unsubscribe and preference links stay as they are.

        `utm` (utm_source …) is added to the targets, where they do not have the parameter already.
        """
        own = (f"{self.base}/u/", f"{self.base}/p/", f"{self.base}/t/")

        def replaced(match: re.Match[str]) -> str:
            url = unescape(match[2][1:-1]).strip()
            if not url.lower().startswith(("http://", "https://")) or url.startswith(own):
                return match[0]
            target = tagged(url, utm) if utm else url
            return f'{match[1]}"{escape(self.click(profile, effect_id, target))}"'

        return _HREF.sub(replaced, html)

    def add_pixel(self, html: str, profile: int, effect_id: str) -> str:
        """The HTML with the open pixel as its last element."""
        pixel = f'<img src="{self.open_pixel(profile, effect_id)}" width="1" height="1" alt="" style="display:none">'
        return before_body_end(html, pixel)

    def _signed(self, kind: Kind, profile: int, effect_id: str, rest: str) -> bytes:
        effect = effect_id.encode()
        body = (
            bytes((_CODES[kind],))
            + profile.to_bytes(8, "big")
            + len(effect).to_bytes(2, "big")
            + effect
            + rest.encode()
        )
        return body + self._mac(body)

    def _mac(self, body: bytes) -> bytes:
        mac = self._hmac.copy()
        mac.update(body)
        return mac.digest()[:_MAC]

    def _checked(self, raw: bytes, kind: Kind) -> Token:
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(body) < 11 or not hmac.compare_digest(mac, self._mac(body)):
            raise BadToken("the link's signature is wrong")
        if _KINDS.get(body[0]) != kind:
            raise BadToken("the link is of another kind")
        size = int.from_bytes(body[9:11], "big")
        return Token(kind, int.from_bytes(body[1:9], "big"), body[11 : 11 + size].decode(), body[11 + size :].decode())


def effect_digest(effect_id: str) -> bytes:
    """8 bytes that stand for an effect id where it has no room."""
    return blake2b(effect_id.encode(), digest_size=8).digest()


def before_body_end(html: str, addition: str) -> str:
    """`addition` put before `</body>`, or at the end where there is none."""
    ends = list(_BODY_END.finditer(html))
    return html[: ends[-1].start()] + addition + html[ends[-1].start() :] if ends else html + addition


def tagged(url: str, utm: Mapping[str, str]) -> str:
    """The URL with the parameters of `utm` that it does not have yet."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    extra = urlencode({name: value for name, value in utm.items() if value and name not in present})
    if not extra:
        return url
    return urlunsplit(parts._replace(query=f"{parts.query}&{extra}" if parts.query else extra))
