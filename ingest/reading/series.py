"""Tagged measurements (Telegraf, Influx): which tag names the thing, which tell series apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.reading import paths
from ingest.reading.paths import ABSENT
from ioc.domain.errors import PayloadError


class Series:
    """The choice of a feed: tags that name the thing in order of preference, tags kept in names."""

    def __init__(
        self,
        things: Sequence[str],
        kept: Mapping[str, Sequence[str]],
        fallback: str | None,
        names: Sequence[str],
    ) -> None:
        """Raise ConfigError when `fallback` names a part that the topic does not have."""
        self._things = things
        self._kept = kept
        self._fallback = None if fallback is None else paths.name(fallback, names)

    def of(
        self, measurement: str, tags: Mapping[str, object], parts: Mapping[str, str]
    ) -> tuple[str, str]:
        """Return the thing and the start of its datastreams' names; PayloadError no_thing."""
        kept = [tags[tag] for tag in self._kept.get(measurement, ()) if tags.get(tag)]
        prefix = "/".join([measurement, *(paths.channel(one) for one in kept)])
        for tag in self._things:
            value = tags.get(tag)
            if value not in (None, ""):
                return paths.named(value), prefix
        if self._fallback is None:
            raise PayloadError("no_thing", measurement)
        return self._fallback(parts, ABSENT, ABSENT), prefix
