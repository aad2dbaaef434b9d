"""Errors of the API: problem details (RFC 9457), `application/problem+json`.

Every error has type, title, status and detail; faults of a body list each field by its path:
`errors: [{"field": "nodes.remind.channel", "message": "'emial' is not a channel; did you mean 'email'?"}]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger("wend.api")


class FieldProblem(BaseModel):
    """One fault and its place."""

    field: str
    message: str
    level: str = "error"


class ProblemBody(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class Fault(Exception):
    """An answer other than success. `code` is the stable name of the kind of problem, for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = list(errors), dict(headers or {})


def missing(noun: str, name: object, hint: str = "") -> Fault:
    """404: there is no `noun` of that name."""
    return Fault(404, "not-found", f"There is no {noun} {name!r}{hint}.")


def answer(fault: Fault) -> JSONResponse:
    """The response that tells of `fault`."""
    body = ProblemBody(
        type=f"urn:wend:problem:{fault.code}",
        title=HTTPStatus(fault.status).phrase,
        status=fault.status,
        detail=fault.detail,
        errors=fault.errors,
    )
    return JSONResponse(body.model_dump(), fault.status, fault.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem detail."""

    async def fault(request: Request, error: Exception) -> Response:
        assert isinstance(error, Fault)
        return answer(error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found: list[dict[str, Any]] = list(error.errors())
        errors = [FieldProblem(field=_path(one["loc"]), message=str(one["msg"])) for one in found]
        return answer(Fault(422, "invalid", "The request does not have the form that is expected.", errors))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return answer(Fault(error.status_code, code, str(error.detail), headers=error.headers))

    async def away(request: Request, error: Exception) -> Response:
        log.error("database away", path=request.url.path, error=str(error))
        return answer(
            Fault(503, "store-away", "The database cannot be reached at the moment.", headers={"Retry-After": "2"})
        )

    async def broken(request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, exc_info=error)
        return answer(Fault(500, "internal", "Something went wrong here; the server's log tells what."))

    app.add_exception_handler(Fault, fault)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(psycopg.OperationalError, away)
    app.add_exception_handler(PoolTimeout, away)
    app.add_exception_handler(Exception, broken)


def _path(place: Sequence[object]) -> str:
    """('body', 'nodes', 0, 'kind') → 'nodes[0].kind'; parameters keep their kind: 'query.limit'."""
    parts = list(place)
    if len(parts) > 1 and parts[0] == "body":
        parts = parts[1:]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
