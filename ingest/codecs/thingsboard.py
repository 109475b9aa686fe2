"""ThingsBoard: its gateway API, and its device API under a prefix that names the device.

The device API itself (`v1/devices/me/…`) tells devices apart by the access token of the
connection, which nobody behind the broker sees: it is refused. As at ThingsBoard, a text that is
a number is a number, `{ts, values}` is a record only with both keys, and `ts` is in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.reading import json_values, measured, moments, paths, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.measured import Origin
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import Sighting
from ioc.domain.observation import DeviceState

_DEVICE_API: Final = "v1/devices/me/"
_GATEWAY_API: Final = "v1/gateway/"
_STATES: Final = {"connect": DeviceState.ONLINE, "disconnect": DeviceState.OFFLINE}
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LONGEST: Final = 80  # characters of a number's text
_RECORD: Final = frozenset({"ts", "values", "metadata"})

Item = Outcome | Sighting


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """There is nothing to choose: the topic says which API it is."""


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the decoder of a feed. Raises ConfigError."""
    read_options(options, Options)
    return Codec(unless_deleted(_Reader(feed).decode))


class _Reader:
    def __init__(self, feed: FeedView) -> None:
        self._moment = moments.reader("epoch_ms", feed.zone)
        self._thing = paths.name("device", ())

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        prefix, api, kind = _split(message.topic)
        device = message.parts.get("device") or prefix.rsplit("/", 1)[-1]
        if api == _DEVICE_API and not device:
            raise PayloadError("no_device")
        found = Decoding()
        for item in self._items(api, kind, device, message.payload):
            if isinstance(item, Sighting):
                found.sightings.append(item)
            else:
                found.outcomes.append(item)
        if not found.outcomes:
            found.outcomes.append(Ignored("unused"))
        return found

    def _items(self, api: str, kind: str, device: str, payload: bytes) -> Iterator[Item]:
        state = _STATES.get(kind) if api == _GATEWAY_API else None
        if kind not in ("telemetry", "attributes") and state is None:
            yield Ignored("event_kind")
            return
        root = json_values.parse(payload)
        if state is not None:
            yield Status(self._named(root.get("device") if isinstance(root, dict) else None), state)
        elif api == _DEVICE_API:
            yield from self._of_device(kind, device, root)
        elif isinstance(root, dict):
            _bounded(sum(len(one) if isinstance(one, list) else 1 for one in root.values()))
            for name, records in root.items():
                yield from self._of_device(kind, name, records)
        else:
            raise PayloadError("not_of_format", "no object of devices")

    def _of_device(self, kind: str, device: str, content: Any) -> Iterator[Item]:  # noqa: ANN401  JSON
        try:
            thing = self._named(device)
            if kind == "attributes":
                yield Ignored("metadata")
                yield from _position(thing, content)
            else:
                yield from self._telemetry(thing, content)
        except PayloadError as error:
            yield measured.readable(error, device)

    def _telemetry(self, thing: str, content: Any) -> Iterator[Item]:  # noqa: ANN401  JSON
        records = content if isinstance(content, list) else [content]
        _bounded(len(records))
        for record in records:
            try:
                yield from self._record(thing, record)
            except PayloadError as error:
                yield measured.readable(error, thing)

    def _record(self, thing: str, record: Any) -> Iterator[Outcome]:  # noqa: ANN401  JSON
        if not isinstance(record, dict):
            raise PayloadError("not_of_format", "no object")
        time: Micros | None = None
        values: Any = record
        if "values" in record and (record.keys() <= _RECORD or "ts" in record):
            time, _ = self._moment(record.get("ts"))
            values = record["values"]
            if not isinstance(values, dict):
                raise PayloadError("not_of_format", "values")
        origin = Origin(thing, time)
        for path, result in tree.values(values, _number_in):
            yield origin.value(path, result) if isinstance(result, float) else result

    def _named(self, raw: Any) -> str:  # noqa: ANN401  JSON
        return self._thing({}, {"device": raw}, None)


def _bounded(records: int) -> None:
    """Refuse a message that would fill more than one transaction."""
    if records > json_values.MAX_RECORDS:
        raise PayloadError("too_many_records", str(records))


def _split(topic: str) -> tuple[str, str, str]:
    """Return what stands before the API in a topic, the API, what is asked of it."""
    for api in (_GATEWAY_API, _DEVICE_API):
        head, found, kind = topic.partition(api)
        if found and (not head or head.endswith("/")):
            return head.rstrip("/"), api, kind
    raise PayloadError("unknown_topic", paths.shown(topic))


def _number_in(_path: str, text: str) -> float | None:
    text = text.strip()
    if len(text) <= _LONGEST and _NUMBER.fullmatch(text):
        return json_values.number_in(text)
    return None


def _position(thing: str, attributes: Any) -> Iterator[Sighting]:  # noqa: ANN401  JSON
    """Yield the place of a device that has ThingsBoard's two usual attributes for it."""
    if not isinstance(attributes, dict):
        return
    lon, lat = attributes.get("longitude"), attributes.get("latitude")
    if isinstance(lon, float) and isinstance(lat, float) and abs(lon) <= 180 and abs(lat) <= 90:  # noqa: PLR2004  degrees
        yield Sighting(thing, None, lon, lat)
