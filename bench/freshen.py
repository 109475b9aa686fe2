"""Moves the times inside recorded messages, so that a repetition is news and not a duplicate."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

# 2026-11-22T08:15:07 or with a blank; fractions and offsets stay as they stand behind it.
# No day after the 28th: the calendar is checked nowhere else, and some messages hold wrong dates.
_ISO: Final = re.compile(
    rb"(20\d\d-(?:0[1-9]|1[0-2])-(?:[01]\d|2[0-8]))([T ])((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
)
# Seconds, milli-, micro- or nanoseconds since 1970, of the years 2020 to 2033.
_EPOCH: Final = re.compile(rb"(?<![\d.\w-])(1[6-9]\d{8})((?:\d{3}){0,3})(?![\d\w])")


def moved(payload: bytes, newest: float) -> bytes:
    """Return a text payload with all its times moved so that the newest is at `newest`.

    Distances between the times of one message stay. What is no UTF-8, or holds no time that is
    known here, is returned as it is.
    """
    try:
        payload.decode()
    except UnicodeDecodeError:
        return payload
    found = [_seconds(match) for match in _ISO.finditer(payload)]
    found += [int(match[1]) for match in _EPOCH.finditer(payload)]
    if not found:
        return payload
    shift = int(newest) - max(found)
    payload = _ISO.sub(lambda match: _iso(match, shift), payload)
    return _EPOCH.sub(lambda match: b"%d%b" % (int(match[1]) + shift, match[2]), payload)


def _seconds(match: re.Match[bytes]) -> int:
    moment = datetime.fromisoformat(f"{match[1].decode()}T{match[3].decode()}")
    return int(moment.replace(tzinfo=UTC).timestamp())


def _iso(match: re.Match[bytes], shift: int) -> bytes:
    moment = datetime.fromtimestamp(_seconds(match), UTC) + timedelta(seconds=shift)
    return moment.strftime("%Y-%m-%d").encode() + match[2] + moment.strftime("%H:%M:%S").encode()
