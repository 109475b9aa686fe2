"""What a codec is: a message in, outcomes out. Found by entry point `ioc.codecs`.

An entry point names a function `build(options, feed) -> Codec`. It raises ConfigError for options
it does not understand. `decode` is a pure function of the message and of what the codec remembers
of earlier ones: no I/O, no clock. It raises PayloadError when nothing of a message can be read and
returns a PayloadError among the outcomes when a part is broken; never another exception, whatever
the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, DeviceState, Flag


class Message(NamedTuple):
    """One MQTT message; `parts` are the named parts of its topic, `received` is µs."""

    topic: str
    parts: Mapping[str, str]
    payload: bytes
    received: Micros
    retain: bool = False
    dup: bool = False


class Status(NamedTuple):
    """What a message says of a thing's life: raw, before any hold. `time` None: none was sent."""

    thing: str
    state: DeviceState
    detail: str = ""
    time: Micros | None = None
    flags: Flag = Flag.NONE


class Command(NamedTuple):
    """Something to publish in answer, once the message is committed (a rebirth request, say)."""

    topic: str
    payload: bytes


class Ignored(NamedTuple):
    """A part that is understood and is no measurement; `reason` is a code under `ignored.`."""

    reason: str


EMPTY: Final = Ignored("empty")
TEXT: Final = Ignored("text")
METADATA: Final = Ignored("metadata")


Outcome: TypeAlias = Decoded | Status | Command | Ignored | PayloadError


@dataclass(slots=True)
class Decoding:
    """What was in one message, in its own order, and what it says of its things."""

    outcomes: list[Outcome] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


Decode: TypeAlias = Callable[[Message], Decoding]


class Presence(NamedTuple):
    """Messages that tell a format's devices that we are there, and (the last will) that we left."""

    topic: str
    here: bytes
    gone: bytes


class Quick(NamedTuple):
    """A reader of the common shape of a feed, for speed: all values there, numbers, good.

    `read` returns the device's time and one value for each of `datastreams` (raw name, unit),
    `read_one` the only value where there is one. Both raise ValueError for anything else, and the
    message takes the whole way.
    """

    datastreams: Sequence[tuple[str, str | None]]
    thing: Callable[[Mapping[str, str]], str]
    read: Callable[[bytes], tuple[int, Sequence[float]]]
    read_one: Callable[[bytes], tuple[int, float]] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """A decoder made for one feed.

    `datastreams` is what the format itself says of raw key paths (a feed file may add to it or
    override it); a key may hold `*` for anything. `stateful`: messages must all reach one process.
    `recalls`: what it remembers comes from retained messages, which it hears again as each session
    begins, in any order and without a word to anybody; hearing one twice must change nothing.
    `presence(now)` for formats that want to know that a host is listening. `quick`: see there.
    `forget()` is called when messages may have been missed: what the codec remembers is void.
    """

    decode: Decode
    datastreams: Mapping[str, DatastreamSpec] = field(default_factory=dict)
    stateful: bool = False
    presence: Callable[[Micros], Presence] | None = None
    quick: Quick | None = None
    forget: Callable[[], None] | None = None

    @property
    def recalls(self) -> bool:
        return self.stateful and self.forget is None


class FeedView(Protocol):
    """What a codec may know of its feed."""

    @property
    def name(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def names(self) -> Sequence[str]:
        """The named parts that every topic pattern of the feed has."""
        ...


Build: TypeAlias = Callable[[Mapping[str, Any], FeedView], Codec]
