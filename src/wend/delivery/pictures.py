"""The door to the pictures of coupon codes that mails show: `/c/{token}.png`. What is drawn stands in the signed token alone."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wend.content.coupons import picture
from wend.content.links import BadToken, Links

_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Robots-Tag": "noindex"}


def picture_routes(links: Links) -> list[Route]:
    """Routes to be mounted at the root of the public address."""
    return [Route("/c/{token}.png", partial(_drawn, links), methods=["GET"])]


async def _drawn(links: Links, request: Request) -> Response:
    try:
        kind, _, code = links.read(request.path_params["token"], "picture").rest.partition(":")
        drawn = picture(kind, code)
    except (BadToken, ValueError):
        return PlainTextResponse("there is no such picture", 404)
    return Response(drawn, media_type="image/png", headers=_HEADERS)
