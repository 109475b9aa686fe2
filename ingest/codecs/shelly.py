"""Shelly Gen2 and later: `<prefix>/events/rpc`, `<prefix>/status/<component>`, `<prefix>/online`.

A NotifyStatus holds what has changed, a NotifyFullStatus everything, a NotifyEvent no measurement.
`ts` is the device's clock in seconds. A battery device has none when it wakes (1.33): its time is
handed over as it is and corrected where all such times are. Its silence until `wakeup_period` is
over is normal, and so is `online` false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import EMPTY, Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.reading import json_values, moments, naming, paths, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.tree import Leaf, Shape
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec
from ioc.domain.observation import DeviceState, Flag, Quality

_RPC: Final = "/events/rpc"
_STATUS: Final = "/status/"
_ONLINE: Final = "/online"
_UNUSED_ENDINGS: Final = ("/rpc", "/command", "/debug/log", "/announce")
_STATES: Final = {b"true": DeviceState.ONLINE, b"false": DeviceState.OFFLINE}
_SHAPE: Final = Shape(
    used=frozenset({"ts"}),
    metadata=frozenset(
        {
            "id", "source", "mac", "time", "unixtime", "minute_ts", "last_updated_ts", "utc_offset",
            "last_sync_ts", "available_updates", "wakeup_reason", "wakeup_period", "cfg_rev",
            "kvs_rev", "schedule_rev", "webhook_rev", "btrelay_rev", "bthc_rev", "sta_ip",
            "sta_ip6", "ssid", "bssid", "etag", "wifi/status", "eth/ip",
        }
    ),
)  # fmt: skip
_PHASES: Final = ("a", "b", "c")
_DATASTREAMS: Final[Mapping[str, DatastreamSpec]] = {
    "temperature:*/tC": DatastreamSpec("temperature", "°C"),
    "*/tC": DatastreamSpec(None, "°C"),  # the inside of the device itself
    "*/tF": DatastreamSpec(None, "°F"),  # the same temperature once more
    "humidity:*/rh": DatastreamSpec("humidity", "%"),
    "illuminance:*/lux": DatastreamSpec("illuminance", "lx"),
    "devicepower:*/battery/percent": DatastreamSpec("battery", "%"),
    "devicepower:*/battery/V": DatastreamSpec("battery_voltage", "V"),
    "*/apower": DatastreamSpec("power", "W"),
    "*/act_power": DatastreamSpec("power", "W"),
    "*/total_act_power": DatastreamSpec("power", "W"),
    "*/aprt_power": DatastreamSpec(None, "VA"),
    "*/total_aprt_power": DatastreamSpec(None, "VA"),
    "voltmeter:*/voltage": DatastreamSpec(None, "V"),
    "*/voltage": DatastreamSpec("voltage", "V"),
    "*/current": DatastreamSpec("current", "A"),
    "*/total_current": DatastreamSpec(None, "A"),
    "*/freq": DatastreamSpec("mains_frequency", "Hz"),
    "*/aenergy/total": DatastreamSpec("energy", "Wh"),
    "*/aenergy/by_minute/*": DatastreamSpec(None, "mWh"),
    "*/ret_aenergy/total": DatastreamSpec(None, "Wh"),
    "*/ret_aenergy/by_minute/*": DatastreamSpec(None, "mWh"),
    "emdata:*/total_act": DatastreamSpec("energy", "Wh"),
    "em1data:*/total_act_energy": DatastreamSpec("energy", "Wh"),
    "wifi/rssi": DatastreamSpec("rssi", "dBm"),
    "sys/uptime": DatastreamSpec("uptime", "s"),
    **{f"em:*/{p}_voltage": DatastreamSpec("voltage", "V") for p in _PHASES},
    **{f"em:*/{p}_current": DatastreamSpec("current", "A") for p in _PHASES},
    **{f"em:*/{p}_act_power": DatastreamSpec("power", "W") for p in _PHASES},
    **{f"em:*/{p}_aprt_power": DatastreamSpec(None, "VA") for p in _PHASES},
    **{f"em:*/{p}_freq": DatastreamSpec("mains_frequency", "Hz") for p in _PHASES},
    **{f"emdata:*/{p}_total_act_energy": DatastreamSpec("energy", "Wh") for p in _PHASES},
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`thing`: parts of the topic in braces that name the device; None: its whole MQTT prefix."""

    thing: str | None = None


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError where `thing` names what the topics do not have."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode), _DATASTREAMS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._named: Callable[[Message], str] | None = None
        if options.thing is not None:
            self._named = naming.of_topic(options.thing, feed)
        self._moment = moments.reader("epoch_s", feed.zone)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        topic = message.topic
        if topic.endswith(_RPC):
            thing = self._thing(message, topic.removesuffix(_RPC))
            return Decoding(self._frame(thing, message))
        if topic.endswith(_ONLINE):
            return Decoding([_online(self._thing(message, topic.removesuffix(_ONLINE)), message)])
        prefix, marker, component = topic.rpartition(_STATUS)
        if marker and component and "/" not in component:
            return Decoding(self._component(self._thing(message, prefix), component, message))
        if topic.endswith(_UNUSED_ENDINGS):
            return Decoding([Ignored("unused")])
        raise PayloadError("unknown_topic", paths.shown(topic))

    def _thing(self, message: Message, prefix: str) -> str:
        return naming.checked(prefix) if self._named is None else self._named(message)

    def _frame(self, thing: str, message: Message) -> list[Outcome]:
        frame = json_values.document(message.payload)
        method, params = frame.get("method"), frame.get("params")
        if method in ("NotifyStatus", "NotifyFullStatus"):
            if not isinstance(params, dict):
                raise PayloadError("not_of_format", "params is no object")
            return self._states(thing, params)
        if method == "NotifyEvent":
            return _events(params)
        return [Ignored("unused")]  # the answer to somebody's request

    def _component(self, thing: str, component: str, message: Message) -> list[Outcome]:
        return self._states(thing, {component: json_values.document(message.payload)})

    def _states(self, thing: str, params: dict[str, Any]) -> list[Outcome]:
        """Read components by name, with the time of the frame or, where it has one, their own."""
        outcomes: list[Outcome] = []
        whole = Origin(thing)
        try:
            whole = Origin(thing, self._moment(params.get("ts"))[0])
        except PayloadError as error:
            outcomes.append(PayloadError(error.reason, f"ts: {error.detail}"))
        origins: dict[str, Origin] = {}
        for found in tree.leaves(params, _SHAPE):
            if not isinstance(found, Leaf):
                outcomes.append(found)
                continue
            name = found.path.partition("/")[0]
            origin = origins.get(name)
            if origin is None:
                origin = origins[name] = self._origin(whole, params.get(name))
            outcomes.append(typed(origin, found.path, found.value))
        return outcomes

    def _origin(self, whole: Origin, component: Any) -> Origin:  # noqa: ANN401  JSON
        """Return what the values of a component share.

        A component that reports errors has no value because of them. A Bluetooth sensor's last
        packet has a time of its own, by the clock of the Shelly that heard it.
        """
        if not isinstance(component, dict):
            return whole
        heard: Micros | None = None
        try:
            heard = self._moment(component.get("last_updated_ts"))[0]
        except PayloadError:
            heard = None  # the frame's own time stands
        if heard is not None:
            whole = whole._replace(time=heard, flags=Flag.TIME_GATEWAY)
        return whole._replace(absent=Quality.FAULT) if component.get("errors") else whole


def _events(params: Any) -> list[Outcome]:  # noqa: ANN401  JSON
    """Pass over events, each for itself; a frame without any is one event that says nothing."""
    if not isinstance(params, dict):
        raise PayloadError("not_of_format", "params is no object")
    events = params.get("events") or [None]
    if not isinstance(events, list):
        raise PayloadError("not_of_format", "params.events is no list")
    if len(events) > MAX_RECORDS:
        raise PayloadError("too_many_records", str(len(events)))
    return [Ignored("event_kind") for _ in events]


def _online(thing: str, message: Message) -> Outcome:
    if not message.payload:
        return EMPTY
    state = _STATES.get(message.payload.strip()[:8].lower())
    if state is None:
        return PayloadError("bad_state", paths.shown(message.payload[:32].decode(errors="replace")))
    return Status(thing, state)
