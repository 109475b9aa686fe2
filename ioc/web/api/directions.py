"""A leader's directions and comments, from a tablet that may have been without a line; web push."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from ioc.domain.instant import from_datetime
from ioc.domain.operator import LONGEST_TEXT, Word
from ioc.web.api.operator import IdempotencyKey
from ioc.web.security import caller_address
from ioc.web.services import Services

# What a clock that was never set, or a joker, sends must still be an instant everywhere.
_FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Direction(BaseModel):
    """What is said; `written_at` is when, which may be long before it could be sent."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    note: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    kind: Literal["direction", "comment"] = "direction"
    written_at: Annotated[AwareDatetime, Field(ge=_FIRST, le=_LAST)]

    @field_validator("note", mode="after")
    @classmethod
    def _plain(cls, value: str) -> str:
        """Refuse what the database cannot hold."""
        if "\x00" in value:
            raise ValueError("no text with a NUL")
        return value


class DirectionOut(BaseModel):
    """A word that stands in the alert's log."""

    model_config = ConfigDict(from_attributes=True)

    alert: UUID
    kind: str
    by: str
    written_at: datetime
    received_at: datetime


def add(api: APIRouter, services: Services) -> None:
    """Add the routes."""
    commands = services.briefs.commands

    @api.post("/alerts/{alert_id}/direction", response_model=DirectionOut)
    async def direct(
        request: Request, alert_id: UUID, body: Direction, idempotency_key: IdempotencyKey
    ) -> Any:  # noqa: ANN401  a shape
        word = Word(body.note, from_datetime(body.written_at), asks=body.kind == "direction")
        address = caller_address(request.scope, request.headers)
        return await commands.direct(alert_id, word, key=idempotency_key, address=address)
