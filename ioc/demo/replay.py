"""`ioc replay`: publish a recording (CSV, zipped CSV, NDJSON) at its own pace times N. Pure.

A CSV row becomes a JSON object of its non-empty cells on the feed's topic; a line of NDJSON is
`{"topic", "payload", "time"}`. Times are mapped to t' = start + (t - t0) / N when asked, so nothing
lies in the future; the mapped time is written back where the feed looks for it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import orjson

from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.settings import read_yaml

CSV_FIELD_LIMIT: Final = 1 << 20  # a cell beyond the largest payload is no cell
_DELIMITERS: Final = ";,\t"


class _Options(msgspec.Struct, frozen=True):
    time: str | None = None


class ReplayFeed(msgspec.Struct, frozen=True):
    """What a replay needs of a feed file; ingest reads, and checks, the whole of it."""

    name: str
    topic: str
    options: _Options
    zone: str = "Asia/Ho_Chi_Minh"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a recording; `body` is an object whose `time_key` holds the time."""

    time: Micros
    topic: str
    body: Any
    time_key: str | None


def read_feed(folder: Path, name: str) -> ReplayFeed:
    """Return the feed called `name`; ConfigError names those there are."""
    feeds = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            feed = msgspec.convert(read_yaml(path), ReplayFeed)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{path}: {error}") from error
        feeds[feed.name] = feed
    if name not in feeds:
        raise ConfigError(f"no feed {name!r} in {folder} (there are: {', '.join(sorted(feeds))})")
    return feeds[name]


def read(path: Path, feed: ReplayFeed) -> list[Recorded]:
    """Return a recording in the order of time. ConfigError when the file is none."""
    try:
        found = sorted(_messages(path, feed), key=lambda message: message.time)
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path} cannot be read as a recording: {error}") from error
    if not found:
        raise ConfigError(f"{path} holds no row with a time")
    return found


def shifted(messages: list[Recorded], start: Micros, speed: float) -> Iterator[Recorded]:
    """Map times to start + (t - t0) / speed; equal or squeezed times stay 1 µs apart per topic."""
    first = messages[0].time
    last: dict[str, int] = {}
    for message in messages:
        time = start + round((message.time - first) / speed)
        time = max(time, last.get(message.topic, 0) + 1)
        last[message.topic] = time
        yield _at(message, Micros(time))


def payload(message: Recorded) -> bytes:
    """Return the message's body as bytes; a text that was recorded stays as it was."""
    if isinstance(message.body, str):
        return message.body.encode()
    return orjson.dumps(message.body)


def wait_s(message: Recorded, first: Micros, speed: float, since_start: float) -> float:
    """Return how long to wait before a message is due (negative: it is late)."""
    return (message.time - first) / SECOND / speed - since_start


def _at(message: Recorded, time: Micros) -> Recorded:
    body = message.body
    if message.time_key is not None and isinstance(body, dict) and message.time_key in body:
        body = body | {message.time_key: to_datetime(time).isoformat()}
    return Recorded(time, message.topic, body, message.time_key)


def _messages(path: Path, feed: ReplayFeed) -> Iterator[Recorded]:
    if path.suffix in {".ndjson", ".jsonl"}:
        with path.open("rb") as lines:
            yield from _ndjson(lines, feed)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.lower().endswith(".csv"):
                    yield from _csv(name, archive.read(name), feed)
    else:
        yield from _csv(path.name, path.read_bytes(), feed)


def _ndjson(lines: Iterable[bytes], feed: ReplayFeed) -> Iterator[Recorded]:
    for line in lines:
        if line.strip():
            entry = orjson.loads(line)
            time = _instant(entry["time"], ZoneInfo(feed.zone))
            yield Recorded(time, entry["topic"], entry["payload"], feed.options.time)


def _csv(name: str, raw: bytes, feed: ReplayFeed) -> Iterator[Recorded]:
    """Read rows: short ones lack their last cells, those without a time are skipped."""
    text = raw.decode("utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    key = feed.options.time
    if key is None:
        raise ConfigError(f"feed {feed.name} names no time column (options.time)")
    csv.field_size_limit(CSV_FIELD_LIMIT)
    zone = ZoneInfo(feed.zone)
    topic = _topic(feed, _station(name))
    for row in csv.DictReader(io.StringIO(text), delimiter=delimiter):
        cells = {column: cell for column, cell in row.items() if column and cell}
        if key in cells:
            yield Recorded(_instant(cells[key], zone), topic, cells, key)


def _instant(written: str | float, zone: ZoneInfo) -> Micros:
    if isinstance(written, int | float):
        return Micros(round(written * SECOND))
    moment = datetime.fromisoformat(written.strip().replace("/", "-"))
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _station(name: str) -> str:
    """Return the file's name without suffix and date: data-esp8266-1-2018-10-08.csv -> …-1."""
    stem = Path(name).stem
    head, _, date = stem[: -len("-2018-10-08")], "", stem[-len("2018-10-08") :]
    try:
        datetime.fromisoformat(date)
    except ValueError:
        return stem
    return head or stem


def _topic(feed: ReplayFeed, thing: str) -> str:
    return "/".join(thing if level.startswith("{") else level for level in feed.topic.split("/"))
