"""The rest of a rule's life over HTTP: switched off and on, its people reached for a test."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from ioc.web.security import caller_address
from ioc.web.services import Services

_WORD: Final = r"^[^\x00]*$"
Key = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,63}$")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class SwitchIn(BaseModel):
    on: bool
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=_WORD)]


class SwitchOut(BaseModel):
    """How the rule stands; `waiting`: for a second person; `ends`: open alerts that end now."""

    id: str
    enabled: bool
    waiting: bool
    ends: int


class ExerciseIn(BaseModel):
    target: Annotated[str, Field(min_length=1, max_length=100, pattern=_WORD)]


class AskedOut(BaseModel):
    id: int


class ExerciseOut(BaseModel):
    """What became of a test message; `detail` is the receipt, or why an attempt failed."""

    target: str
    channel: str
    asked_at: datetime
    sent_at: datetime | None
    dead: bool
    attempts: int
    detail: str


def add(api: APIRouter, services: Services) -> None:
    """Add the routes."""

    @api.post("/rules/{key}/switch")
    async def switch(request: Request, key: Key, wanted: SwitchIn) -> SwitchOut:
        address = caller_address(request.scope, request.headers)
        done = await services.rule_switch.switch(
            key, on=wanted.on, reason=wanted.reason, address=address
        )
        return SwitchOut.model_validate(done, from_attributes=True)

    @api.post("/notify-tests", status_code=202)
    async def send(request: Request, wanted: ExerciseIn) -> AskedOut:
        address = caller_address(request.scope, request.headers)
        return AskedOut(id=await services.exercises.send(wanted.target, address=address))

    @api.get("/notify-tests/{number}")
    async def fate(number: Number) -> ExerciseOut:
        found = await services.exercises.fate(number)
        return ExerciseOut.model_validate(found, from_attributes=True)
