"""A camera's state as plain JSON, for whoever can write a script at the recorder.

`{camera_id, ts, state: online|offline|degraded|disabled|maintenance, signal: ok|loss|tamper|blur|
dark, recording: on|off|fault, fps, bitrate_kbps, nvr_id, disk_free_pct}`, retained. Everything
but `camera_id` may be absent. On a topic with the part `{nvr}`: the recorder's own state or last
will, "offline" or `{"state": "offline"}`. A recorder that is gone makes its cameras unknown, which
is not offline, and is one status of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Message, Outcome, Status
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_empty
from ingest.reading.json_values import parse, read
from ingest.reading.measured import Origin, number
from ingest.reading.options import read_options
from ingest.reading.recent import Recent
from ingest.reading.recording import RECORDING
from ioc.domain.errors import PayloadError
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, DeviceState

MAX_CAMERAS: Final = 20_000  # two provinces' worth; the oldest is forgotten
MAX_RECORDERS: Final = 2_000
_NVR: Final = "nvr"
SIGNAL: Final = {"ok": 0, "loss": 1, "tamper": 2, "blur": 3, "dark": 4}
_UNITS: Final[Mapping[str, str | None]] = {
    "fps": None,
    "bitrate_kbps": "kbit/s",
    "disk_free_pct": "%",
}
_MEANINGS: Final = {
    "signal": DatastreamSpec("signal_status"),
    "recording": DatastreamSpec("recording_status"),
    "fps": DatastreamSpec("camera_fps"),
    "disk_free_pct": DatastreamSpec("disk_free", "%"),
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file. `time_format` of `ts`."""

    time_format: str | list[str] = "auto"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options that do not exist."""
    wanted = read_options(options, Options)
    moment = moments.reader(wanted.time_format, feed.zone)
    return Codec(unless_empty(_Recorders(moment).decode), _MEANINGS, stateful=True)


class _Recorders:
    """Which recorder each camera hangs on, and which recorders are gone."""

    def __init__(self, moment: moments.Reader) -> None:
        self._moment = moment
        self._recorder_of: Recent[str, str] = Recent(MAX_CAMERAS)
        self._gone: Recent[str, bool] = Recent(MAX_RECORDERS)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        recorder = message.parts.get(_NVR)
        if recorder is not None:
            return Decoding(list(self._recorder(paths.named(recorder), message)))
        root = parse(message.payload)
        if not isinstance(root, dict):
            raise PayloadError("not_of_format", "no object")
        camera = paths.named(root.get("camera_id", paths.ABSENT))
        raw = root.get("nvr_id")
        recorder = None if raw in (None, "") else paths.named(raw)
        said = [] if recorder is None else [Sighting(camera, parent=recorder)]
        return Decoding(list(self._camera(camera, recorder, root, message)), said)

    def _recorder(self, recorder: str, message: Message) -> Iterator[Outcome]:
        root = _will(message.payload)
        state = _state(root.get("state"))
        time, flags = self._moment(root.get("ts"))
        gone = state in (DeviceState.OFFLINE, DeviceState.UNKNOWN)
        if gone:
            self._gone.put(recorder, True)  # noqa: FBT003  a set with a limit
        else:
            self._gone.drop(recorder)
        yield Status(recorder, state, "", time, flags)
        if gone:
            cameras = [c for c, r in self._recorder_of.items() if r == recorder]
            yield from (Status(c, DeviceState.UNKNOWN, recorder, time, flags) for c in cameras)

    def _camera(
        self, camera: str, recorder: str | None, root: Mapping[str, Any], message: Message
    ) -> Iterator[Outcome]:
        origin = Origin(camera, *self._moment(root.get("ts")))
        if recorder is not None:
            self._recorder_of.put(camera, recorder)
        known = self._recorder_of.get(camera)
        if message.retain and known is not None and self._gone.get(known):
            # what the broker kept of a recorder that died since
            yield Status(camera, DeviceState.UNKNOWN, known, origin.time, origin.flags)
        else:
            yield from _status(root, origin)
        for key, raw in root.items():
            if key in _MEANINGS or key in _UNITS:
                yield _value(key, raw, origin)


def _value(key: str, raw: Any, origin: Origin) -> Outcome:  # noqa: ANN401  JSON
    codes = SIGNAL if key == "signal" else RECORDING if key == "recording" else None
    if codes is None or raw is None:
        return number(origin, key, raw, _UNITS.get(key))
    try:
        code = read(raw, codes)
    except PayloadError as error:
        return PayloadError(error.reason, f"{key}: {error.detail}")
    return Decoded(origin.thing, key, origin.time, code, flags=origin.flags)


def _status(root: Mapping[str, Any], origin: Origin) -> Iterator[Outcome]:
    """Yield the camera's state; a bad picture degrades what would be online."""
    signal, recording = root.get("signal"), root.get("recording")
    bad = isinstance(signal, str) and SIGNAL.get(signal, 0) > 0
    faults = [f"signal {signal}"] if bad else []
    if isinstance(recording, str) and RECORDING.get(recording, 0) > 0:
        faults.append(f"recording {recording}")
    raw = root.get("state")
    if raw is None and not bad:
        return
    try:
        state = DeviceState.ONLINE if raw is None else _state(raw)
    except PayloadError as error:
        yield error
        return
    if bad and state is DeviceState.ONLINE:
        state = DeviceState.DEGRADED
    yield Status(origin.thing, state, ", ".join(faults), origin.time, origin.flags)


def _will(payload: bytes) -> Mapping[str, Any]:
    """Read a recorder's state: a bare word, or an object with `state`."""
    text = payload.strip()
    if not text.startswith(b"{"):
        return {"state": text[:40].decode(errors="replace").strip('"')}
    root = parse(payload)
    return root if isinstance(root, dict) else {}


def _state(raw: Any) -> DeviceState:  # noqa: ANN401  JSON
    try:
        return DeviceState(raw.strip().lower() if isinstance(raw, str) else "")
    except ValueError as error:
        raise PayloadError("bad_state", paths.shown(raw)) from error
