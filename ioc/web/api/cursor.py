"""Opaque places in a list: `next` of one answer is `cursor` of the next request."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any, Final

import orjson

from ioc.domain.errors import Refusal

LARGEST_PAGE: Final = 1000  # about 200 kB: one answer, not an export
LONGEST: Final = 300  # characters of a cursor
_LARGEST_ID: Final = 2**63 - 1  # bigint


class CursorError(Refusal):
    """A cursor that is none of ours."""


def encode(*place: object) -> str:
    """Return a place as text."""
    return urlsafe_b64encode(orjson.dumps(list(place))).rstrip(b"=").decode()


def decode_id(cursor: str | None) -> int:
    """Return the id of a place in a list by id, 0 for its begin. Raises CursorError."""
    if cursor is None:
        return 0
    (place,) = decode(cursor, 1)
    if type(place) is not int or not 0 <= place <= _LARGEST_ID:
        raise CursorError("a cursor of another list")
    return place


def decode(cursor: str, size: int) -> list[Any]:
    """Return the `size` values of a place. Raises CursorError."""
    try:
        place = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise CursorError("not a cursor") from error
    if not isinstance(place, list) or len(place) != size:
        raise CursorError("a cursor of another list")
    return place


def moment(text: object) -> datetime:
    """Return the aware instant of a place. Raises CursorError."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise CursorError("a cursor of another list") from error
    if found.tzinfo is None:
        raise CursorError("a cursor of another list")
    return found
