"""The Things Stack v3: uplinks of its MQTT server (JSON, QoS 0).

Three servers write three `received_at`; the one nearest to the event is the gateway's entry, the
earliest where several heard it. `timestamp` is a counter of the gateway, never a time. Values of
`decoded_payload` come under the decoder's own names, those of `normalized_payload` under the paths
of the Device Repository's schema (air/temperature), whose units are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.reading import json_values, lorawan, measured, moments, naming, paths, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.devices import Device
from ingest.reading.devices.models import Models
from ingest.reading.measured import Origin
from ingest.reading.options import read_options
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Flag

MAX_GATEWAYS: Final = 100  # of which the times are read; one uplink is heard by a handful

# The schema of normalized payloads: its paths, our property where it is one, its unit.
NORMALIZED: Final = {
    "air/temperature": ("temperature", "°C"),
    "air/relativeHumidity": ("humidity", "%"),
    "air/pressure": ("air_pressure", "hPa"),
    "air/co2": ("co2", "ppm"),
    "air/lightIntensity": ("illuminance", "lx"),
    "wind/speed": ("wind_speed", "m/s"),
    "wind/direction": ("wind_direction", "°"),
    "soil/depth": (None, "cm"),
    "soil/moisture": (None, "%"),
    "soil/temperature": (None, "°C"),
    "soil/ec": (None, "dS/m"),
    "soil/pH": (None, None),
    "soil/n": (None, "ppm"),
    "soil/p": (None, "ppm"),
    "soil/k": (None, "ppm"),
}
_BATTERY: Final = "last_battery_percentage"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`decoders`: model id or device id -> decoder, where the stack has no payload formatter."""

    decoders: dict[str, str] = msgspec.field(default_factory=dict)


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the decoder of a feed. Raises ConfigError."""
    wanted = read_options(options, Options)
    for part in ("device", "kind"):
        if part not in feed.names:
            raise ConfigError(
                f"the topic has no part {{{part}}}: "
                "it must be like v3/{app}/devices/{device}/{kind*}"
            )
    specs = {path: DatastreamSpec(code, unit) for path, (code, unit) in NORMALIZED.items()}
    specs[_BATTERY] = DatastreamSpec("battery", "%")
    return Codec(unless_deleted(_Reader(wanted, feed).decode), specs)


class _Reader:
    """A feed's options, compiled."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        self._models = Models(options.decoders)
        self._named = options.decoders.keys()
        self._moment = moments.reader("iso", feed.zone)
        self._eui = paths.name("dev_eui", feed.names)
        self._id = paths.name("device_id", feed.names)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        kind = message.parts["kind"]
        if kind not in ("up", "up/normalized", "location/solved"):
            return Decoding([Ignored("event_kind")])
        root = _object(json_values.parse(message.payload), "no object")
        ids = _object(root.get("end_device_ids", {}), "end_device_ids")
        thing = self._thing(message, ids)
        if kind == "location/solved":
            solved = _object(root.get("location_solved"), "location_solved")
            lon, lat = lorawan.position(solved.get("location"))
            return Decoding([Ignored("metadata")], [Sighting(thing, _label(ids), lon, lat)])
        key = "uplink_message" if kind == "up" else "uplink_normalized"
        uplink = _object(root.get(key), key)
        time, flags = self._when(uplink, root)
        if root.get("simulated") is True:  # the console's own test messages
            flags |= Flag.SIMULATED
        found = list(self._uplink(Origin(thing, time, flags), uplink, ids))
        return Decoding(found or [Ignored("unused")], _sightings(thing, ids, uplink))

    def _thing(self, message: Message, ids: Mapping[str, Any]) -> str:
        """Return the DevEUI; a device that was personalised without one is named by its id."""
        if ids.get("dev_eui"):
            return self._eui(message.parts, ids, ids)
        return self._id(message.parts, ids, {"device_id": message.parts["device"]})

    def _when(
        self, uplink: Mapping[str, Any], root: Mapping[str, Any]
    ) -> tuple[Micros | None, Flag]:
        """Return the earliest gateway's `received_at`, else the network server's, else the last."""
        heard = uplink.get("rx_metadata")
        gateways = heard[:MAX_GATEWAYS] if isinstance(heard, list) else []
        times = [self._time(one) for one in gateways if isinstance(one, dict)]
        known = [time for time in times if time is not None]
        if known:
            return min(known), Flag.TIME_GATEWAY
        time = self._time(uplink)
        if time is None:
            time = self._time(root)
        if time is not None:
            return time, Flag.TIME_GATEWAY
        if "received_at" in root or "received_at" in uplink:
            raise PayloadError("bad_time", paths.shown(root.get("received_at")))
        return None, Flag.NONE

    def _time(self, holder: Mapping[str, Any]) -> Micros | None:
        try:
            return self._moment(holder.get("received_at"))[0]
        except PayloadError:
            return None

    def _uplink(
        self, origin: Origin, uplink: Mapping[str, Any], ids: Mapping[str, Any]
    ) -> Iterator[Outcome]:
        decoded = uplink.get("decoded_payload")
        normalized = uplink.get("normalized_payload")
        device = self._device(uplink, ids)
        if decoded:
            yield from lorawan.outcomes(origin, _object(decoded, "decoded_payload"), device)
        elif not normalized:
            yield from _undecoded(origin, uplink, device)
        if normalized:
            yield from self._normalized(origin, normalized)
        if isinstance(uplink.get(_BATTERY), dict):
            yield self._battery(origin, uplink[_BATTERY])

    def _device(self, uplink: Mapping[str, Any], ids: Mapping[str, Any]) -> Device | None:
        """Return the device by its own id, where the feed names it, else by its model."""
        device = ids.get("device_id")
        if isinstance(device, str) and device in self._named:
            return self._models.find(device)
        version = uplink.get("version_ids")
        model = version.get("model_id") if isinstance(version, dict) else None
        return self._models.find(model) if isinstance(model, str) else None

    def _normalized(self, origin: Origin, payload: Any) -> Iterator[Outcome]:  # noqa: ANN401  JSON
        """Yield the measurements; what would stand twice at one time is named by its index too."""
        records = payload if isinstance(payload, list) else [payload]
        if len(records) > json_values.MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(records)))
        seen: set[tuple[str, Micros | None]] = set()
        for index, raw in enumerate(records):
            try:
                record = _object(raw, f"normalized_payload {index}")
                then = self._measured(origin, record)
            except PayloadError as error:
                yield measured.readable(error)
                continue
            values = {key: value for key, value in record.items() if key != "time"}
            for path, result in tree.values(values):
                name = f"{index}/{path}" if (path, then.time) in seen else path
                seen.add((path, then.time))
                unit = NORMALIZED.get(path, (None, None))[1]
                yield then.value(name, result, unit) if isinstance(result, float) else result

    def _measured(self, origin: Origin, record: Mapping[str, Any]) -> Origin:
        """Return the origin of a normalized measurement; its own time is the device's."""
        if record.get("time") is None:
            return origin
        time, flags = self._moment(record["time"])
        return Origin(origin.thing, time, flags | (origin.flags & Flag.SIMULATED))

    def _battery(self, origin: Origin, last: Mapping[str, Any]) -> Outcome:
        """Read the battery of the last status answer; absent is 0, its time is of that answer."""
        try:
            value = json_values.read(last.get("value", 0), None)
        except PayloadError as error:
            return measured.readable(error, _BATTERY)
        time = self._time(last)
        then = origin if time is None else origin._replace(time=time)
        return then.value(_BATTERY, value, "%")


