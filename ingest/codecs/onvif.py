"""ONVIF events over MQTT: what a camera says of its own picture, disk and network.

Two envelopes are read. ONVIF Core ("Event broker", payload prefix `onvif-ej`): the topic is
`{prefix}/onvif-ej/{ONVIF topic}[/&{source}]`, the payload `{"UtcTime", "Source", "Data"}` with
names and values, or with `SimpleItem` lists as in ONVIF's XML (structure seen in public parsers of
two makers' cameras; namespaces may be dropped or kept, `tns1:`). Axis' own event bridge
(`{prefix}/event/{topic}` with `timestamp` in ms and `message: {source, data}`): its structure was
not seen in a source, only described; try it with a camera before you rely on it.

Each topic of the table is a property with a state of its own: `true` raises, `false` clears, and
the camera is degraded as long as one is raised. Motion and analytics are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_empty
from ingest.reading.json_values import parse
from ingest.reading.measured import Origin, number
from ingest.reading.options import read_options
from ingest.reading.recent import Recent
from ingest.reading.recording import RECORDING
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec
from ioc.domain.observation import DeviceState, Flag

MAX_CAMERAS: Final = 10_000  # a province's
MAX_PROPERTIES: Final = 64  # of one camera: eight kinds by eight video sources; of one event
_EVENT: Final = "event"
# ONVIF topics without namespaces -> what is wrong; a topic that starts with one of these.
_PROBLEMS: Final = {
    "VideoSource/SignalLoss": "signal_loss",
    "MediaControl/VideoLoss": "signal_loss",
    "VideoSource/GlobalSceneChange": "tamper",
    "RuleEngine/TamperDetector/Tamper": "tamper",
    "Device/Casing/Open": "tamper",
    "VideoSource/ImageTooBlurry": "blur",
    "VideoSource/ImageTooDark": "dark",
    "VideoSource/ImageTooBright": "bright",
    "Device/HardwareFailure/StorageFailure": "storage_failure",
    "Device/HardwareFailure/NetworkFailure": "network_failure",
}
_RECORDING: Final = "recording"
_STARTED: Final = frozenset({"start", "started", "active", "true", "1"})
_STOPPED: Final = frozenset({"stop", "stopped", "idle", "inactive", "false", "0"})
_TRUE: Final = frozenset({"true", "1", "active", "on"})
_FALSE: Final = frozenset({"false", "0", "inactive", "off"})
_STATE_NAMES: Final = ("State", "IsTamper", "Failed", "IsLost", "LogicalState", "active", "state")
_LOAD: Final = "Monitoring/ProcessorUsage"

Raised = dict[tuple[str, str], tuple[bool, Micros | None]]  # (problem, source) -> raised, since


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file. `thing`: the part of the topic that is the camera."""

    thing: str = "{device}"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options, or a topic without `{event*}`."""
    wanted = read_options(options, Options)
    if _EVENT not in feed.names:
        raise ConfigError("onvif: end the topic with {event*}, as in {device}/onvif-ej/{event*}")
    cameras = _Cameras(paths.name(wanted.thing, feed.names), moments.reader("auto", "UTC"))
    meanings = {_RECORDING: DatastreamSpec("recording_status")}
    return Codec(unless_empty(cameras.decode), meanings, stateful=True)


class _Cameras:
    """What each camera has raised."""

    def __init__(self, thing: paths.Name, moment: moments.Reader) -> None:
        self._thing = thing
        self._moment = moment
        self._raised: Recent[str, Raised] = Recent(MAX_CAMERAS)

    def decode(self, message: Message) -> Decoding:
        """Read one event; PayloadError when it cannot be read."""
        topic, source = _topic(message.parts[_EVENT])
        problem = next((p for t, p in _PROBLEMS.items() if (topic + "/").startswith(t + "/")), None)
        recording = topic.startswith("Recording")
        if problem is None and not recording and topic != _LOAD:
            return Decoding([Ignored("event_kind")])
        root = parse(message.payload)
        if not isinstance(root, dict):
            raise PayloadError("not_of_format", "no object")
        origin = self._origin(message, root)
        data = _items(root, "Data")
        if len(data) > MAX_PROPERTIES:
            raise PayloadError("too_many_records", str(len(data)))
        if problem is not None:
            key = (problem, _token(root) or source)
            return Decoding([self._property(origin, key, data, root)])
        if recording:
            return Decoding([_recording(origin, topic, data)])
        return Decoding([number(origin, f"{topic}/{name}", raw) for name, raw in data.items()])

    def _origin(self, message: Message, root: Mapping[str, Any]) -> Origin:
        thing = self._thing(message.parts, root, root)
        time, flags = self._moment(root.get("UtcTime", root.get("timestamp")))
        return Origin(thing, time, flags & ~Flag.TIME_ZONE)  # UtcTime is UTC even without a "Z"

    def _property(
        self,
        origin: Origin,
        key: tuple[str, str],
        data: Mapping[str, Any],
        root: Mapping[str, Any],
    ) -> Outcome:
        deleted = root.get("PropertyOperation") == "Deleted"
        raised = False if deleted else _raised(data)
        known = self._raised.get(origin.thing) or {}
        _, since = known.get(key, (False, None))
        if origin.time is not None and since is not None and origin.time < since:
            return Ignored("seen")
        known[key] = (raised, origin.time)
        if len(known) > MAX_PROPERTIES:
            del known[next(iter(known))]
        self._raised.put(origin.thing, known)
        problems = sorted({problem for (problem, _), (is_raised, _) in known.items() if is_raised})
        state = DeviceState.DEGRADED if problems else DeviceState.ONLINE
        return Status(origin.thing, state, ", ".join(problems), origin.time, origin.flags)


def _topic(event: str) -> tuple[str, str]:
    """Return the ONVIF topic without namespaces, and the source that the MQTT topic names."""
    path, _, source = event.partition("&")
    words = [word.rpartition(":")[2] for word in path.split("/")]
    token = source.rstrip("/").rpartition("/")[2]  # &VideoSourceToken/1
    return "/".join(word for word in words if word not in ("", "onvif")), token


def _items(root: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Return the names and values of `Data` or `Source` in any of the envelopes."""
    inner = root.get("message")
    part = root.get(section, inner.get(section.lower()) if isinstance(inner, dict) else None)
    if not isinstance(part, dict):
        return {}
    simple = part.get("SimpleItem")
    if simple is None:
        return part
    listed = simple if isinstance(simple, list) else [simple]
    return {
        one["Name"]: one.get("Value")
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("Name"), str)
    }


def _token(root: Mapping[str, Any]) -> str:
    texts = (value for value in _items(root, "Source").values() if isinstance(value, str))
    return next(texts, "")[: paths.MAX_NAME]


def _raised(data: Mapping[str, Any]) -> bool:
    """Return the state of a property; PayloadError("bad_state")."""
    for raw in [*(data[name] for name in _STATE_NAMES if name in data), *data.values()]:
        word = _word(raw)
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise PayloadError("bad_state", paths.shown(", ".join(data)))


def _word(raw: Any) -> str:  # noqa: ANN401  JSON
    if isinstance(raw, str):
        return raw.strip().lower()
    return str(int(raw)) if raw in (0, 1) else ""


def _recording(origin: Origin, topic: str, data: Mapping[str, Any]) -> Outcome:
    """Return whether the camera records, as the topic's last word or the first state says."""
    for raw in (topic.rpartition("/")[2], *data.values()):
        word = _word(raw)
        if word in _STARTED or word in _STOPPED:
            code = RECORDING["on" if word in _STARTED else "off"]
            return origin.value(_RECORDING, float(code))
    return Ignored("event_kind")
