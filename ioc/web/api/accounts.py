"""Accounts, their sessions, and tokens, for whoever may manage them; secrets are answered once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.web.account_commands import NewAccount, NewToken
from ioc.web.api.shapes import Page
from ioc.web.security import caller_address
from ioc.web.services import Services

LONGEST_NAME: Final = 64
_WORD: Final = r"^[^\x00-\x1f\x7f]*$"
_MOST_AREAS: Final = 1000
_LONGEST_LIFE_DAYS: Final = 3650

Username = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME, pattern=_WORD)]
TokenId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Code = Annotated[str, Field(min_length=1, max_length=40, pattern=_WORD)]
Codes = Annotated[list[Code], Field(max_length=_MOST_AREAS)]


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Limits(_Body):
    """Commune codes and kinds of things; null: no limit."""

    areas: Codes | None = None
    domains: Codes | None = None

    def scope(self) -> Scope:
        return Scope(
            None if self.areas is None else frozenset(self.areas),
            None if self.domains is None else frozenset(self.domains),
        )


class Person(Limits):
    """What an administrator says of somebody."""

    display_name: Annotated[str, Field(max_length=100, pattern=_WORD)] = ""
    role: Role

    def account(self, username: str) -> NewAccount:
        shown = self.display_name or username
        return NewAccount(username, shown, self.role.value, self.scope())


class NewPerson(Person):
    username: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=_WORD)]


class TokenIn(Limits):
    """`source` belongs to the kind source alone: whose observations it hands in."""

    kind: Literal["kiosk", "api", "source"]
    role: Role
    label: Annotated[str, Field(min_length=1, max_length=100, pattern=_WORD)]
    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    days: Annotated[int, Field(ge=1, le=_LONGEST_LIFE_DAYS)] = 365

    def token(self) -> NewToken:
        return NewToken(self.kind, self.role, self.label, self.source, None, self.scope())


class AccountOut(_Row):
    username: str
    display_name: str
    role: str
    disabled: bool
    locked_until: datetime | None
    must_change: bool
    second_factor: bool
    signed_on: bool
    areas: list[str] | None
    domains: list[str] | None
    sessions: int
    last_seen: datetime | None
    created_at: datetime


class SessionOut(_Row):
    number: int
    created_at: datetime
    active_at: datetime
    expires_at: datetime
    address: str | None
    agent: str


class TokenOut(_Row):
    id: int
    kind: str
    role: str
    label: str
    source: str | None
    areas: list[str] | None
    domains: list[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeOut(_Row):
    """A secret that no other answer ever holds: a one-time password, or a token."""

    name: str
    secret: str


class Area(BaseModel):
    code: str
    name: str


class UserOptionsOut(BaseModel):
    """What a form offers."""

    roles: list[Role]
    areas: list[Area]
    domains: list[str]


def add(api: APIRouter, services: Services) -> None:
    """Add the routes of accounts and tokens."""
    _people(api, services)
    _doors(api, services)
    _sessions(api, services)
    _tokens(api, services)


def _people(api: APIRouter, services: Services) -> None:
    accounts = services.accounts

    @api.get("/users")
    async def users() -> Page[AccountOut]:
        rows = await accounts.accounts()
        return Page(items=[AccountOut.model_validate(row) for row in rows], next=None)

    @api.post("/users", status_code=201)
    async def create(request: Request, body: NewPerson) -> MadeOut:
        new = body.account(body.username)
        return MadeOut.model_validate(await accounts.create(new, _address(request)))

    @api.post("/users/{username}/change", status_code=204)
    async def change(request: Request, username: Username, body: Person) -> Response:
        await accounts.change(body.account(username), _address(request))
        return Response(status_code=204)

    @api.get("/user-options")
    async def options() -> UserOptionsOut:
        found = await services.queries.desk_choices()
        areas = [Area(code=code, name=name) for code, name in found.areas]
        people: list[Role] = [role for role in Role if role not in (Role.KIOSK, Role.SOURCE)]
        return UserOptionsOut(roles=people, areas=areas, domains=found.kinds)


def _doors(api: APIRouter, services: Services) -> None:
    accounts = services.accounts

    @api.post("/users/{username}/lock", status_code=204)
    async def lock(request: Request, username: Username) -> Response:
        await accounts.lock(username, _address(request))
        return Response(status_code=204)

    @api.post("/users/{username}/unlock", status_code=204)
    async def unlock(request: Request, username: Username) -> Response:
        await accounts.unlock(username, _address(request))
        return Response(status_code=204)

    @api.post("/users/{username}/reset")
    async def reset(request: Request, username: Username) -> MadeOut:
        return MadeOut.model_validate(await accounts.reset(username, _address(request)))


def _sessions(api: APIRouter, services: Services) -> None:
    accounts = services.accounts

    @api.get("/users/{username}/sessions")
    async def sessions(username: Username) -> Page[SessionOut]:
        rows = await accounts.sessions(username)
        return Page(items=[SessionOut.model_validate(row) for row in rows], next=None)

    @api.delete("/users/{username}/sessions", status_code=204)
    async def end_all(request: Request, username: Username) -> Response:
        await accounts.end_sessions(username, _address(request))
        return Response(status_code=204)

    @api.delete("/users/{username}/sessions/{number}", status_code=204)
    async def end(
        request: Request, username: Username, number: Annotated[int, Path(ge=1, le=10**18)]
    ) -> Response:
        await accounts.end_session(username, number, _address(request))
        return Response(status_code=204)


def _tokens(api: APIRouter, services: Services) -> None:
    accounts = services.accounts

    @api.get("/tokens")
    async def tokens() -> Page[TokenOut]:
        rows = await accounts.tokens()
        return Page(items=[TokenOut.model_validate(row) for row in rows], next=None)

    @api.post("/tokens", status_code=201)
    async def create(request: Request, body: TokenIn) -> MadeOut:
        made = await accounts.create_token(body.token(), body.days, _address(request))
        return MadeOut.model_validate(made)

    @api.delete("/tokens/{token_id}", status_code=204)
    async def revoke(request: Request, token_id: TokenId) -> Response:
        await accounts.revoke_token(token_id, _address(request))
        return Response(status_code=204)


def _address(request: Request) -> str | None:
    return caller_address(request.scope, request.headers)
