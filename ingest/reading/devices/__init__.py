"""Decoders of the bytes that LoRaWAN devices send; one module a maker, one entry a model.

A decoder is a pure function (bytes, fPort) -> parts. Names are those of the maker's own decoder,
so that a datastream keeps its name whether the network server decoded or we did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ingest.codec import Ignored
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Quality


class Reading(NamedTuple):
    """One value in a frame. `time` (µs) only where the frame holds one, by the device's clock."""

    name: str
    value: float
    unit: str | None = None
    time: Micros | None = None
    historical: bool = False
    quality: Quality = Quality.GOOD


Part: TypeAlias = Reading | Ignored | PayloadError
Decode: TypeAlias = Callable[[bytes, int], list[Part]]


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a model, also where the network server decoded its frames.

    `units` has every name that is a number, with its unit. `first`: what the device is there for,
    before what it says of itself. `history`: the key under which the maker's decoder puts past
    values, each with a `timestamp` in seconds.
    """

    decode: Decode
    units: Mapping[str, str | None] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    history: str | None = None


def model(name: str) -> re.Pattern[str]:
    """Return a pattern that finds a model's name as whole words: "EM500-UDL-868M" is one."""
    words = r"[\W_]*".join(re.escape(word) for word in name.split("-"))
    return re.compile(rf"(?<![a-z0-9]){words}(?![a-z0-9])")
