"""`ioc seed`: the simulated province in the registry, admitted, with places and datastreams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from psycopg import Connection

from ioc import catalogue
from ioc.demo import geography, province
from ioc.demo.seed_layers import seed_layers
from ioc.domain.errors import ConfigError
from ioc.domain.intake import DatastreamSpec, FeedSpec
from ioc.settings import Settings, read_yaml
from ioc.storage import things

Db = Connection[tuple[Any, ...]]

SEED: Final = 75  # of the province that everybody sees; a rig may take another
FEED_FILES: Final = "demo-*.yaml"
_OSM: Final = "© OpenStreetMap contributors"


class _Value(msgspec.Struct, frozen=True):
    path: str
    unit: str | None = None
    min: float | None = None
    max: float | None = None


class _Options(msgspec.Struct, frozen=True):
    values: dict[str, _Value]


class _Feed(msgspec.Struct, frozen=True):
    """What the registry needs of a feed file; ingest reads, and checks, the whole of it."""

    name: str
    title: dict[str, str]
    kind: str
    expected_period_s: float
    stale_after_s: float
    options: _Options
    simulated: bool = False

    def spec(self) -> FeedSpec:
        return FeedSpec(
            name=self.name,
            title_vi=self.title["vi"],
            title_en=self.title["en"],
            kind=self.kind,
            expected_period_s=self.expected_period_s,
            stale_after_s=self.stale_after_s,
            simulated=self.simulated,
            datastreams={
                value.path.replace(".", "/"): DatastreamSpec(code, value.unit, value.min, value.max)
                for code, value in self.options.values.items()
            },
        )


# Who runs the cameras is what their wall asks first; of ten, four are the police's.
_OWNERS: Final = """
update thing set properties = properties || jsonb_build_object('owner', (array['Công an tỉnh',
  'Công an tỉnh', 'Công an tỉnh', 'Công an tỉnh', 'Sở Xây dựng', 'Sở Xây dựng', 'Sở Xây dựng',
  'UBND xã, phường', 'UBND xã, phường', 'Ban quản lý khu công nghiệp'])[1 + id % 10])
where feed = 'demo-cameras' and properties ->> 'owner' is null
"""


def seed(conn: Db, settings: Settings, *, number: int = SEED) -> int:
    """Register the simulated province; return the number of its things. Safe to repeat.

    ConfigError when the feed files of the demonstration are not there.
    """
    feeds = read_feeds(settings.config_dir / "feeds")
    ground = geography.shipped()
    units = province.build(number, ground)
    with conn.transaction():
        things.upsert_properties(conn, catalogue.load(settings.config_dir / "catalog"))
        things.upsert_feeds(conn, feeds.values())
        things.upsert_things(conn, thing_seeds(units, feeds))
        # The base stations stand near nodes of OpenStreetMap, whose licence asks to be named.
        conn.execute(
            "update thing set"
            " properties = properties || jsonb_build_object('attribution', %s::text)"
            " where feed = 'demo-bts' and properties ->> 'attribution' is distinct from %s",
            (_OSM, _OSM),
        )
        conn.execute(_OWNERS)
        seed_layers(conn, number, ground, units)
    return len(units)


def read_feeds(folder: Path) -> dict[str, FeedSpec]:
    """Read the feed files of the demonstration by name."""
    found: dict[str, FeedSpec] = {}
    for path in sorted(folder.glob(FEED_FILES)):
        try:
            spec = msgspec.convert(read_yaml(path), _Feed).spec()
        except (msgspec.ValidationError, KeyError) as error:
            raise ConfigError(f"{path}: {error}") from error
        found[spec.name] = spec
    if not found:
        raise ConfigError(f"{folder}/{FEED_FILES}: no such file; the demonstration needs them")
    return found


def thing_seeds(
    units: Sequence[province.Unit], feeds: Mapping[str, FeedSpec]
) -> list[things.ThingSeed]:
    """Return the registry's rows; ConfigError when a feed or a property of one is not there."""
    found = []
    for unit in units:
        feed = feeds.get(unit.feed)
        known = {} if feed is None else {s.property: n for n, s in feed.datastreams.items()}
        lacking = {unit.feed} if feed is None else set(unit.properties) - known.keys()
        if feed is None or lacking:
            raise ConfigError(f"config/feeds/{unit.feed}.yaml: {', '.join(lacking)} is missing")
        found.append(
            things.ThingSeed(
                feed=unit.feed,
                external_id=unit.external_id,
                name=unit.name,
                short_name=unit.short_name,
                kind=unit.kind,
                place=unit.place,
                expected_period_s=feed.expected_period_s,
                stale_after_s=feed.stale_after_s,
                datastreams={
                    known[code]: feed.datastreams[known[code]] for code in unit.properties
                },
                simulated=True,
            )
        )
    return found
