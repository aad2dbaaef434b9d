"""The doors for recipients: open pixel, clicks, unsubscribe, preferences. Everything is in the signed token; no cookies.

- A GET never unsubscribes: link scanners and previews follow every link of a mail. The POST does, from the page's button or
  as RFC 8058's one click from the mail program.
- A click leads only where the token says, which is where the template's author wrote it.
- When the log cannot be written, the picture and the redirect are still answered (the reader must not suffer), but an
  unsubscription is answered 503: it must not look done when it is not.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, cast

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from wend.content.links import BadToken, Links, Token
from wend.core.consent import YES, address_of
from wend.core.inputs import Consent, Input
from wend.core.profile import Profile
from wend.delivery import pages
from wend.delivery.feedback import FeedbackLog, of_link
from wend.delivery.people import load_people
from wend.store.codec import decode_json
from wend.store.postgres import fetch_one, sql

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_UNCACHED = {"Cache-Control": "no-store, private", "Referrer-Policy": "no-referrer"}
_AWAY = (psycopg.Error, PoolTimeout, OSError)
_MAX_FORM = 65_536
# Apple's privacy proxy says only this; the others fetch before anybody reads (scanners, previews). The image proxies of
# Gmail and Yahoo are not here: they fetch when the mail is opened.
_MACHINE = re.compile(
    r"^\s*$|^Mozilla/5\.0$|bot\b|crawl|spider|preview|scan|barracuda|proofpoint|mimecast|safelinks|curl/|wget/|python-|headless"
    r"|Go-http-client|okhttp|Java/|libwww",
    re.IGNORECASE,
)

_log = structlog.get_logger("wend.tracking")


def is_machine(user_agent: str) -> bool:
    """Whether an open or click with this user agent was nobody's."""
    return _MACHINE.search(user_agent) is not None


def tracking_routes(log: FeedbackLog, links: Links) -> list[Route]:
    """Routes of the recipients' doors, to be mounted at the root of the public address."""
    doors = _Doors(log, links)
    return [
        Route("/t/o/{token}.gif", doors.opened, methods=["GET"]),
        Route("/t/c/{token}", doors.clicked, methods=["GET"]),
        Route("/u/{token}", doors.unsubscribe, methods=["GET", "POST"]),
        Route("/p/{token}", doors.preferences, methods=["GET", "POST"]),
    ]


