"""Influx line protocol: several lines a message, a bad line refused alone.

The grammar is that of docs.influxdata.com, "Line protocol"; the parser is line-protocol-parser,
whose three habits are met here: it lists the fields in reverse, it takes one line, and its time
for many tags grows with their square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from line_protocol_parser import LineFormatError, parse_line

from ingest.codec import Codec, Decoding, FeedView, Message, Outcome
from ingest.reading import paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.paths import shown
from ingest.reading.series import Series
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros

MAX_TAGS: Final = 100  # a line with more is no line of a device; see the parser's square above
_PER_MICRO: Final = {"ns": (1, 1000), "us": (1, 1), "ms": (1000, 1), "s": (1_000_000, 1)}
# One line: up to a line break that is not inside a quoted field value. A quote opens after "=" and
# closes before "," or white space; one that never closes is part of a bad line and ends with it.
_LINE: Final = re.compile(rb'(?:="(?:[^"\\]|\\.)*+"(?=[,\s]|\Z)|[^\n])*+', re.DOTALL)
_SERIES: Final = re.compile(rb"(?:\\.|[^\\ ])*+", re.DOTALL)  # measurement and tags


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file.

    `things`: the tags that name the thing, in order of preference; `thing`: what stands in where
    a line has none of them, a part of the topic in braces. `series`: by measurement the tags that
    tell apart what would else be one series. `precision` of the times.
    """

    things: tuple[str, ...] = ("host",)
    thing: str | None = None
    series: dict[str, list[str]] = {}
    precision: Literal["ns", "us", "ms", "s"] = "ns"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options that do not exist."""
    wanted = read_options(options, Options)
    series = Series(wanted.things, wanted.series, wanted.thing, feed.names)
    ratio = _PER_MICRO[wanted.precision]
    return Codec(unless_deleted(lambda message: _decode(message, series, ratio)))


def _decode(message: Message, series: Series, ratio: tuple[int, int]) -> Decoding:
    found = Decoding()
    for line in _lines(message.payload):
        try:
            found.outcomes.extend(_points(line, series, ratio, message.parts))
        except PayloadError as error:
            found.outcomes.append(error)
        if len(found.outcomes) > MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(found.outcomes)))
    if not found.outcomes:
        raise PayloadError("empty")
    return found


def _lines(payload: bytes) -> Iterator[bytes]:
    """Yield the lines that are neither empty nor comments."""
    split = payload.split(b"\n") if b'"' not in payload else _LINE.findall(payload)
    for line in split:
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            yield stripped


def _points(
    line: bytes, series: Series, ratio: tuple[int, int], parts: Mapping[str, str]
) -> Iterator[Outcome]:
    point = _parse(line)
    measurement = paths.channel(point["measurement"])
    thing, prefix = series.of(measurement, point["tags"], parts)
    sent, (times, per) = point["time"], ratio
    origin = Origin(thing, None if sent is None else Micros(sent * times // per))
    for key, value in reversed(point["fields"].items()):
        try:
            path = paths.channel(f"{prefix}/{paths.channel(key)}")
        except PayloadError as error:
            yield error
            continue
        yield typed(origin, path, value)


def _parse(line: bytes) -> dict[str, Any]:
    head = _SERIES.match(line)
    if head is not None and head[0].count(b",") > MAX_TAGS:
        raise PayloadError("bad_line", "too many tags")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start}") from error
    try:
        point: dict[str, Any] | None = parse_line(text)
    except LineFormatError as error:
        raise PayloadError("bad_line", shown(f"{error} {text}")) from error
    if point is None:
        raise PayloadError("bad_line", shown(text))
    return point
