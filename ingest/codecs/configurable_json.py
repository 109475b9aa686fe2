"""JSON whose shape is described by the feed file: paths to things, times and values.

Two shapes: `values` names each observed property and where it stands in a record; `channels` says
where a record names its own channel, for loggers whose channels are data. A broken channel is
refused alone, a broken record alone, and only what is no JSON as a whole. Of a key that stands
twice in one object the last counts, as every JSON reader has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Message, Outcome, Quick
from ingest.reading import moments, naming, paths, quick
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS, parse, read
from ingest.reading.options import read_options
from ingest.reading.paths import ABSENT, Getter
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, Flag, Quality

Path = str | list[str]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one observed property stands. `min` and `max`: the sensor's valid range."""

    path: Path
    unit: str | None = None
    states: dict[str, int] | None = None
    min: float | None = None
    max: float | None = None


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lon: Path
    lat: Path


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Path
    codes: dict[str, Literal["good", "calibrating", "fault", "suspect", "missing"]]


class Channels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a record names its channel, the value, its unit and, if it has one, its own time."""

    name: Path
    value: Path
    unit: Path | None = None
    time: Path | None = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file that names this codec. Either `values` or `channels`."""

    values: Annotated[dict[str, Value], msgspec.Meta(min_length=1)] | None = None
    channels: Channels | None = None
    thing: str = "{thing}"
    records: Path | None = None
    time: Path | None = None
    time_format: str | list[str] = "auto"
    location: Position | None = None
    label: Path | None = None
    quality: Status | None = None


class _Channel(NamedTuple):
    datastream: str  # the path, joined by "/", or the name that the record gives
    unit: str | None
    get: Getter
    states: Mapping[str, int] | None


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Compile the options of a feed. Raises ConfigError; see `Options` for what there is."""
    wanted = read_options(options, Options)
    if (wanted.values is None) == (wanted.channels is None):
        raise ConfigError("options: give either `values` or `channels`")
    specs = {
        paths.joined(value.path): DatastreamSpec(code, value.unit, value.min, value.max)
        for code, value in (wanted.values or {}).items()
    }
    return Codec(unless_deleted(_Reader(wanted, feed).decode), specs, quick=_quick(wanted, feed))


def _quick(wanted: Options, feed: FeedView) -> Quick | None:
    """Return the quick reader of a feed whose messages are one record of plain numbers."""
    odd = (wanted.records, wanted.location, wanted.label, wanted.quality, wanted.channels)
    values = list((wanted.values or {}).values())
    if any(odd) or wanted.time is None or not isinstance(wanted.time_format, str):
        return None
    if "{" not in wanted.thing or "{." in wanted.thing or any(v.states for v in values):
        return None
    keys = [paths.keys(value.path) for value in values]
    readers = quick.readers(paths.keys(wanted.time), wanted.time_format, keys)
    if readers is None:
        return None
    name = paths.name(wanted.thing, feed.names)
    return Quick(
        [(paths.joined(value.path), value.unit) for value in values],
        lambda parts: name(parts, None, None),
        *readers,
    )


class _Origin(NamedTuple):
    """What the values of one record share; `number` is its place in the message."""

    thing: str
    time: Micros | None
    flag: Flag
    quality: Quality
    number: int


_Values = Callable[[Any, _Origin, list[Outcome]], None]  # raises PayloadError for the record


class _Reader:
    """A feed's options, compiled."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        self._records = None if options.records is None else paths.getter(options.records)
        self._thing = paths.name(options.thing, feed.names)
        self._time = None if options.time is None else paths.either(paths.getter(options.time))
        named = options.channels
        self._own = None if named is None or named.time is None else paths.getter(named.time)
        self._moment = moments.reader(options.time_format, feed.zone)
        self._values = _declared(options.values or {}) if named is None else _named(named)
        status = options.quality
        self._status = None if status is None else paths.either(paths.getter(status.path))
        self._codes = {} if status is None else _codes(status)
        where = options.location
        self._lon = None if where is None else paths.either(paths.getter(where.lon))
        self._lat = None if where is None else paths.either(paths.getter(where.lat))
        self._label = None if options.label is None else paths.either(paths.getter(options.label))

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        root = parse(message.payload)
        found = Decoding()
        for number, record in enumerate(self._each(root)):
            try:
                thing = self._thing(message.parts, record, root)
                time, flag = self._when(record, root)
                quality = self._quality(record, root)
                self._values(record, _Origin(thing, time, flag, quality, number), found.outcomes)
            except PayloadError as error:
                found.outcomes.append(error)
                continue
            if self._lon is not None or self._label is not None:
                self._sight(thing, record, root, found)
        return found

    def _each(self, root: Any) -> list[Any]:  # noqa: ANN401  JSON
        if self._records is None:
            return [root]
        records = self._records(root)
        if not isinstance(records, list):
            raise PayloadError("no_records")
        if not records:
            raise PayloadError("missing_value")
        if len(records) > MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(records)))
        return records

    def _when(self, record: Any, root: Any) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
        """Return the channel's own time, else the record's, else the message's."""
        own = ABSENT if self._own is None else self._own(record)
        if own is not ABSENT and own not in (None, ""):
            return self._moment(own)
        if self._time is None:
            return None, Flag.NONE
        raw = self._time(record, root)
        return self._moment(None if raw is ABSENT else raw)

    def _quality(self, record: Any, root: Any) -> Quality:  # noqa: ANN401  JSON
        """Return the station's verdict; a code that nobody explained is SUSPECT."""
        if self._status is None:
            return Quality.GOOD
        raw = self._status(record, root)
        if raw is ABSENT or raw is None:
            return Quality.GOOD
        if isinstance(raw, (dict, list)) or paths.is_huge(raw):
            return Quality.SUSPECT
        return self._codes.get(str(raw).strip(), Quality.SUSPECT)

    def _sight(self, thing: str, record: Any, root: Any, out: Decoding) -> None:  # noqa: ANN401
        label = None if self._label is None else self._label(record, root)
        try:
            lon, lat = self._position(record, root)
        except PayloadError as error:
            out.outcomes.append(error)
            lon = lat = None
        sighting = Sighting(thing, naming.label(label), lon, lat)
        if not out.sightings or out.sightings[-1] != sighting:  # one a station, not one a channel
            out.sightings.append(sighting)

    def _position(self, record: Any, root: Any) -> tuple[float | None, float | None]:  # noqa: ANN401
        if self._lon is None or self._lat is None:
            return None, None
        lon, lat = self._lon(record, root), self._lat(record, root)
        if lon in (ABSENT, None, "") or lat in (ABSENT, None, ""):
            return None, None
        try:
            return read(lon, None), read(lat, None)
        except PayloadError as error:
            raise PayloadError("bad_location", error.detail) from error


