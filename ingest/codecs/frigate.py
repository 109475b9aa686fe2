"""Frigate: the recorder's and its cameras' life and frame rates; never a picture, never an event.

Topics: docs.frigate.video, "MQTT". Numbers: `frigate/stats/util.py`.

- `available` is the recorder's last will. When it is gone its cameras are unknown, not offline.
- `{camera}/status/{role}` is the state of a process, so an unreachable camera flaps while ffmpeg
  restarts: it is handed over raw and held elsewhere. `detect` and `record` may read different
  streams of the camera: offline if either is. `audio` says nothing of the picture.
- `disabled` concerns the whole camera, whichever role says so.
- Counts of objects, switches (`…/state`), events and reviews are no measurements of a device.

One feed is one recorder: of several, give each its own topic prefix and feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import EMPTY, Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.reading import moments, paths
from ingest.reading.json_values import MAX_RECORDS, parse
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.recent import Recent
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, DeviceState

MAX_CAMERAS: Final = 1000  # of one recorder; the largest installations known have some hundred
_PART: Final = "path"
_ROLES: Final = ("detect", "record")
_STATES: Final = {
    "online": DeviceState.ONLINE,
    "offline": DeviceState.OFFLINE,
    "stopped": DeviceState.OFFLINE,
    "disabled": DeviceState.DISABLED,
}
_RATES: Final = ("camera_fps", "process_fps", "skipped_fps", "detection_fps")
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF")
_MEANINGS: Final = {
    "camera_fps": DatastreamSpec("camera_fps"),
    "skipped_fps": DatastreamSpec("camera_skipped_fps"),
    "service/uptime": DatastreamSpec("uptime", "s"),
}
_DISK: Final = ("total", "used", "free")
_MIB: Final = "MiB"  # util.py divides bytes by 2**20

Roles = dict[str, DeviceState]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file: none. The topic must end in `{path*}`."""


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options, or a topic without `{path*}`."""
    read_options(options, Options)
    if _PART not in feed.names:
        raise ConfigError("frigate: end the topic with {path*}, as in frigate/{path*}")
    moment = moments.reader("epoch_s", feed.zone)
    return Codec(_Recorder(moment).decode, _MEANINGS, stateful=True)


class _Recorder:
    """One recorder and what its cameras said last."""

    def __init__(self, moment: moments.Reader) -> None:
        self._moment = moment
        self._cameras: Recent[str, Roles] = Recent(MAX_CAMERAS)
        self._gone = False

    def decode(self, message: Message) -> Decoding:
        """Read one message; what may be a picture is not looked into."""
        path = message.parts[_PART]
        words = path.split("/")
        if words[-1] == "snapshot" or message.payload.startswith(_PICTURES):
            return Decoding([Ignored("image")])
        if not message.payload:
            return Decoding([EMPTY])
        prefix = message.topic.removesuffix("/" + path)
        if path == "available":
            return Decoding(list(self._recorder(paths.named(prefix), _state(message))))
        if path == "stats":
            recorder = paths.named(prefix)
            found = list(self._stats(recorder, parse(message.payload)))
            cameras = {one.thing for one in found if isinstance(one, Decoded)} - {recorder}
            return Decoding(found, [Sighting(one, parent=recorder) for one in sorted(cameras)])
        if len(words) == 3 and words[1] == "status":  # noqa: PLR2004  {camera}/status/{role}
            camera = paths.named(words[0])
            said = [Sighting(camera, parent=paths.named(prefix))]
            return Decoding([self._role(camera, words[2], message)], said)
        return Decoding([Ignored("event_kind")])

    def _recorder(self, thing: str, state: DeviceState) -> Iterator[Outcome]:
        self._gone = state is not DeviceState.ONLINE
        yield Status(thing, state)
        if not self._gone:
            return
        for camera in self._cameras:
            self._cameras.put(camera, {})
            yield Status(camera, DeviceState.UNKNOWN, thing)

    def _role(self, camera: str, role: str, message: Message) -> Outcome:
        state = _state(message)
        if role not in _ROLES:
            return Ignored("unused")
        known = self._cameras.get(camera) or {}
        others = {} if state is DeviceState.DISABLED else known  # the whole camera is switched off
        roles: Roles = {**others, role: state}
        self._cameras.put(camera, roles)
        if self._gone and message.retain:  # what the broker kept of a recorder that died since
            return Status(camera, DeviceState.UNKNOWN, role)
        worst = DeviceState.OFFLINE if DeviceState.OFFLINE in roles.values() else state
        return Status(camera, worst, "+".join(r for r, s in roles.items() if s is worst))

    def _stats(self, recorder: str, root: Any) -> Iterator[Outcome]:  # noqa: ANN401  JSON
        if not isinstance(root, dict):
            raise PayloadError("not_of_format", "no object")
        service = root.get("service")
        service = service if isinstance(service, dict) else {}
        time, flags = self._moment(service.get("last_updated"))
        cameras = root.get("cameras")
        if cameras is None:  # before 0.13 the cameras stood at the root
            cameras = {k: v for k, v in root.items() if isinstance(v, dict) and _RATES[0] in v}
        if not isinstance(cameras, dict):
            raise PayloadError("not_of_format", "cameras")
        if len(cameras) > MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(cameras)))
        for name, rates in cameras.items():
            yield from self._camera(name, rates, Origin("", time, flags))
        yield from _service(service, Origin(recorder, time, flags))

    def _camera(self, name: str, rates: Any, origin: Origin) -> Iterator[Outcome]:  # noqa: ANN401
        try:
            camera = paths.named(name)
        except PayloadError as error:
            yield error
            return
        if not isinstance(rates, dict):
            yield PayloadError("not_of_format", f"cameras/{camera}")
            return
        if self._cameras.get(camera) is None:
            self._cameras.put(camera, {})
        for key, raw in rates.items():
            if key in _RATES:
                yield typed(origin._replace(thing=camera), key, raw)


def _service(service: Mapping[str, Any], origin: Origin) -> Iterator[Outcome]:
    """Yield the recorder's own numbers: uptime, disks."""
    for key, raw in service.items():
        if key == "uptime":
            yield typed(origin, "service/uptime", raw, "s")
        elif key == "storage" and isinstance(raw, dict) and len(raw) <= MAX_RECORDS:
            yield from _disks(raw, origin)


def _disks(storage: Mapping[str, Any], origin: Origin) -> Iterator[Outcome]:
    for mount, disk in storage.items():
        for key in _DISK:
            if not isinstance(disk, dict) or key not in disk:
                continue
            try:
                yield typed(
                    origin, paths.channel(f"service/storage/{mount}/{key}"), disk[key], _MIB
                )
            except PayloadError as error:
                yield error


def _state(message: Message) -> DeviceState:
    word = message.payload[:40].decode(errors="replace").strip()
    state = _STATES.get(word)
    if state is None:
        raise PayloadError("bad_state", paths.shown(word))
    return state
