"""config/feeds/*.yaml -> frozen structs. Whatever is wrong is one line, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ingest import topics
from ingest.codecs import Build, Decode
from ioc import plugins
from ioc.domain.errors import ConfigError
from ioc.domain.intake import FeedSpec, PropertySpec
from ioc.settings import read_yaml

STALE_PERIODS: Final = 5  # a feed that names no limit: five lost messages are silence

Seconds = Annotated[float, msgspec.Meta(gt=0, le=365 * 86400)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Kind = Annotated[
    str, msgspec.Meta(pattern=r"^(environment|rain|reservoir|water|camera|network|bts)$")
]


class Title(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: str
    en: str


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source of messages, as its file says. `options` are the codec's own."""

    name: Name
    title: Title
    codec: str
    topic: str
    expected_period_s: Seconds
    kind: Kind
    stale_after_s: Seconds | None = None
    simulated: bool = False
    zone: str = "Asia/Ho_Chi_Minh"
    past_limit_s: Seconds = 7 * 86400
    admit: bool = False
    options: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def pattern(self) -> topics.Pattern:
        return topics.parse(self.topic)

    def spec(self, properties: Mapping[str, PropertySpec]) -> FeedSpec:
        """Return what the registry needs; `properties` come from the codec."""
        return FeedSpec(
            name=self.name,
            title_vi=self.title.vi,
            title_en=self.title.en,
            kind=self.kind,
            expected_period_s=self.expected_period_s,
            stale_after_s=self.stale_after_s or STALE_PERIODS * self.expected_period_s,
            simulated=self.simulated,
            admit=self.admit,
            properties=properties,
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A feed ready to use: its pattern, its decoder, what the registry must know."""

    feed: Feed
    pattern: topics.Pattern
    decode: Decode
    spec: FeedSpec
    past_limit: int  # µs


def load(folder: Path) -> dict[str, Source]:
    """Read every feed file of a folder by name; ConfigError names the file and the remedy."""
    found: dict[str, Source] = {}
    for path in sorted(folder.glob("*.yaml")):
        for source in read(path):
            if source.feed.name in found:
                raise ConfigError(f"{path}: feed {source.feed.name!r} is defined twice")
            found[source.feed.name] = source
    topics.Router({name: source.pattern for name, source in found.items()})
    return found


def read(path: Path) -> Iterator[Source]:
    """Yield the feeds of one file, which holds one feed or a list of them."""
    document = read_yaml(path)
    for entry in document if isinstance(document, list) else [document]:
        try:
            yield source(msgspec.convert(entry, Feed))
        except (msgspec.ValidationError, ConfigError) as error:
            raise ConfigError(f"{path}: {error}") from error


def source(feed: Feed) -> Source:
    """Build the decoder of a feed; ConfigError when its zone, codec or options are wrong."""
    try:
        ZoneInfo(feed.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"zone {feed.zone!r} is not known") from error
    build: Build = plugins.load("ioc.codecs", feed.codec)
    codec = build(feed.options, feed)
    return Source(
        feed,
        feed.pattern,
        codec.decode,
        feed.spec(codec.properties),
        round(feed.past_limit_s * 1e6),
    )
