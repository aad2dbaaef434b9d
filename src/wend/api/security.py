"""Who may ask: bearer API keys with scopes for `/api`, a password for the pages.

The pages are for development: on a loopback address without a password they are open; with a password they want it (HTTP
Basic, any user name); on any other address without a password they stay closed.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from wend.api.acts import keys
from wend.api.problem import Fault
from wend.api.surface import surface_of
from wend.store.keys import Key

_bearer = HTTPBearer(auto_error=False, description="An API key, made by `wend key new --kind api`.")


def needs(scope: str) -> Callable[..., Awaitable[Key]]:
    """Dependency: the caller's API key, which must have `scope`."""
    wanted = keys.SCOPES[keys.SCOPES.index(scope) :]

    async def check(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Key:
        challenge = {"WWW-Authenticate": 'Bearer realm="wend"'}
        if given is None:
            detail = "An API key is needed: `Authorization: Bearer …`. Make one with `wend key new --kind api`."
            raise Fault(401, "no-key", detail, headers=challenge)
        async with surface_of(request).pool.connection() as conn:
            key = await keys.whose(conn, given.credentials)
        if key is None:
            raise Fault(401, "unknown-key", "This API key is not known or was revoked.", headers=challenge)
        if not key.scopes & set(wanted):
            raise Fault(
                403, "scope", f"This key has the scopes {', '.join(sorted(key.scopes))}; {scope!r} is needed here."
            )
        request.state.key = key
        return key

    return check


Reader = Annotated[Key, Depends(needs("read"))]
Writer = Annotated[Key, Depends(needs("write"))]
Admin = Annotated[Key, Depends(needs("admin"))]


async def page_guard(request: Request) -> None:
    """Dependency of all pages: raises unless this caller may see them."""
    surface = surface_of(request)
    if not surface.password:
        # A web site of somebody else must not read our pages through a name that resolves to this machine.
        host = (request.url.hostname or "").lower()
        if surface.loopback and (host in {"localhost", "::1"} or host.startswith("127.")):
            return
        raise HTTPException(403, "The pages are closed: set WEND_PASSWORD to open them to people who know it.")
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            password = ""
        if secrets.compare_digest(password.encode(), surface.password.encode()):
            return
    raise HTTPException(401, "The password is needed.", {"WWW-Authenticate": 'Basic realm="Wend", charset="UTF-8"'})