def _undecoded(origin: Origin, uplink: Mapping[str, Any], device: Device | None) -> list[Outcome]:
    """Read a frame that the stack did not decode, or failed to."""
    frame = lorawan.frame_of(uplink.get("frm_payload"))
    if frame and device is not None:
        port = lorawan.port_of(uplink.get("f_port"))
        return lorawan.frame_outcomes(origin, device, frame, port)
    warnings = uplink.get("decoded_payload_warnings")
    if warnings:
        told = warnings[0] if isinstance(warnings, list) else warnings
        return [PayloadError("decoder_failed", paths.shown(told, measured.MAX_DETAIL))]
    if frame and uplink.get("decoded_payload") is None:
        return [PayloadError("no_decoder", f"fPort {lorawan.port_of(uplink.get('f_port'))}")]
    return []


def _object(raw: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401  JSON
    if not isinstance(raw, dict):
        raise PayloadError("not_of_format", name)
    return raw


def _label(ids: Mapping[str, Any]) -> str | None:
    """Return the id that people gave the device: the DevEUI says nothing to them."""
    return naming.label(ids.get("device_id"))


def _sightings(thing: str, ids: Mapping[str, Any], uplink: Mapping[str, Any]) -> list[Sighting]:
    """Return the device's name and, where the stack knows it, its place."""
    known = uplink.get("locations")
    for where in known.values() if isinstance(known, dict) else ():
        try:
            lon, lat = lorawan.position(where)
        except PayloadError:
            continue
        return [Sighting(thing, _label(ids), lon, lat)]
    named = _label(ids)
    return [] if named is None else [Sighting(thing, named)]
