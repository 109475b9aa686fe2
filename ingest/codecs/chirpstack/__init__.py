"""ChirpStack v4: the events of its MQTT integration, JSON or protobuf.

Measurements are in `up` (decoded by the server, else by us) and `status` (battery, margin). The
time is the server's: `time_source` gateway. The server already merges what several gateways heard;
an event that comes a second time all the same (two servers, two bridges) is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Any, Final, Literal

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.codecs.chirpstack import events
from ingest.codecs.chirpstack.events import Event
from ingest.reading import json_values, lorawan, measured, moments, naming, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.devices.models import Models
from ingest.reading.measured import Origin
from ingest.reading.options import read_options
from ingest.reading.recent import Recent
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import MINUTE, Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Flag

# Copies of an event come within seconds; one that comes later is absorbed by its time and value.
REMEMBERED_FOR: Final = 10 * MINUTE
# 33 events a second for ten minutes; the 2,000 devices of a province that report each five minutes
# send 7. Kept are 64 bits of each id: 2.5 MB.
MAX_REMEMBERED: Final = 20_000

_READ: Final = {"up", "status", "location", "log"}
_NO_MEASUREMENT: Final = {"join", "ack", "txack", "integration"}
_STATUS: Final = ("margin", "externalPowerSource", "batteryLevel")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`decoders`: name of a device profile -> decoder, where the name does not hold the model."""

    encoding: Literal["json", "protobuf"] = "json"
    decoders: dict[str, str] = msgspec.field(default_factory=dict)


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the decoder of a feed. Raises ConfigError."""
    wanted = read_options(options, Options)
    for part in ("dev", "event"):
        if part not in feed.names:
            raise ConfigError(
                f"the topic has no part {{{part}}}: "
                "it must be like application/{app}/device/{dev}/event/{event}"
            )
    specs = {
        "batteryLevel": DatastreamSpec("battery", "%"),
        "margin": DatastreamSpec("snr", "dB"),
    }
    return Codec(unless_deleted(_Reader(wanted, feed).decode), specs)


class _Reader:
    """A feed's options, compiled, and the events of the last minutes."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        json = options.encoding == "json"
        self._read = events.from_json if json else events.from_protobuf
        self._models = Models(options.decoders)
        self._moment = moments.reader("iso", feed.zone)
        self._thing = paths.name("devEui", feed.names)
        self._known: Recent[int, Micros] = Recent(MAX_REMEMBERED)
        self._kinds: Mapping[str, Callable[[Origin, Event], list[Outcome]]] = {
            "up": self._up,
            "status": _status,
            "location": _location,
            "log": _log,
        }

    def decode(self, message: Message) -> Decoding:
        """Read one event; PayloadError when nothing in it can be read."""
        kind = message.parts["event"]
        if kind in _NO_MEASUREMENT:
            return Decoding([Ignored("event_kind")])
        if kind not in _READ:
            raise PayloadError("unknown_topic", paths.shown(kind))
        event = self._read(kind, message.payload)
        if self._heard(kind, event, message):
            return Decoding([Ignored("duplicate")])
        thing = self._thing(message.parts, event.device, {"devEui": message.parts["dev"]})
        time, flags = self._when(event)
        found = self._kinds[kind](Origin(thing, time, flags), event) or [Ignored("unused")]
        self._remember(kind, event, message.received, found)
        return Decoding(found, _sightings(thing, kind, event))

    def _when(self, event: Event) -> tuple[Micros | None, Flag]:
        if isinstance(event.time, int) and not isinstance(event.time, bool):
            return event.time, Flag.TIME_GATEWAY
        try:
            time, flags = self._moment(event.time)
        except PayloadError as error:
            raise measured.readable(error) from error
        return time, flags if time is None else flags | Flag.TIME_GATEWAY

    def _heard(self, kind: str, event: Event, message: Message) -> bool:
        """Say whether the event was read before.

        The kind counts too: the status, the location and the uplink of one frame have one id.
        A redelivery (DUP) is read again, for what we read of it before may not have been stored.
        """
        since = self._known.get(hash((kind, event.identity)))
        return since is not None and not message.dup and message.received - since <= REMEMBERED_FOR

    def _remember(self, kind: str, event: Event, now: Micros, found: list[Outcome]) -> None:
        """Note an event that was read whole: a refused one may be sent again, mended."""
        if not event.identity:
            return
        if any(isinstance(outcome, PayloadError) for outcome in found):
            return
        self._known.put(hash((kind, event.identity)), now)
        self._known.drop_oldest(lambda since: now - since > REMEMBERED_FOR)

    def _up(self, origin: Origin, event: Event) -> list[Outcome]:
        body = event.body
        profile = event.device.get("deviceProfileName")
        profile = profile if isinstance(profile, str) else ""
        device = self._models.find(profile)
        tree = body.get("object")
        if tree:
            if not isinstance(tree, dict):
                raise PayloadError("not_of_format", "object")
            return lorawan.outcomes(origin, tree, device)
        frame = lorawan.frame_of(body.get("data"))
        if not frame or (tree is not None and device is None):
            return [Ignored("unused")]
        if device is None:
            raise PayloadError("no_decoder", paths.shown(profile))
        return lorawan.frame_outcomes(origin, device, frame, lorawan.port_of(body.get("fPort")))


def _status(origin: Origin, event: Event) -> list[Outcome]:
    """Read the radio margin and the battery; a device on mains has no level."""
    body = event.body
    external = body.get("externalPowerSource") is True
    unavailable = body.get("batteryLevelUnavailable") is True
    found: list[Outcome] = []
    for name in [*(k for k in body if k in _STATUS), *(k for k in _STATUS if k not in body)]:
        if name == "externalPowerSource":
            found.append(origin.value(name, float(external)))
        elif name == "batteryLevel" and unavailable:
            found.append(origin.value(name, nan, "%"))
        elif name == "margin" or not external:
            found.append(_number(origin, name, body.get(name, 0)))
    return found


def _number(origin: Origin, name: str, raw: Any) -> Outcome:  # noqa: ANN401  JSON
    try:
        result = json_values.read(raw, None)
    except PayloadError as error:
        return measured.readable(error, name)
    return origin.value(name, result, "dB" if name == "margin" else "%")


def _location(_origin: Origin, event: Event) -> list[Outcome]:
    lorawan.position(event.body.get("location"))
    return [Ignored("metadata")]


def _log(_origin: Origin, event: Event) -> list[Outcome]:
    """Read a line of the server's log; its decoder's failure is the one that loses values."""
    if events.log_code(event.body) == events.UPLINK_CODEC:
        complaint = event.body.get("description", "")
        raise PayloadError("decoder_failed", paths.shown(complaint, measured.MAX_DETAIL))
    return [Ignored("event_kind")]


def _sightings(thing: str, kind: str, event: Event) -> list[Sighting]:
    named = naming.label(event.device.get("deviceName"))
    if kind == "location":
        return [Sighting(thing, named, *lorawan.position(event.body.get("location")))]
    return [] if named is None else [Sighting(thing, named)]
