"""What people do to alerts over HTTP: commands on one alert, on several, and masks.

A command that an alert does not take as it stands is 409 with the reason in words and as a code.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from ioc.domain.announcement import Alert
from ioc.domain.handling import Handling
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.mask import Mask, MaskKind, Matcher
from ioc.domain.operator import LONGEST_NAME, LONGEST_REASON, LONGEST_TEXT, Step
from ioc.web.api.shapes import AcknowledgementOut, AlertDetailOut, MaskOut, Page
from ioc.web.commands import LONGEST_KEY, MOST_AT_ONCE, Order
from ioc.web.problem import problem
from ioc.web.security import caller_address
from ioc.web.services import Services

MOST_MASKS: Final = 1000
LARGEST_ID: Final = 2**31 - 1

MaskId = Annotated[int, Path(ge=1, le=2**63 - 1)]
IdempotencyKey = Annotated[str, Header(min_length=1, max_length=LONGEST_KEY, pattern=r"^[!-~]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="after")
    @classmethod
    def _plain(cls, value: object) -> object:
        """Refuse what the database cannot hold."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("no text with a NUL")
        return value


class Several(_Body):
    """Alerts to acknowledge at once."""

    alerts: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Note(_Body):
    note: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class Assignment(_Body):
    """Whose it is; null: nobody's."""

    assignee: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None


class Shelf(_Body):
    """For how long, at most a shift whatever is asked; `one_shot`: its return ends it too."""

    seconds: Annotated[float, Field(gt=0, le=10 * 365 * 86400, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
    one_shot: bool = False


class HandlingStep(_Body):
    to: Handling
    note: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    assignee: Annotated[str, Field(max_length=LONGEST_NAME)] = ""


class Covers(_Body):
    """Which alerts: everything given must fit."""

    rule: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    datastream: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    thing: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    commune: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    feed: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class NewMask(_Body):
    """Planned work, or a device out of service. `starts` null: now."""

    kind: MaskKind
    matcher: Covers
    starts: AwareDatetime | None = None
    ends: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class AlertStateOut(BaseModel):
    """An alert as it stands after a command."""

    id: UUID
    state: str
    active: bool
    latched: bool
    mask: str | None
    masked_until: datetime | None
    acked_at: datetime | None
    acked_by: str | None
    assignee: str | None
    handling: str
    handling_due: datetime | None
    closed_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> AlertStateOut:
        return cls(
            id=alert.id,
            state=alert.display.value,
            active=alert.active,
            latched=alert.latched,
            mask=alert.mask,
            masked_until=_time(alert.masked_until),
            acked_at=_time(alert.acked_at),
            acked_by=alert.acked_by,
            assignee=alert.assignee,
            handling=alert.handling.value,
            handling_due=_time(alert.handling_due),
            closed_at=_time(alert.closed_at),
        )


class AnswerOut(BaseModel):
    """What became of one of several; `refusal` is a code, null where it was acknowledged."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    acked_by: str | None
    acked_at: datetime | None
    refusal: str | None


def add(api: APIRouter, services: Services) -> None:
    """Add the routes that change alerts and masks."""
    _acknowledgements(api, services)
    _orders(api, services)
    _shelves(api, services)
    _masks(api, services)


def _acknowledgements(api: APIRouter, services: Services) -> None:
    commands = services.commands

    @api.post("/alerts/acknowledge")
    async def acknowledge_all(request: Request, body: Several) -> Page[AnswerOut]:
        answers = await commands.acknowledge_all(body.alerts, address=_address(request))
        return Page(items=[AnswerOut.model_validate(answer) for answer in answers], next=None)

    @api.post("/alerts/{alert_id}/acknowledge", response_model=AcknowledgementOut)
    async def acknowledge(request: Request, alert_id: UUID, idempotency_key: IdempotencyKey) -> Any:  # noqa: ANN401
        return await commands.acknowledge(alert_id, key=idempotency_key, address=_address(request))


def _orders(api: APIRouter, services: Services) -> None:
    commands = services.commands

    @api.get("/alerts/{alert_id}", response_model=AlertDetailOut)
    async def alert(alert_id: UUID) -> Any:  # noqa: ANN401  a shape or a problem
        return await services.queries.alert(alert_id) or problem(404, "not_found")

    @api.post("/alerts/{alert_id}/comment")
    async def comment(request: Request, alert_id: UUID, body: Note) -> AlertStateOut:
        return AlertStateOut.of(await commands.comment(_order(request, alert_id), body.note))

    @api.post("/alerts/{alert_id}/assign")
    async def assign(request: Request, alert_id: UUID, body: Assignment) -> AlertStateOut:
        return AlertStateOut.of(await commands.assign(_order(request, alert_id), body.assignee))

    @api.post("/alerts/{alert_id}/close")
    async def close(request: Request, alert_id: UUID) -> AlertStateOut:
        return AlertStateOut.of(await commands.close(_order(request, alert_id)))

    @api.post("/alerts/{alert_id}/reset")
    async def reset(request: Request, alert_id: UUID) -> AlertStateOut:
        return AlertStateOut.of(await commands.reset(_order(request, alert_id)))

    @api.post("/alerts/{alert_id}/handling")
    async def handling(request: Request, alert_id: UUID, body: HandlingStep) -> AlertStateOut:
        step = Step(body.to, body.note, body.assignee)
        return AlertStateOut.of(await commands.take_step(_order(request, alert_id), step))


def _shelves(api: APIRouter, services: Services) -> None:
    commands = services.commands

    @api.post("/alerts/{alert_id}/shelve")
    async def shelve(request: Request, alert_id: UUID, body: Shelf) -> AlertStateOut:
        shelved = await commands.shelve(
            _order(request, alert_id), body.seconds, body.reason, one_shot=body.one_shot
        )
        return AlertStateOut.of(shelved)

    @api.post("/alerts/{alert_id}/unshelve")
    async def unshelve(request: Request, alert_id: UUID) -> AlertStateOut:
        return AlertStateOut.of(await commands.unshelve(_order(request, alert_id)))


def _masks(api: APIRouter, services: Services) -> None:
    commands = services.commands

    @api.get("/masks")
    async def masks(limit: Annotated[int, Query(ge=1, le=MOST_MASKS)] = 200) -> Page[MaskOut]:
        rows = await services.queries.masks(limit=limit)
        return Page(items=[MaskOut.model_validate(row) for row in rows], next=None)

    @api.post("/masks", status_code=201)
    async def put(request: Request, body: NewMask) -> MaskOut:
        made = await commands.put_mask(_mask(body), address=_address(request))
        return MaskOut.of(made)

    @api.post("/masks/{mask_id}/approve")
    async def approve(request: Request, mask_id: MaskId) -> MaskOut:
        return MaskOut.of(await commands.approve_mask(mask_id, address=_address(request)))

    @api.delete("/masks/{mask_id}", status_code=204)
    async def lift(request: Request, mask_id: MaskId) -> Response:
        await commands.lift_mask(mask_id, address=_address(request))
        return Response(status_code=204)


def _mask(body: NewMask) -> Mask:
    starts = Micros(0) if body.starts is None else from_datetime(body.starts)
    matcher = Matcher(**body.matcher.model_dump(exclude_none=True))
    return Mask(body.kind, matcher, starts, from_datetime(body.ends), body.reason, "")


def _order(request: Request, alert_id: UUID) -> Order:
    return Order(alert_id, _address(request))


def _address(request: Request) -> str | None:
    return caller_address(request.scope, request.headers)


def _time(instant: Micros | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
