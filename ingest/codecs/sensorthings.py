"""OGC SensorThings API 1.0 and 1.1: Observations as its servers and devices publish them on MQTT.

What an Observation belongs to stands in its topic, in its expanded Datastream, or in a link. The
thing is the datastream, `Datastreams(42)`, as nothing else is named, with the datastream `result`;
where the Datastream came expanded with its Thing it is `Things(7)` with the datastream
`Datastreams(42)`. What is inserted together ("deep insert") has no ids yet: there the names of the
Thing and of the Datastream count. Observations below a Thing or a Datastream and data arrays are
read like those that come alone; a point of the Thing or of the feature of interest is its place.
The end of an interval of `phenomenonTime` counts: then the value was complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any, Final, Literal, NamedTuple

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.reading import json_values, lorawan, measured, moments, naming, paths, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import Sighting
from ioc.domain.observation import Decoded, Flag, Quality

_LONGEST: Final = 64  # characters of an id
_ID: Final = rf"\((?:'(?:[^']|''){{1,{_LONGEST}}}'|[^()']{{1,{_LONGEST}}})\)"
_DATASTREAM: Final = re.compile(rf"(?:Multi)?Datastreams{_ID}")
_THING: Final = re.compile(rf"Things{_ID}")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quality`: what the codes of `resultQuality` mean, where it is a word or a number.

    Empty: it is not read. Else a code that is not listed makes a value suspect.
    """

    quality: dict[str, Literal["good", "calibrating", "fault", "suspect", "missing"]] = (
        msgspec.field(default_factory=dict)
    )


class _Owner(NamedTuple):
    """Whose an Observation is."""

    thing: str
    datastream: str
    label: str | None
    units: list[str | None]


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the decoder of a feed. Raises ConfigError."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode))


class _Reader:
    """A feed's options, compiled."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        self._moment = moments.reader("iso", feed.zone)
        self._codes = {code: Quality[word.upper()] for code, word in options.quality.items()}

    def decode(self, message: Message) -> Decoding:
        """Read one Observation, or a list of them; PayloadError when nothing can be read."""
        root = json_values.parse(message.payload)
        records = root if isinstance(root, list) else [root]
        if len(records) > json_values.MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(records)))
        found = Decoding()
        count = 0
        for record in records:
            for one in _spread(message.topic, record):
                count += 1
                if count > json_values.MAX_RECORDS:
                    raise PayloadError("too_many_records", f"more than {json_values.MAX_RECORDS}")
                try:
                    self._observation(message.topic, one, found)
                except PayloadError as error:
                    found.outcomes.append(measured.readable(error))
        return found if found.outcomes else Decoding([Ignored("unused")])

    def _observation(self, topic: str, record: Any, out: Decoding) -> None:  # noqa: ANN401  JSON
        if not isinstance(record, dict):
            raise PayloadError("not_of_format", "no object")
        if "result" not in record:
            if _observations(topic):
                raise PayloadError("missing_value", "result")
            out.outcomes.append(Ignored("metadata"))  # a Thing, a Datastream, one of their fields
            return
        owner = _owner(topic, record)
        time, flags = self._when(record)
        quality = self._quality(record.get("resultQuality"))
        out.outcomes.extend(_values(owner, record["result"], time, flags, quality))
        sighting = Sighting(owner.thing, owner.label, *_point(record))
        if sighting != Sighting(owner.thing) and sighting not in out.sightings[-1:]:
            out.sightings.append(sighting)

    def _when(self, record: Mapping[str, Any]) -> tuple[Micros | None, Flag]:
        """Return the end of `phenomenonTime`, else `resultTime`, else None."""
        phenomenon = record.get("phenomenonTime")
        if isinstance(phenomenon, str):
            phenomenon = phenomenon.rpartition("/")[2]
        if phenomenon is None or phenomenon == "":
            phenomenon = record.get("resultTime")
        try:
            return self._moment(phenomenon)
        except PayloadError as error:
            raise PayloadError(error.reason, paths.shown(error.detail)) from error

    def _quality(self, raw: Any) -> Quality:  # noqa: ANN401  JSON
        if raw is None or not self._codes:
            return Quality.GOOD
        if isinstance(raw, (dict, list)):
            return Quality.SUSPECT
        return self._codes.get(str(raw).strip(), Quality.SUSPECT)


def _spread(topic: str, record: Any) -> Iterator[Any]:  # noqa: ANN401  JSON
    """Yield what stands in a record: itself, or the Observations inserted or packed with it."""
    if not isinstance(record, dict) or "result" in record:
        yield record
        return
    inner = [*_packed(record), *_below(topic, record)]
    yield from inner or [record]


def _packed(record: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the Observations of a data array: rows of what `components` names."""
    names, rows = record.get("components"), record.get("dataArray")
    if not isinstance(names, list) or not isinstance(rows, list):
        return
    owner = {key: record[key] for key in ("Datastream", "MultiDatastream") if key in record}
    for row in rows:
        columns = row if isinstance(row, list) else []
        yield owner | {str(n): value for n, value in zip(names, columns, strict=False)}


