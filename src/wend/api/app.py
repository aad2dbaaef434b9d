"""The application: probes, API and pages, with problem details for every error and security headers on every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Depends, FastAPI, Request, Response
from starlette.routing import BaseRoute

from wend.api import alerts as alerts_api
from wend.api import (
    business,
    geofences,
    handling,
    health,
    keys,
    messages,
    operations,
    preview,
    problem,
    products,
    profiles,
    publishing,
    settings,
    templates,
)
from wend.api import coupons as coupons_api
from wend.api import gallery as gallery_api
from wend.api import identity as identity_api
from wend.api import journeys as journeys_api
from wend.api import schema as schema_api
from wend.api import segments as segments_api
from wend.api import services as services_api
from wend.api.idempotency import Idempotency
from wend.api.pages import alerts, gallery, home, identity, inbox, journeys, people, versions
from wend.api.pages import segments as segment_pages
from wend.api.security import page_guard
from wend.api.surface import Surface

_ABOUT = """Everything that Wend's UI and your scripts can ask. Keys: `Authorization: Bearer …` (`wend key new --kind api`).
Lists are cursor-paged: pass `next` of an answer as `cursor`. Unsafe calls take an `Idempotency-Key`, kept for 24 hours.
Errors are problem details (RFC 9457). Instants are milliseconds since 1970 UTC. Events come in at `/v1`, not here."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
}
"""The pages run no script and ask nobody else for anything."""


def build(surface: Surface, recipients: Sequence[BaseRoute] = ()) -> FastAPI:
    """The application that serves `surface`. `recipients`: doors for the people who get messages (links in mails), open to all."""
    app = FastAPI(
        title="Wend",
        version=surface.version,
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        separate_input_output_schemas=False,
        responses={"default": {"model": problem.ProblemBody, "description": "A problem (RFC 9457)."}},
    )
    app.state.surface = surface
    problem.install(app)
    app.add_middleware(Idempotency)
    app.middleware("http")(_headers)
    app.include_router(health.probes)
    app.router.routes.extend(recipients)
    for noun in (
        publishing,
        handling,
        journeys_api,
        gallery_api,
        templates,
        profiles,
        messages,
        products,
        operations,
        settings,
        keys,
        health,
        identity_api,
        schema_api,
        preview,
        segments_api,
        geofences,
        business,
        services_api,
        coupons_api,
        alerts_api,
    ):
        app.include_router(noun.router)
    for pages in (home, journeys, versions, people, inbox, alerts, identity, segment_pages, gallery):
        app.include_router(pages.router, dependencies=[Depends(page_guard)])
    return app


async def _headers(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    answer = await go_on(request)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if not request.url.path.startswith("/api/openapi"):
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer
