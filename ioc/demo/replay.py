"""`ioc replay`: publish a recording (CSV, NDJSON, either zipped) at its own pace times N. Pure.

A CSV row becomes a JSON object of its non-empty cells on the feed's topic; a line of NDJSON is
`{"topic", "payload", "time"}`. With --shift-to-now a time t becomes start + (t - t0) / N, in the
payload too, in the form the feed reads. So nothing lies in the future, order stays, and every
distance shrinks N times: a delay, a silence limit or a late horizon of 5 min then spans N × 5 min
of the recording. Without it times stay, and those beyond the feed's past_limit_s are refused.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import orjson

from ioc.demo.recorded_time import Clock, Move, moved
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros
from ioc.settings import read_yaml

CSV_FIELD_LIMIT: Final = 1 << 20  # a cell beyond the largest payload is no cell
FILE_LIMIT: Final = 1 << 29  # 512 MiB: some years of one station; all of it is held in memory
_DELIMITERS: Final = ";,\t"
_LINES: Final = (".ndjson", ".jsonl")
# What a file that is none of ours makes the readers raise; RuntimeError: an encrypted archive.
_UNREADABLE: Final = (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, csv.Error)
_NO_TIME: Final = (ValueError, OverflowError)


class _Options(msgspec.Struct, frozen=True):
    time: str | list[str] | None = None
    records: str | list[str] | None = None
    time_format: str | list[str] = "auto"


class ReplayFeed(msgspec.Struct, frozen=True):
    """What a replay needs of a feed file; ingest reads, and checks, the whole of it."""

    name: str
    topic: str | list[str]  # the first is published on
    options: _Options = _Options()
    zone: str = "Asia/Ho_Chi_Minh"

    @property
    def clock(self) -> Clock:
        form = self.options.time_format
        return Clock(form if isinstance(form, str) else form[0], ZoneInfo(self.zone))

    @property
    def time_paths(self) -> tuple[tuple[str, ...], ...]:
        """Return where a payload may hold its time: of each record, and of the whole."""
        time, records = _keys(self.options.time), _keys(self.options.records)
        if not time:
            return ()
        return (time, records + time) if records else (time,)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a recording. A text as `body` is published as it is, unless times move."""

    time: Micros
    topic: str
    body: Any


def read_feed(folder: Path, name: str) -> ReplayFeed:
    """Return the feed called `name`; ConfigError names those there are."""
    names = []
    for path in sorted(folder.glob("*.yaml")):
        document = read_yaml(path)
        for entry in document if isinstance(document, list) else [document]:
            names.append(str(entry.get("name")) if isinstance(entry, dict) else "")
            if names[-1] != name:
                continue
            try:
                return msgspec.convert(entry, ReplayFeed)
            except msgspec.ValidationError as error:
                raise ConfigError(f"{path}: {error}") from error
    raise ConfigError(f"no feed {name!r} in {folder} (there are: {', '.join(sorted(names))})")


def read(path: Path, feed: ReplayFeed) -> list[Recorded]:
    """Return a recording in the order of time. ConfigError when the file is none."""
    try:
        found = sorted(_messages(path, feed), key=lambda message: message.time)
    except _UNREADABLE as error:
        raise ConfigError(f"{path} cannot be read as a recording: {error}") from error
    if not found:
        raise ConfigError(f"{path} holds no row with a time")
    return found


def shifted(
    messages: list[Recorded], feed: ReplayFeed, start: Micros, speed: float
) -> Iterator[Recorded]:
    """Map times to start + (t - t0) / speed; equal or squeezed times stay 1 µs apart per topic.

    ConfigError when the feed writes its times too coarsely to tell two squeezed messages apart.
    """
    first = messages[0].time
    clock = feed.clock
    last: dict[str, Micros] = {}
    for message in messages:
        time = Micros(start + round((message.time - first) / speed))
        before = last.get(message.topic)
        if before is not None:
            time = Micros(max(time, before + 1))
            if feed.time_paths and clock.write(time) == clock.write(before):
                raise ConfigError(
                    f"--speed {speed:g} puts two messages of {message.topic} at one instant, since"
                    f" feed {feed.name} writes times as {clock.form}: take a lower speed"
                )
        last[message.topic] = time
        yield _at(message, feed, _mapping(message.time, time, speed))


def payload(message: Recorded) -> bytes:
    """Return the message's body as bytes; a text that was recorded stays as it was."""
    if isinstance(message.body, str):
        return message.body.encode()
    return orjson.dumps(message.body)