def _declared(values: Mapping[str, Value]) -> _Values:
    """Read the observed properties that the feed file names; what is absent is not there."""
    channels = [
        _Channel(paths.joined(value.path), value.unit, paths.getter(value.path), value.states)
        for value in values.values()
    ]

    def each(record: Any, origin: _Origin, out: list[Outcome]) -> None:  # noqa: ANN401  JSON
        present = 0
        for channel in channels:
            raw = channel.get(record)
            if raw is ABSENT:
                continue
            present += 1
            out.append(_value(raw, channel, origin))
        if not present:
            raise PayloadError("missing_value", origin.thing)

    return each


def _named(channels: Channels) -> _Values:
    """Read the one value of a record that names its channel."""
    name, value = paths.getter(channels.name), paths.getter(channels.value)
    unit = None if channels.unit is None else paths.getter(channels.unit)

    def one(record: Any, origin: _Origin, out: list[Outcome]) -> None:  # noqa: ANN401  JSON
        datastream = paths.channel(name(record), f"record {origin.number}")
        raw = value(record)
        if raw is ABSENT:
            raise PayloadError("missing_value", datastream)
        sent = None if unit is None else paths.unit(unit(record))
        out.append(_value(raw, _Channel(datastream, sent, value, None), origin))

    return one


def _value(raw: Any, channel: _Channel, origin: _Origin) -> Outcome:  # noqa: ANN401  JSON
    thing, time, flag, quality, _ = origin
    try:
        result = read(raw, channel.states)
    except PayloadError as error:
        return PayloadError(error.reason, f"{channel.datastream}: {error.detail}")
    if quality is Quality.GOOD and isnan(result):
        quality = Quality.MISSING
    return Decoded(thing, channel.datastream, time, result, channel.unit, quality, flag)


def _codes(status: Status) -> dict[str, Quality]:
    return {code: Quality[word.upper()] for code, word in status.codes.items()}
