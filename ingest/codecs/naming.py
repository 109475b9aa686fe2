"""How a thing is called whose topic names it."""

from __future__ import annotations

from collections.abc import Callable

from ingest.codecs import FeedView, Message, paths
from ioc.domain.errors import ConfigError, PayloadError


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
