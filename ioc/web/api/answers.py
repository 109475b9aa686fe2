"""What every route of version 1 answers alike: ETags of what is read, and refusals described."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response, StreamingResponse

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_MEANING: Final = {
    400: "The request could not be read.",
    401: "No session or token, or one that has ended.",
    403: "The role may not, or the session is locked: `type` says which.",
    404: "There is no such thing, or it is out of the scope of who asks.",
    405: "The path is not asked this way.",
    409: "It cannot be done as things stand.",
    411: "The request says no length.",
    413: "The body is too large.",
    422: "A parameter or the body is not valid; `places` names where.",
    429: "Too fast; `Retry-After` says for how long.",
    500: "A mistake of ours.",
    503: "The database is away; `Retry-After` says for how long.",
}
_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": meaning, "content": _CONTENT} for status, meaning in _MEANING.items()
}
_UNCHANGED: Final = {304: {"description": "What `If-None-Match` names is still so."}}


def shared(description: dict[str, Any]) -> None:
    """Put what every route refers to into the description."""
    description["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    for path in description["paths"].values():
        if "get" in path:
            path["get"]["responses"] |= {str(k): v for k, v in _UNCHANGED.items()}


class Checked(APIRoute):
    """A route whose answers to GET carry an ETag, so that asking again costs no transfer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            answer = await handle(request)
            reads = request.method in ("GET", "HEAD") and answer.status_code == 200  # noqa: PLR2004
            if not reads or isinstance(answer, StreamingResponse):
                return answer
            etag = f'"{sha256(bytes(answer.body)).hexdigest()[:16]}"'
            headers = {"ETag": etag}  # the gate's no-store stays: a program remembers it by itself
            if etag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            answer.headers.update(headers)
            return answer

        return checked
