"""What the page `/handover` fetches and sends. The page's own shapes."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ioc.text import say
from ioc.web.door import caller, refusal
from ioc.web.problem import problem
from ioc.web.services import Services
from ioc.web.shift_commands import ShiftCommands, ShiftRefusedError, Taking

_PLAIN = r"^[^\x00]*$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Note(_Body):
    note: Annotated[str, Field(min_length=1, max_length=2000, pattern=_PLAIN)]


class Signing(BaseModel):
    """The password is taken as typed: blanks belong to it."""

    model_config = ConfigDict(extra="forbid")

    receiver: Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    remark: Annotated[str, Field(max_length=4000, pattern=_PLAIN)] = ""
    after: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


def router(services: Services) -> APIRouter:
    """Return /desk/handover and what lies below it."""
    routes = APIRouter(prefix="/desk/handover", include_in_schema=False)
    shifts = ShiftCommands(services.database, services.clock, services.door, services.things)
    zone = services.settings.province.zone

    @routes.get("")
    async def standing() -> Response:
        return Response(orjson.dumps(await shifts.standing()), media_type="application/json")

    @routes.get("/{number}")
    async def one(number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
        return Response(orjson.dumps(await shifts.one(number)), media_type="application/json")

    @routes.post("/notes", status_code=204)
    async def note(body: Note) -> Response:
        await shifts.note(body.note)
        return Response(status_code=204)

    @routes.post("")
    async def sign(body: Signing, request: Request) -> Response:
        taking = Taking(body.receiver, body.password, body.remark.strip(), body.after)
        try:
            number = await shifts.sign(taking, caller(request))
        except ShiftRefusedError as refused:
            words = say(f"handover.refusal.{refused.code}")
            if refused.login is not None:
                words = refusal(refused.login, zone)
            return problem(409, "shift", reason=refused.code, detail=words)
        return Response(orjson.dumps({"id": number}), 201, media_type="application/json")

    return routes
