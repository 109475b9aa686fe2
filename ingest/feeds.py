"""config/feeds/*.yaml -> frozen structs. Whatever is wrong is one line, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ingest import topics
from ingest.codec import Build, Codec
from ioc import plugins
from ioc.catalogue import Catalogue
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, from_seconds
from ioc.domain.intake import DatastreamSpec, FeedSpec
from ioc.domain.thing import Kind
from ioc.domain.times import FUTURE_LIMIT
from ioc.settings import read_yaml

STALE_PERIODS: Final = 5  # a feed that names no limit: five lost messages are silence

Seconds = Annotated[float, msgspec.Meta(gt=0, le=365 * 86400)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Title(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: str
    en: str


class Datastream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a raw key path of this feed means. `min` and `max`: the sensor's valid range."""

    property: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None

    def spec(self) -> DatastreamSpec:
        return DatastreamSpec(self.property, self.unit, self.min, self.max)


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source of messages, as its file says. `options` are the codec's own.

    `enabled` False: a worked example, known to `ioc decode` and to nobody else.
    """

    name: Name
    title: Title
    codec: str
    topic: str | Annotated[list[str], msgspec.Meta(min_length=1, max_length=32)]
    expected_period_s: Seconds
    kind: Kind
    enabled: bool = True
    stale_after_s: Seconds | None = None
    simulated: bool = False
    zone: str = "Asia/Ho_Chi_Minh"
    past_limit_s: Seconds = 7 * 86400
    future_limit_s: Seconds = FUTURE_LIMIT / SECOND
    admit: bool = False
    datastreams: dict[str, Datastream] = msgspec.field(default_factory=dict)
    options: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def patterns(self) -> list[topics.Pattern]:
        return [
            topics.parse(t) for t in ([self.topic] if isinstance(self.topic, str) else self.topic)
        ]

    @property
    def names(self) -> Sequence[str]:
        """Return the named parts that every pattern has, in the order of the first."""
        first, *others = (pattern.names for pattern in self.patterns)
        return [name for name in first if all(name in names for names in others)]

    def spec(self, datastreams: Mapping[str, DatastreamSpec]) -> FeedSpec:
        """Return what the registry needs; the file's own datastreams override the codec's."""
        own = {path: one.spec() for path, one in self.datastreams.items()}
        return FeedSpec(
            name=self.name,
            title_vi=self.title.vi,
            title_en=self.title.en,
            kind=self.kind,
            expected_period_s=self.expected_period_s,
            stale_after_s=self.stale_after_s or STALE_PERIODS * self.expected_period_s,
            simulated=self.simulated,
            admit=self.admit,
            datastreams=own | {k: v for k, v in datastreams.items() if k not in own},
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A feed ready to use: its patterns, its codec, what the registry must know."""

    feed: Feed
    patterns: Sequence[topics.Pattern]
    codec: Codec
    spec: FeedSpec
    past_limit: int  # µs
    future_limit: int = FUTURE_LIMIT  # µs


def load(folder: Path, *, examples: bool = False) -> dict[str, Source]:
    """Read every feed file of a folder by name; ConfigError names the file and the remedy.

    `examples` True: also feeds that are not enabled.
    """
    found: dict[str, Source] = {}
    for path in sorted(folder.glob("*.yaml")):
        for one in read(path):
            if one.feed.name in found:
                raise ConfigError(f"{path}: feed {one.feed.name!r} is defined twice")
            if one.feed.enabled or examples:
                found[one.feed.name] = one
    router(found)
    return found


def router(sources: Mapping[str, Source]) -> topics.Router:
    """Return the router of some feeds; ConfigError where two match the same messages."""
    return topics.Router({name: one.patterns for name, one in sources.items()})


def refuse_unknown_properties(sources: Iterable[Source], known: Catalogue) -> None:
    """Raise ConfigError where a feed names a property that the catalogue lacks."""
    for one in sources:
        for name, spec in one.spec.datastreams.items():
            if spec.property is not None and spec.property not in known:
                raise ConfigError(
                    f"feed {one.spec.name}: {name!r} is said to be {spec.property!r}, which is not"
                    " in config/catalog: add it there or mend the feed"
                )


def read(path: Path) -> Iterator[Source]:
    """Yield the feeds of one file, which holds one feed or a list of them."""
    document = read_yaml(path)
    for entry in document if isinstance(document, list) else [document]:
        try:
            yield source(msgspec.convert(entry, Feed))
        except (msgspec.ValidationError, ConfigError) as error:
            raise ConfigError(f"{path}: {error}") from error


def source(feed: Feed) -> Source:
    """Build the codec of a feed; ConfigError when its zone, codec or options are wrong."""
    try:
        ZoneInfo(feed.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"zone {feed.zone!r} is not known") from error
    build: Build = plugins.load("ioc.codecs", feed.codec)
    codec = build(feed.options, feed)
    return Source(
        feed,
        feed.patterns,
        codec,
        feed.spec(codec.datastreams),
        from_seconds(feed.past_limit_s),
        from_seconds(feed.future_limit_s),
    )
