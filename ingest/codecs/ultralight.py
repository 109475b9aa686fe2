"""FIWARE UltraLight 2.0: `{apikey}/{device}/attrs` with pairs, `/attrs/{name}` with one value.

Structure: the user manual of telefonicaid/iotagent-ul. Nothing has a type: a text that reads as a
number is one. `#` separates groups, each may start with its own ISO time. A group whose keys and
values do not pair is refused as a whole: which value belongs to which key is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS
from ingest.reading.measured import Origin, number
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}.*", re.DOTALL)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file. `thing`: the part of the topic that is the device."""

    thing: str = "{device}"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options that do not exist."""
    wanted = read_options(options, Options)
    thing = paths.name(wanted.thing, feed.names)
    moment = moments.reader("iso", feed.zone)
    return Codec(unless_deleted(lambda message: _decode(message, thing, moment)))


def _decode(message: Message, thing: paths.Name, moment: moments.Reader) -> Decoding:
    device = thing(message.parts, paths.ABSENT, paths.ABSENT)
    try:
        text = message.payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start}") from error
    if not text.strip():
        raise PayloadError("empty")
    name = message.parts.get("name")
    if name is not None:
        return Decoding([_measure(Origin(device, None), name, text)])
    if text.count("|") > 2 * MAX_RECORDS or text.count("#") > MAX_RECORDS:
        raise PayloadError("too_many_records", str(text.count("|") // 2))
    found = Decoding()
    for group in text.split("#"):
        if not group.strip():
            continue
        try:
            found.outcomes.extend(_group(device, group.strip().split("|"), moment))
        except PayloadError as error:
            found.outcomes.append(error)
    return found


def _group(device: str, words: Sequence[str], moment: moments.Reader) -> Iterator[Outcome]:
    timed = _TIME.fullmatch(words[0].strip()) is not None
    time, flags = moment(words[0] if timed else None)
    pairs = words[1:] if timed else words
    if not pairs or len(pairs) % 2:
        raise PayloadError("not_of_format", paths.shown(f"no pairs: {'|'.join(words[:8])}"))
    origin = Origin(device, time, flags)
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        yield _measure(origin, key, value)


def _measure(origin: Origin, key: str, value: str) -> Outcome:
    try:
        outcome = number(origin, paths.channel(key), value)
    except PayloadError as error:
        return error
    is_text = isinstance(outcome, PayloadError) and outcome.reason == "bad_value"
    return Ignored("text") if is_text else outcome
