"""How things and units are called: names that topics and messages give for people to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.codec import FeedView, Message
from ingest.reading import paths
from ioc.domain.errors import ConfigError, PayloadError

_MAX_UNIT: Final = 32  # characters; a longer "unit" is something else


def of_topic(template: str, feed: FeedView) -> Callable[[Message], str]:
    """Return a function message -> thing for a template like "{device}" or "{site}/{device}".

    ConfigError where the template names no part of the feed's topics; the function raises
    PayloadError("no_thing") and ("bad_thing").
    """
    if "{" not in template:
        raise ConfigError(f"thing {template!r} names no part of the topic, like {{device}}")
    name = paths.name(template, feed.names)
    return lambda message: name(message.parts, None, None)


def checked(name: str) -> str:
    """Return a thing's name that can be stored and shown; PayloadError no_thing, bad_thing."""
    text = name.strip()
    if not text:
        raise PayloadError("no_thing")
    if len(text) > paths.MAX_NAME or not text.isprintable():
        raise PayloadError("bad_thing", paths.shown(text))
    return text


def label(raw: Any) -> str | None:  # noqa: ANN401  JSON
    """Return a name for people, None where it is none."""
    text = raw.strip()[: paths.MAX_NAME] if isinstance(raw, str) else ""
    return text if text and text.isprintable() else None


def unit(raw: Any) -> str | None:  # noqa: ANN401  JSON
    """Return a unit as a device names it, None where it is none."""
    text = raw.strip() if isinstance(raw, str) else ""
    return text if 0 < len(text) <= _MAX_UNIT and text.isprintable() else None
