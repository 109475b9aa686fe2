"""`python -m ingest.decode`: what `ioc decode` runs. Needs no service.

One message from a file, or one JSON object a line; the answer is NDJSON, one object an outcome.
"""

from __future__ import annotations

import argparse
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ingest import feeds
from ingest.decoding import Explainer, Input, Told, refused
from ioc import catalogue
from ioc import settings as configuration
from ioc.clock import SystemClock
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros, from_datetime


class Line(msgspec.Struct):
    """One line of a message file; other keys are not read."""

    topic: str
    payload_b64: str
    retain: bool = False
    received: str | None = None
    feed: str | None = None


def messages(path: Path, feed: str | None) -> Iterator[Input | PayloadError]:
    """Yield the messages of a file, a PayloadError for a line that is none."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield _message(line, feed)
            except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
                yield PayloadError("bad_input", str(error)[:200])


def _message(line: bytes, feed: str | None) -> Input:
    found = msgspec.json.decode(line, type=Line)
    payload = b64decode(found.payload_b64, validate=True)
    return Input(found.topic, payload, _instant(found.received), found.retain, feed or found.feed)


def _instant(text: str | None) -> Micros | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        raise ValueError(f"received {text!r} has no offset from UTC")
    return from_datetime(moment)


def explain(
    explainer: Explainer, found: Sequence[Input | PayloadError] | Iterator[Input | PayloadError]
) -> Iterator[Told]:
    """Yield the outcomes of messages with the 0-based number of the message."""
    for number, message in enumerate(found):
        told = (
            iter([{"feed": None, **refused(message)}])
            if isinstance(message, PayloadError)
            else explainer.explain(message)
        )
        for one in told:
            yield {"message": number, **one}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print outcomes; exit 1 when a file cannot be read or the configuration is wrong."""
    wanted = _arguments(arguments)
    try:
        settings = configuration.load()
        explainer = Explainer(
            feeds.load(settings.config_dir / "feeds", examples=True),
            catalogue.load(settings.config_dir / "catalog"),
            SystemClock().now(),
        )
        for told in explain(explainer, _inputs(wanted)):
            sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    except (OSError, ConfigError, ValueError) as error:
        sys.stderr.write(f"ioc decode: {error}\n")
        return 1
    return 0


def _inputs(wanted: Any) -> Iterator[Input | PayloadError]:  # noqa: ANN401  argparse's namespace
    if wanted.messages is not None:
        return messages(wanted.messages, wanted.feed)
    received = _instant(wanted.received)
    payload = wanted.payload_file.read_bytes()
    return iter([Input(wanted.topic, payload, received, feed=wanted.feed)])


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ioc decode")
    parser.add_argument("--feed", help="name in config/feeds; without it the topic tells")
    parser.add_argument("--topic")
    parser.add_argument("--payload-file", type=Path)
    parser.add_argument("--received", help="RFC 3339; without it the age of times is not judged")
    parser.add_argument("--messages", type=Path, help="a file with one JSON object a line")
    found = parser.parse_args(arguments)
    if found.messages is None and (found.topic is None or found.payload_file is None):
        parser.error("give --messages FILE, or --topic and --payload-file")
    return found


if __name__ == "__main__":
    sys.exit(main())
