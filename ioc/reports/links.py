"""Where a figure of a report comes from: addresses of the product's own pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

HOUR_S: Final = 3600


def chart(thing: int, code: str, first: int, last: int) -> str:
    """Return the chart of a datastream from hour `first` to the end of hour `last`."""
    asked = {"property": code, "from": moment(first), "to": moment(last + 1)}
    return f"/thing/{thing}?{urlencode(asked)}"


def moment(hour: int) -> str:
    """Return the beginning of an hour since the epoch as an address has it."""
    return f"{datetime.fromtimestamp(hour * HOUR_S, UTC):%Y-%m-%dT%H:%MZ}"