def wait_s(message: Recorded, first: Micros, speed: float, since_start: float) -> float:
    """Return how long to wait before a message is due (negative: it is late)."""
    return (message.time - first) / SECOND / speed - since_start


def _mapping(was: Micros, now: Micros, speed: float) -> Move:
    """Return the map that puts the message's own time at `now` and squeezes all around it."""
    return lambda time: Micros(now + round((time - was) / speed))


def _at(message: Recorded, feed: ReplayFeed, move: Move) -> Recorded:
    body = _parsed(message.body)
    for path in feed.time_paths:
        body = moved(body, path, feed.clock, move)
    return replace(message, time=move(message.time), body=body)


def _parsed(body: Any) -> Any:  # noqa: ANN401  JSON
    """Return what a recorded text says where it is JSON: its times have to move as well."""
    if not isinstance(body, str):
        return body
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return found if isinstance(found, dict | list) else body


# ---------------------------------------------------------------- files


def _messages(path: Path, feed: ReplayFeed) -> Iterator[Recorded]:
    if not zipfile.is_zipfile(path):
        yield from _file(path.name, _limited(path.stat().st_size, path.read_bytes), feed)
        return
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.infolist(), key=lambda info: info.filename):
            if entry.filename.lower().endswith((".csv", *_LINES)):
                raw = _limited(entry.file_size, partial(archive.read, entry))
                yield from _file(entry.filename, raw, feed)


def _limited(size: int, get: Callable[[], bytes]) -> bytes:
    if size > FILE_LIMIT:
        raise ValueError(f"{size} bytes; cut it into pieces of at most {FILE_LIMIT}")
    return get()


def _file(name: str, raw: bytes, feed: ReplayFeed) -> Iterator[Recorded]:
    if name.lower().endswith(_LINES):
        yield from _ndjson(name, raw.splitlines(), feed)
    else:
        yield from _csv(name, raw, feed)


def _ndjson(name: str, lines: Iterable[bytes], feed: ReplayFeed) -> Iterator[Recorded]:
    clock = Clock("auto", ZoneInfo(feed.zone))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
            topic, time = entry["topic"], clock.read(entry["time"])
            yield Recorded(time, _publishable(topic), entry["payload"])
        except (*_NO_TIME, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{name}, line {number}: {error!r}") from error


def _csv(name: str, raw: bytes, feed: ReplayFeed) -> Iterator[Recorded]:
    """Read rows: short ones lack their last cells, those without a time are skipped."""
    text = raw.decode("utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    key = _time_column(feed)
    csv.field_size_limit(CSV_FIELD_LIMIT)
    clock, topic = feed.clock, _topic(feed, _station(name))
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    for row in rows:
        cells: dict[str, Any] = {column: cell for column, cell in row.items() if column and cell}
        if key not in cells:
            continue
        try:
            time = clock.read(cells[key])
            # As the feed reads it: 2018/10/21 is a time for people, not for its codec.
            cells[key] = clock.write(time)
        except _NO_TIME as error:
            raise ValueError(f"{name}, line {rows.line_num}: {error}") from error
        yield Recorded(time, topic, cells)


def _time_column(feed: ReplayFeed) -> str:
    """Return the column that holds the time; ConfigError when a flat row has no such place."""
    time = _keys(feed.options.time)
    if len(time) != 1 or feed.options.records is not None:
        raise ConfigError(
            f"feed {feed.name} names no time column (options.time, one name, without records):"
            " replay it from NDJSON"
        )
    return time[0]


def _keys(path: str | list[str] | None) -> tuple[str, ...]:
    if path is None:
        return ()
    return tuple(path.split(".")) if isinstance(path, str) else tuple(path)


def _station(name: str) -> str:
    """Return the file's name without suffix and date: data-esp8266-1-2018-10-08.csv -> …-1."""
    stem = Path(name).stem
    head, date = stem[: -len("-2018-10-08")], stem[-len("2018-10-08") :]
    try:
        datetime.fromisoformat(date)
    except ValueError:
        return stem
    return head or stem


def _topic(feed: ReplayFeed, thing: str) -> str:
    plain = "".join("-" if letter in "+#/" else letter for letter in thing)
    topic = feed.topic if isinstance(feed.topic, str) else feed.topic[0]
    return "/".join(plain if level.startswith("{") else level for level in topic.split("/"))


def _publishable(topic: str) -> str:
    if not topic or "+" in topic or "#" in topic:
        raise ValueError(f"no topic to publish on: {topic!r}")
    return topic