def _below(topic: str, record: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the Observations below a Thing's Datastreams, or below a Datastream."""
    for kind in ("Datastream", "MultiDatastream"):
        streams = record.get(f"{kind}s")
        for stream in streams if isinstance(streams, list) else ():
            if isinstance(stream, dict):
                yield from _owned(kind, stream, record)
    kind = "MultiDatastream" if "MultiDatastreams" in topic else "Datastream"
    yield from _owned(kind, record, record.get("Thing", {"@iot.selfLink": topic}))


def _owned(kind: str, stream: Mapping[str, Any], thing: Any) -> Iterator[Any]:  # noqa: ANN401  JSON
    found = stream.get("Observations")
    owner = {kind: {**stream, "Thing": thing}}
    for one in found if isinstance(found, list) else ():
        yield {**one, **owner} if isinstance(one, dict) else one


def _observations(topic: str) -> bool:
    """Say whether a topic is of whole Observations (with or without $select and $expand)."""
    return topic.partition("?")[0].rpartition("/")[2].startswith("Observations")


def _values(
    owner: _Owner,
    result: Any,  # noqa: ANN401  JSON
    time: Micros | None,
    flags: Flag,
    quality: Quality,
) -> Iterator[Outcome]:
    """Yield the result; that of a MultiDatastream is a list, its values are result/0, result/1."""
    listed = isinstance(result, (dict, list))
    found = tree.values(result, prefix="result/") if listed else tree.values({"result": result})
    for index, (path, value) in enumerate(found):
        if not isinstance(value, float):
            yield value
            continue
        name = owner.datastream + path.removeprefix("result") if owner.datastream else path
        trust = Quality.MISSING if quality is Quality.GOOD and isnan(value) else quality
        unit = owner.units[index] if index < len(owner.units) else None
        yield Decoded(owner.thing, name, time, value, unit, trust, flags)


def _owner(topic: str, record: Mapping[str, Any]) -> _Owner:
    """Return whose an Observation is: its Datastream's own word, else its topic, else its link.

    PayloadError("no_thing").
    """
    multi = "MultiDatastream" in record or "MultiDatastreams(" in topic
    kind = "MultiDatastream" if multi else "Datastream"
    stream = record.get(kind)
    stream = stream if isinstance(stream, dict) else {}
    link = record.get(f"{kind}@iot.navigationLink")
    name = _entity(f"{kind}s", stream) or _found(_DATASTREAM, topic) or _found(_DATASTREAM, link)
    thing = stream.get("Thing")
    thing = thing if isinstance(thing, dict) else {}
    of_thing = _entity("Things", thing)
    if name is None:  # inserted together with its Datastream, which has no id yet
        name = naming.label(stream.get("name"))
        of_thing = of_thing or naming.label(thing.get("name"))
    if name is None:
        raise PayloadError("no_thing", "no Datastream in topic or message")
    units = _units(stream)
    if of_thing is not None:
        return _Owner(of_thing, name, naming.label(thing.get("name")), units)
    return _Owner(name, "", naming.label(stream.get("name")), units)


def _point(record: Mapping[str, Any]) -> tuple[float, float] | tuple[None, None]:
    """Return (lon, lat) of the feature of interest or of the Thing's place, where it is a point."""
    feature = record.get("FeatureOfInterest")
    where = feature.get("feature") if isinstance(feature, dict) else None
    stream = record.get("Datastream")
    thing = stream.get("Thing") if isinstance(stream, dict) else None
    places = thing.get("Locations") if isinstance(thing, dict) else None
    if where is None and isinstance(places, list) and places and isinstance(places[0], dict):
        where = places[0].get("location")
    if not isinstance(where, dict) or not isinstance(where.get("coordinates"), list):
        return None, None
    lon_lat = dict(zip(("longitude", "latitude"), where["coordinates"], strict=False))
    try:
        return lorawan.position(lon_lat)
    except PayloadError:  # a line, an area, an empty place
        return None, None


def _entity(kind: str, entity: Mapping[str, Any]) -> str | None:
    """Return an expanded entity as the API addresses it, by its id or its own link."""
    identity = entity.get("@iot.id")
    if isinstance(identity, int) and not isinstance(identity, bool) and abs(identity) < 1 << 63:
        return f"{kind}({identity})"
    if isinstance(identity, str) and 0 < len(identity) <= _LONGEST and identity.isprintable():
        quoted = identity.replace("'", "''")
        return f"{kind}('{quoted}')"
    pattern = _THING if kind == "Things" else _DATASTREAM
    return _found(pattern, entity.get("@iot.selfLink"))


def _found(pattern: re.Pattern[str], text: Any) -> str | None:  # noqa: ANN401  JSON
    found = pattern.search(text[:1000]) if isinstance(text, str) else None
    return found[0] if found is not None and found[0].isprintable() else None


def _units(stream: Mapping[str, Any]) -> list[str | None]:
    """Return the symbols of an expanded Datastream's units, one for each value of a result."""
    several = stream.get("unitOfMeasurements")
    units = several if isinstance(several, list) else [stream.get("unitOfMeasurement")]
    symbols = [unit.get("symbol") if isinstance(unit, dict) else None for unit in units[:1000]]
    return [one[: paths.MAX_NAME] if isinstance(one, str) and one else None for one in symbols]
