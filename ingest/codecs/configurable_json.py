"""JSON whose shape is described by the feed file: paths to things, times and values.

A broken channel is refused alone, a broken record alone, and only what is no JSON as a whole.
Of a key that stands twice in one object the last counts, as every JSON reader has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Annotated, Any, Final, Literal

import msgspec

from ingest.codecs import Codec, Decoding, FeedView, Message, moments, paths
from ingest.codecs.paths import ABSENT, Getter
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, Flag, Quality

Path = str | list[str]

# A gateway that was off for a week sends some thousand records at once; beyond this one message
# would fill a whole transaction (ingest.batch_cap).
MAX_RECORDS: Final = 10_000
_NO_VALUE: Final = frozenset({"", "-", "--", "nan", "null", "none", "n/a", "na"})
_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_BOM: Final = b"\xef\xbb\xbf"
_TEXT_CONTROLS: Final = b"\t\n\r\f\b"
_FIRST_PRINTABLE: Final = 0x20


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


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file that names this codec."""

    values: Annotated[dict[str, Value], msgspec.Meta(min_length=1)]
    thing: str = "{thing}"
    records: Path | None = None
    time: Path | None = None
    time_format: str = "auto"
    location: Position | None = None
    label: Path | None = None
    quality: Status | None = None


@dataclass(frozen=True, slots=True)
class _Channel:
    datastream: str  # the path, joined by "/"
    unit: str | None
    get: Getter
    states: Mapping[str, int] | None


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Compile the options of a feed. Raises ConfigError; see `Options` for what there is."""
    try:
        wanted = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise ConfigError(f"options: {error}") from error
    specs = {
        paths.joined(value.path): DatastreamSpec(code, value.unit, value.min, value.max)
        for code, value in wanted.values.items()
    }
    return Codec(_Reader(wanted, feed).decode, specs)


class _Reader:
    """A feed's options, compiled."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        self._records = None if options.records is None else paths.getter(options.records)
        self._thing = paths.name(options.thing, feed.names)
        self._time = None if options.time is None else paths.either(paths.getter(options.time))
        self._moment = moments.reader(options.time_format, feed.zone)
        self._channels = [
            _Channel(paths.joined(value.path), value.unit, paths.getter(value.path), value.states)
            for value in options.values.values()
        ]
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
        for record in self._each(root):
            try:
                self._record(message.parts, record, root, found)
            except PayloadError as error:
                found.outcomes.append(error)
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

    def _record(self, parts: Mapping[str, str], record: Any, root: Any, out: Decoding) -> None:  # noqa: ANN401
        thing = self._thing(parts, record, root)
        time, flag = self._when(record, root)
        quality = self._quality(record, root)
        present = 0
        for channel in self._channels:
            raw = channel.get(record)
            if raw is ABSENT:
                continue
            present += 1
            try:
                result = read(raw, channel.states)
            except PayloadError as error:
                detail = f"{channel.datastream}: {error.detail}"
                out.outcomes.append(PayloadError(error.reason, detail))
                continue
            trust = Quality.MISSING if quality is Quality.GOOD and isnan(result) else quality
            out.outcomes.append(
                Decoded(thing, channel.datastream, time, result, channel.unit, trust, flag)
            )
        if not present:
            raise PayloadError("missing_value", thing)
        if self._lon is not None or self._label is not None:
            self._sight(thing, record, root, out)

    def _when(self, record: Any, root: Any) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
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
        return self._codes.get(str(raw).strip(), Quality.SUSPECT)

    def _sight(self, thing: str, record: Any, root: Any, out: Decoding) -> None:  # noqa: ANN401
        label = None if self._label is None else self._label(record, root)
        shown = label.strip()[: paths.MAX_NAME] if isinstance(label, str) else ""
        try:
            lon, lat = self._position(record, root)
        except PayloadError as error:
            out.outcomes.append(error)
            lon = lat = None
        named = shown if shown and shown.isprintable() else None
        out.sightings.append(Sighting(thing, named, lon, lat))

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


def _codes(status: Status) -> dict[str, Quality]:
    return {code: Quality[word.upper()] for code, word in status.codes.items()}


def parse(payload: bytes) -> Any:  # noqa: ANN401  JSON
    """Parse a payload; PayloadError empty, not_utf8, binary, bad_json.

    The bare words NaN and Infinity, which are no JSON but which devices write, are read on the
    slow way: one channel without a value must not cost the others.
    """
    text = payload.removeprefix(_BOM)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _slowly(text)


def _slowly(text: bytes) -> Any:  # noqa: ANN401  JSON
    if not text.strip():
        raise PayloadError("empty")
    if any(byte < _FIRST_PRINTABLE and byte not in _TEXT_CONTROLS for byte in text[:1024]):
        raise PayloadError("binary")
    try:
        words = text.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start}") from error
    try:
        return json.loads(words)
    except (ValueError, RecursionError) as error:
        raise PayloadError("bad_json", paths.shown(str(error))) from error


def read(raw: Any, states: Mapping[str, int] | None) -> float:  # noqa: ANN401  JSON
    """Return a number, NaN for "no value"; PayloadError bad_value, bad_state."""
    if states is not None:
        return _state(raw, states)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return _finite(raw)
    if raw is None:
        return nan
    if isinstance(raw, str):
        return _from_text(raw.strip())
    raise PayloadError("bad_value", paths.shown(raw))


def _finite(raw: float) -> float:
    try:
        value = float(raw)
    except OverflowError as error:
        raise PayloadError("bad_value", "beyond any number") from error
    if isfinite(value) or isnan(value):
        return value
    raise PayloadError("bad_value", str(value))


def _from_text(text: str) -> float:
    """Read "41.5", "41,5" and words for no value; "1.234,5" can be two things: refused."""
    if len(text) <= paths.MAX_SHOWN:
        if _COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if _NUMBER.fullmatch(text):
            return _finite(float(text))
        if text.lower() in _NO_VALUE:
            return nan
    raise PayloadError("bad_value", paths.shown(text))


def _state(raw: Any, states: Mapping[str, int]) -> float:  # noqa: ANN401  JSON
    if raw is None:
        return nan
    if isinstance(raw, (dict, list)):
        raise PayloadError("bad_state", paths.shown(raw))
    key = str(raw).lower() if isinstance(raw, bool) else str(raw).strip()
    code = states.get(key)
    if code is None:
        code = states.get(key.lower())
    if code is None:
        raise PayloadError("bad_state", paths.shown(key))
    return float(code)
