"""Telegraf's JSON output: one metric, or a batch under `metrics`.

Structure: docs.influxdata.com, "JSON output data format". What probes a target (ping,
http_response …) measures the target, so the target is the thing, not the host that asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Message, Outcome
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS, parse
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.series import Series
from ioc.domain.errors import PayloadError
from ioc.domain.intake import DatastreamSpec

MAX_DEPTH: Final = 8  # nested fields come from json_nested_fields_include; nobody nests deeper
_MEANINGS: Final = {  # what Telegraf's own plug-ins fix
    "ping/percent_packet_loss": DatastreamSpec("packet_loss", "%"),
    "ping/average_response_ms": DatastreamSpec("latency", "ms"),
    "http_response/response_time": DatastreamSpec("latency", "s"),
    "net_response/response_time": DatastreamSpec("latency", "s"),
    "dns_query/query_time_ms": DatastreamSpec("latency", "ms"),
    "system/uptime": DatastreamSpec("uptime", "s"),
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file.

    `probes` are the measurements whose thing is their target, named by the first of the tags
    `targets`; of all others the thing is the first of the tags `hosts`. `series`: by measurement
    the tags that tell apart what would else be one series (disk: [path]). `thing` stands in
    where no tag names one: a part of the topic in braces.
    """

    probes: tuple[str, ...] = ("ping", "http_response", "net_response", "dns_query", "x509_cert")
    targets: tuple[str, ...] = ("url", "server", "source")
    hosts: tuple[str, ...] = ("host",)
    series: dict[str, list[str]] = {}
    thing: str | None = None
    time_format: str | list[str] = "auto"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Return the codec of a feed; ConfigError for options that do not exist."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode), _MEANINGS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._probes = frozenset(options.probes)
        others = Series(options.hosts, options.series, options.thing, feed.names)
        self._others = others
        self._targets = Series((*options.targets, *options.hosts), options.series, None, ())
        self._moment = moments.reader(options.time_format, feed.zone)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        root = parse(message.payload)
        metrics = root.get("metrics") if isinstance(root, dict) else root
        each = metrics if isinstance(metrics, list) else [root]
        if len(each) > MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(each)))
        found = Decoding()
        for metric in each:
            try:
                found.outcomes.extend(self._metric(metric, message.parts))
            except PayloadError as error:
                found.outcomes.append(error)
            if len(found.outcomes) > MAX_RECORDS:
                raise PayloadError("too_many_records", str(len(found.outcomes)))
        return found

    def _metric(self, metric: Any, parts: Mapping[str, str]) -> list[Outcome]:  # noqa: ANN401
        if not isinstance(metric, dict) or not isinstance(metric.get("fields"), dict):
            raise PayloadError("not_of_format", "no fields")
        name = paths.channel(metric.get("name"), "measurement")
        tags = metric.get("tags")
        series = self._targets if name in self._probes else self._others
        thing, prefix = series.of(name, tags if isinstance(tags, dict) else {}, parts)
        time, flags = self._moment(metric.get("timestamp"))
        if not metric["fields"]:
            raise PayloadError("missing_value", name)
        return list(_fields(Origin(thing, time, flags), prefix, metric["fields"], 1))


def _fields(
    origin: Origin, prefix: str, fields: Mapping[str, Any], depth: int
) -> Iterator[Outcome]:
    for key, raw in fields.items():
        try:
            path = paths.channel(f"{prefix}/{paths.channel(key, prefix)}")
        except PayloadError as error:
            yield error
            continue
        if not isinstance(raw, dict):
            yield typed(origin, path, raw)
        elif depth < MAX_DEPTH:
            yield from _fields(origin, path, raw, depth + 1)
        else:
            yield PayloadError("too_deep", path)
