"""Ways to reach somebody, entry points `ioc.channels`; the built-in ones use the same door.

An entry point names a function `build(options, folder) -> Channel`: `options` are what
config/notify.yaml says under `channels.<name>`, secrets filled in (ConfigError when they are
wrong), `folder` is where a channel may keep files. A channel is asked by several threads at once.

It is asked at least once for each message and never again after it said Delivered; a crash between
the two makes a second request with the same `message.key`, which the channel passes on, so that the
receiver can tell. It says itself whether another attempt helps: Delivered, Later, Never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.notification import Message, Receipt
from ioc.text import Language

GROUP: Final = "ioc.channels"
TIMEOUT_S: Final = 10.0  # a target that takes longer is tried again; the others have their threads
PRODUCT: Final = "ioc"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Address:
    """Where one message goes; `secret` and `keys` never appear in a log or a receipt."""

    target: str
    address: str
    secret: str = field(default="", repr=False)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: Language = "vi"


class Channel(Protocol):
    """One way to reach somebody."""

    def deliver(self, message: Message, to: Address) -> Receipt:
        """Send one message to one address; never raise for what the other side does."""
        ...


def read_options(name: str, options: Mapping[str, Any], type_: type[S]) -> S:
    """Return the options of a channel; ConfigError names the key."""
    try:
        return msgspec.convert(dict(options), type_, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"config/notify.yaml: channels.{name}: {error}") from error
