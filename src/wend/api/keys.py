"""`/api/keys`: making, listing and revoking keys. Only for keys with the scope `admin`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from wend.api.acts import keys
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Admin
from wend.api.surface import surface_of
from wend.store.keys import list_keys

router = APIRouter(prefix="/api/keys", tags=["keys"])


class KeyShown(BaseModel):
    """A key without its secret. Times in ms UTC."""

    id: str
    kind: Literal["write", "api"]
    name: str
    scopes: list[str]
    created_at: int
    revoked_at: int | None = None


class KeyList(BaseModel):
    """All keys."""

    items: list[KeyShown]


class KeyWanted(BaseModel):
    """A key to be made. `scopes` only for API keys; empty: all."""

    kind: Literal["write", "api"]
    name: Annotated[str, Field(max_length=200)] = ""
    scopes: list[str] = []


class KeyMade(BaseModel):
    """A new key. `secret` is shown this once."""

    id: str
    kind: Literal["write", "api"]
    name: str
    scopes: list[str]
    secret: str


@router.get("", operation_id="list_keys")
async def list_all(request: Request, key: Admin) -> KeyList:
    """All keys, revoked ones too."""
    async with surface_of(request).pool.connection() as conn:
        found = await list_keys(conn)
    return KeyList(
        items=[
            KeyShown(
                id=one.key.id,
                kind=one.key.kind,
                name=one.key.name,
                scopes=sorted(one.key.scopes),
                created_at=one.created_at,
                revoked_at=one.revoked_at,
            )
            for one in found
        ]
    )


@router.post("", operation_id="make_key", status_code=201)
async def make(request: Request, key: Admin, wanted: KeyWanted) -> KeyMade:
    """Make a key; its secret is in this answer and nowhere else."""
    async with surface_of(request).pool.connection() as conn:
        try:
            made, secret = await keys.make(conn, wanted.kind, wanted.name, wanted.scopes, who=f"key {key.id}")
        except ValueError as error:
            raise Fault(422, "invalid", str(error), [FieldProblem(field="scopes", message=str(error))]) from None
    return KeyMade(id=made.id, kind=made.kind, name=made.name, scopes=sorted(made.scopes), secret=secret)


@router.delete("/{key_id}", operation_id="revoke_key", status_code=204)
async def revoke(request: Request, key: Admin, key_id: str) -> None:
    """Take a key out of force: API keys at once, write keys within half a minute."""
    async with surface_of(request).pool.connection() as conn:
        if not await keys.revoke(conn, key_id, who=f"key {key.id}"):
            raise missing("key in force", key_id)
