"""What the description of the API says of POST /observations: bodies, answers, an example of each.

The examples are those of the shipped feeds `http` and `http-senml` (config/feeds/http.yaml).
"""

from __future__ import annotations

from typing import Any, Final

from ioc.web.access import LARGEST_BODY
from ioc.web.broker import ANSWER_S

EXAMPLE: Final[dict[str, Any]] = {
    "observations": [
        {
            "thing": "tram-07",
            "datastream": "pm25",
            "result": 35.2,
            "unit": "µg/m³",
            "phenomenonTime": "2026-11-22T08:00:00+07:00",
        },
        {
            "thing": "tram-07",
            "datastream": "humidity",
            "result": 71,
            "unit": "%",
            "phenomenonTime": "2026-11-22T08:00:00+07:00",
        },
    ]
}
SENML_EXAMPLE: Final[list[dict[str, Any]]] = [
    {"bn": "tram-07:", "bt": 1795309200, "n": "pm25", "u": "ug/m3", "v": 35.2},
    {"n": "humidity", "u": "%RH", "v": 71},
]

_TEXT: Final = f"""\
Hand in observations as one body of at most {LARGEST_BODY} bytes. It is published unchanged to
`ioc/http/<source>`; the source is the token's (`ioc token create --role source --source NAME`), and
the feed of that topic says how a body is read. 202 means that the broker has confirmed the message:
from then on it is not lost. It does not mean that the body was understood: what is refused later is
listed by `GET /api/v1/feeds/{{feed}}/dead-letters`, for people who may see it.

**Send again** after 408, 429 (after `Retry-After` seconds), 503, or no answer at all. A body that
arrives twice is absorbed: an observation with its own time exists once for its thing, datastream
and `phenomenonTime`. One without a time is stored under the moment of its arrival, each time it
arrives, so give a time. Other refusals come back the same way: do not repeat them unchanged.
"""

_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_RETRY: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_NOT_TAKEN: Final = (
    f"Nothing was promised: the broker did not confirm within {ANSWER_S:.0f} s, refused, or knows"
    " no feed of this source, or the database is away and this token is new to us."
)
# status -> (problem code of the example, when it is given, whether it says when to come back)
_REFUSALS: Final = {
    400: ("empty_body", "The body is empty.", False),
    401: ("login_required", "The token is missing, unknown, expired or revoked.", False),
    403: ("forbidden", "The token is not one of a source.", False),
    408: ("slow_body", "The body did not arrive in time.", False),
    411: ("length_required", "Content-Length is missing (chunked bodies too).", False),
    413: ("too_large", f"More than {LARGEST_BODY} bytes, or than the broker takes.", False),
    415: ("unsupported_type", "Another content type, a charset but UTF-8, or compressed.", False),
    429: ("too_fast", "Too many requests of this token a second, or at once.", True),
    503: ("broker_away", _NOT_TAKEN, True),
}


def _refusal(status: int, code: str, when: str, *, retry: bool) -> dict[str, Any]:
    example = {
        "type": f"urn:ioc:problem:{code}",
        "title": "…",
        "status": status,
        "detail": "…",
    }
    found: dict[str, Any] = {
        "description": when,
        "content": {"application/problem+json": {"schema": _PROBLEM, "example": example}},
    }
    return found | ({"headers": _RETRY} if retry else {})


_ACCEPTED: Final = {
    "description": "The broker has confirmed the body; the id stands in our log.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["message_id"],
                "properties": {"message_id": {"type": "string", "format": "uuid"}},
            },
            "example": {"message_id": "7b0c5a3e-9a0f-4d0e-8a55-0f6f1c1c2d11"},
        }
    },
}
_BODIES: Final = {
    "application/json": {
        "schema": {"description": "As the source's feed says.", "type": ["object", "array"]},
        "example": EXAMPLE,
    },
    "application/senml+json": {
        "schema": {"description": "A SenML pack (RFC 8428).", "type": "array"},
        "example": SENML_EXAMPLE,
    },
    "application/senml+cbor": {
        "schema": {"description": "A SenML pack in CBOR.", "type": "string", "format": "binary"}
    },
}

DESCRIPTION: Final[dict[str, Any]] = {
    "summary": "Hand in observations (push)",
    "description": _TEXT,
    "responses": {202: _ACCEPTED}
    | {
        status: _refusal(status, code, when, retry=retry)
        for status, (code, when, retry) in _REFUSALS.items()
    },
    "openapi_extra": {
        "requestBody": {"required": True, "content": _BODIES},
        "security": [{"token": []}],
    },
}
SECURITY: Final[dict[str, Any]] = {"token": {"type": "http", "scheme": "bearer"}}
