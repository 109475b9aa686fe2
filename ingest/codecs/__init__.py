"""Codecs: bytes in, values out; one module a format, found by entry point `ioc.codecs`.

An entry point names a function `build(options, feed) -> Codec`. It raises ConfigError for options
it does not understand; its `decode` raises PayloadError when nothing of a message can be read,
and returns a refusal beside the good values when a part is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ioc.domain.errors import PayloadError
from ioc.domain.intake import PropertySpec, Sighting
from ioc.domain.observation import Decoded


@dataclass(slots=True)
class Decoding:
    """What was in one message: values, the parts that were refused, what it says of its things."""

    observations: list[Decoded] = field(default_factory=list)
    refusals: list[PayloadError] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


Decode = Callable[[Mapping[str, str], bytes], Decoding]


@dataclass(frozen=True, slots=True)
class Codec:
    """A decoder made for one feed, and the properties it can deliver."""

    decode: Decode
    properties: Mapping[str, PropertySpec]


class FeedView(Protocol):
    """What a codec may know of its feed."""

    @property
    def zone(self) -> str: ...
    @property
    def pattern(self) -> Any: ...  # noqa: ANN401  ingest.topics.Pattern; only `.names` is read


Build = Callable[[Mapping[str, Any], FeedView], Codec]
