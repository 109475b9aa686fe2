"""EMQX Neuron (Modbus and other gateways): the values and the tags format of its MQTT upload.

Structure: docs.emqx.com, "Upstream/Downstream Data Format". A tag that could not be read has an
error code instead of a value: a fault of the device, not a broken message. The clock is the
gateway's; what hangs on its bus has none. Link states (heartbeat) and answers to
reads and writes (they carry a uuid) are no measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import nan
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS, parse
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError
from ioc.domain.observation import Decoded, Flag, Quality

_READ_WELL: Final = (None, 0)  # error codes of a tag that has a value


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file. `time_format`: Neuron sends milliseconds."""

    time_format: str | list[str] = "epoch_ms"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options that do not exist."""
    wanted = read_options(options, Options)
    moment = moments.reader(wanted.time_format, feed.zone)
    return Codec(unless_deleted(lambda message: _decode(message, moment)))


def _decode(message: Message, moment: moments.Reader) -> Decoding:
    root = parse(message.payload)
    if not isinstance(root, dict):
        raise PayloadError("not_of_format", "no object")
    if "states" in root or "uuid" in root:
        return Decoding([Ignored("event_kind")])
    if not any(isinstance(root.get(k), dict | list) for k in ("values", "errors", "tags")):
        raise PayloadError("not_of_format", "neither values, errors nor tags")
    time, flag = moment(root.get("timestamp"))
    flags = flag if time is None else flag | Flag.TIME_GATEWAY
    outcomes = list(_tags(root, Origin(_thing(root), time, flags)))
    if not outcomes:
        raise PayloadError("missing_value", "no tag")
    return Decoding(outcomes)


def _thing(root: Mapping[str, Any]) -> str:
    node = paths.named(root.get("node", paths.ABSENT))
    group = root.get("group")
    return node if group in (None, "") else paths.named(f"{node}/{paths.named(group)}")


def _tags(root: Mapping[str, Any], origin: Origin) -> Iterator[Outcome]:
    """Yield the tags in the message's order; PayloadError("too_many_records")."""
    size = sum(len(part) for part in root.values() if isinstance(part, dict | list))
    if size > MAX_RECORDS:
        raise PayloadError("too_many_records", str(size))
    for key, part in root.items():
        if key in ("values", "errors") and isinstance(part, dict):
            for name, content in part.items():
                yield _tag(origin, name, content if key == "values" else None, key == "errors")
        elif key == "tags" and isinstance(part, list):
            yield from (_listed(origin, number, tag) for number, tag in enumerate(part))


def _listed(origin: Origin, number: int, tag: Any) -> Outcome:  # noqa: ANN401  JSON
    if not isinstance(tag, dict):
        return PayloadError("not_of_format", f"tag {number}")
    failed = tag.get("error") not in _READ_WELL
    if not failed and "value" not in tag:
        return PayloadError("missing_value", f"tag {number}")
    return _tag(origin, tag.get("name"), tag.get("value"), failed, f"tag {number}")


def _tag(origin: Origin, raw: Any, content: Any, failed: bool, where: str = "") -> Outcome:  # noqa: ANN401, FBT001
    try:
        name = paths.channel(raw, where)
    except PayloadError as error:
        return error
    if failed:
        return Decoded(origin.thing, name, origin.time, nan, None, Quality.FAULT, origin.flags)
    return typed(origin, name, content)