class _Doors:
    def __init__(self, log: FeedbackLog, links: Links) -> None:
        self._log = log
        self._links = links

    async def opened(self, request: Request) -> Response:
        try:
            token = self._links.read(request.path_params["token"], "open")
        except BadToken as problem:
            return PlainTextResponse(str(problem), 404)
        if request.method == "GET":
            machine = is_machine(request.headers.get("user-agent", ""))
            try:
                once = "open:m" if machine else "open"
                await self._log.message(token.profile, token.effect_id, "opened", once=once, machine=machine)
            except _AWAY as problem:
                _log.warning("an open was not counted", problem=str(problem))
        return Response(_PIXEL, media_type="image/gif", headers=_UNCACHED)

    async def clicked(self, request: Request) -> Response:
        try:
            token = self._links.read(request.path_params["token"], "click")
        except BadToken:
            return pages.bad_link_page()
        if not token.rest.lower().startswith(("http://", "https://")):
            return pages.bad_link_page()
        if request.method == "GET":
            machine = is_machine(request.headers.get("user-agent", ""))
            once = of_link(token.rest) + (":m" if machine else "")
            try:
                await self._log.message(
                    token.profile, token.effect_id, "clicked", once=once, url=token.rest, machine=machine
                )
            except _AWAY as problem:
                _log.warning("a click was not counted", problem=str(problem))
        return RedirectResponse(token.rest, 302, headers=_UNCACHED)

    async def unsubscribe(self, request: Request) -> Response:
        try:
            token = self._links.read(request.path_params["token"], "unsubscribe")
        except BadToken:
            return pages.bad_link_page()
        preferences = self._links.preferences(token.profile, token.effect_id)
        locale, address = await self._reader(token)
        if request.method != "POST":
            return pages.unsubscribe_page(locale, address, preferences)
        form = await _form(request)
        if form is None:
            return PlainTextResponse("the form is too big", 413)
        one_click = form.get("List-Unsubscribe") == "One-Click"
        if not one_click and "confirm" not in form:
            return PlainTextResponse("expected the body List-Unsubscribe=One-Click (RFC 8058)", 400)
        consent = Consent(
            "unsubscribed",
            self._log.clock.now_ms(),
            channel=token.rest,
            source="one-click" if one_click else "unsubscribe page",
            text=f"message {token.effect_id}",
            ip=request.client.host if request.client else "",
        )
        try:
            await self._log.message(
                token.profile, token.effect_id, "unsubscribed", once="unsubscribed", channel=token.rest, also=consent
            )
        except _AWAY as problem:
            _log.error("an unsubscription could not be written", problem=str(problem))
            return _try_later(locale)
        if one_click:
            return PlainTextResponse("unsubscribed")
        return pages.unsubscribed_page(locale, address, preferences)

    async def preferences(self, request: Request) -> Response:
        try:
            token = self._links.read(request.path_params["token"], "preferences")
        except BadToken:
            return pages.bad_link_page()
        try:
            async with self._log.pool.connection() as conn:
                people = await load_people(conn, [token.profile], self._log.partitions)
                row = await fetch_one(conn, sql("delivery_settings"))
            profile = people.get(token.profile)
            if profile is None or profile.erased:
                return pages.bad_link_page()
            law = cast("Mapping[str, Any]", decode_json(row[0]) if row is not None and row[0] is not None else {})
            channels, topics = _channels(profile), _topics(law, profile)
            if request.method == "POST":
                form = await _form(request)
                if form is None:
                    return PlainTextResponse("the form is too big", 413)
                ip = request.client.host if request.client else ""
                wanted_channels = {name: f"channel:{name}" in form for name in channels}
                wanted_topics = [(id, shown, f"topic:{id}" in form) for id, shown, _ in topics]
                changes = self._changes(channels, wanted_channels, topics, wanted_topics, ip)
                if changes:
                    async with self._log.pool.connection() as conn:
                        await self._log.append(conn, token.profile, changes)
                channels, topics = wanted_channels, wanted_topics
        except _AWAY as problem:
            _log.error("preferences are out of reach", problem=str(problem))
            return _try_later("en")
        return pages.preferences_page(_locale(profile), channels, topics, request.method == "POST")

    def _changes(
        self,
        channels: Mapping[str, bool],
        wanted_channels: Mapping[str, bool],
        topics: list[tuple[str, str, bool]],
        wanted_topics: list[tuple[str, str, bool]],
        ip: str,
    ) -> list[Input]:
        at = self._log.clock.now_ms()
        changes: list[Input] = []
        for name, wanted in wanted_channels.items():
            if wanted != channels[name]:
                state = "opted_in" if wanted else "unsubscribed"
                changes.append(Consent(state, at, channel=name, source="preference page", ip=ip))
        for (id, _, before), (_, _, wanted) in zip(topics, wanted_topics, strict=True):
            if wanted != before:
                state = "subscribed" if wanted else "unsubscribed"
                changes.append(Consent(state, at, topic=id, source="preference page", ip=ip))
        return changes

    async def _reader(self, token: Token) -> tuple[str, str]:
        """(locale, address) for the page; a database that is away costs only the language and the name."""
        try:
            async with self._log.pool.connection() as conn:
                people = await load_people(conn, [token.profile], self._log.partitions)
        except _AWAY:
            return "", ""
        profile = people.get(token.profile)
        if profile is None:
            return "", ""
        channel, _, contact = token.rest.partition(":")
        return _locale(profile), address_of(profile, channel, contact or None) or ""


def _channels(profile: Profile) -> dict[str, bool]:
    """Channels that the person can be asked about: those it has an address for, or has said something about."""
    return {
        name: name in profile.consent and profile.consent[name][0] in YES
        for name in pages.CHANNEL_NAMES
        if name in profile.consent or (name in ("email", "sms") and address_of(profile, name) is not None)
    }


def _topics(law: Mapping[str, Any], profile: Profile) -> list[tuple[str, str, bool]]:
    """(id, name, wanted) of the workspace's topics (`topics: {offers: Offers}` or a list) and of those the person spoke of."""
    raw: object = law.get("topics") or {}
    named: dict[str, str] = {}
    if isinstance(raw, Mapping):
        named = {str(id): str(name) for id, name in cast("Mapping[Any, Any]", raw).items()}
    elif isinstance(raw, list):
        named = {str(id): str(id) for id in cast("list[Any]", raw)}
    for id in profile.topics:
        named.setdefault(id, id)
    return [(id, name, profile.topics.get(id, ["subscribed"])[0] in YES) for id, name in named.items()]


def _locale(profile: Profile) -> str:
    value = profile.attributes.get("locale") or profile.attributes.get("language")
    return value if isinstance(value, str) else ""


async def _form(request: Request) -> dict[str, str] | None:
    """The posted fields; None when the body is bigger than any form of ours."""
    size = 0
    parts: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_FORM:
            return None
        parts.append(chunk)
    replay = iter([{"type": "http.request", "body": b"".join(parts), "more_body": False}])

    async def receive() -> Any:
        return next(replay)

    form = await Request(request.scope, receive).form(max_files=0, max_fields=500)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _try_later(locale: str) -> Response:
    text = pages.words(locale)[1]
    return pages.page(locale, text["later"], "", 503)
