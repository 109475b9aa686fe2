"""Neuron, Influx lines, Telegraf, UltraLight: hostile payloads, limits, options."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.codec import Codec, FeedView
from ingest.codecs import influx, neuron, telegraf, ultralight
from ingest.reading.json_values import MAX_RECORDS
from ioc.domain.errors import ConfigError
from ioc.domain.observation import Decoded
from tests.unit.codec_feeds import Feed, hostile, many, message, nested, outcomes, reasons, survives

Build = Callable[[Mapping[str, Any], FeedView], Codec]

NEURON = ("timestamp", "node", "group", "values", "errors", "tags", "name", "value", "error")
TELEGRAF = ("metrics", "fields", "name", "tags", "timestamp", "host", "url", "ping")
DEVICE = Feed(names=("apikey", "device"))
HOST = Feed(names=("host",))


@many
@given(hostile(*NEURON))
@example(nested(*NEURON)(990))
def test_neuron_takes_anything(payload: bytes) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    survives(neuron.build({}, Feed()), message(payload))


@many
@given(hostile(*TELEGRAF))
@example(nested(*TELEGRAF)(990))
@example(json.dumps({"name": "m", "tags": {"host": "h"}, "fields": {"a": {"b": 1}}}).encode())
def test_telegraf_takes_anything(payload: bytes) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    options = {"thing": "{host}", "series": {"ping": ["url"]}}
    survives(telegraf.build(options, HOST), message(payload, host="h"))


lines = st.lists(
    st.sampled_from(
        [
            "m",
            ",",
            "tram",
            "=",
            "1",
            " ",
            '"',
            "\\",
            "\n",
            "t",
            "i",
            "u",
            "ệ",
            "\0",
            "#",
            "5e999",
            ".",
            "-",
        ]
    ),
    max_size=40,
).map("".join)


@many
@given(st.binary(max_size=200) | lines.map(str.encode) | hostile("m"))
@example(b'm,tram=a f="' + b'="' * 5000)
def test_influx_takes_anything(payload: bytes) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    survives(
        influx.build({"things": ["tram"], "thing": "{host}"}, HOST), message(payload, host="h")
    )


pairs = st.lists(
    st.sampled_from(["t", "|", "#", "1", "1,5", " ", "2026-11-22T01:00:00Z", "\0", "nan", "ệ"]),
    max_size=30,
).map("".join)


@many
@given(
    st.binary(max_size=200) | pairs.map(str.encode) | hostile("t"), st.none() | st.text(max_size=5)
)
def test_ultralight_takes_anything(payload: bytes, name: str | None) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    parts = {"device": "d", "apikey": "k"} | ({} if name is None else {"name": name})
    survives(ultralight.build({}, DEVICE), message(payload, "t", retain=False, **parts))


@pytest.mark.parametrize(
    ("build", "options", "says"),
    [
        (neuron.build, {"zone": "x"}, "zone"),
        (neuron.build, {"time_format": "stardate"}, "stardate"),
        (influx.build, {"precision": "minutes"}, "precision"),
        (influx.build, {"thing": "{pump}"}, "{pump}"),
        (telegraf.build, {"probes": "ping"}, "probes"),
        (telegraf.build, {"thing": "{pump}"}, "{pump}"),
        (ultralight.build, {"thing": "{pump}"}, "{pump}"),
        (ultralight.build, {"key": 1}, "key"),
    ],
)
def test_wrong_options_are_named(build: Build, options: dict[str, Any], says: str) -> None:
    """Options that do not exist or cannot work are refused before anything starts."""
    with pytest.raises(ConfigError) as refusal:
        build(options, DEVICE)
    assert says in str(refusal.value)


TOO_MANY = {f"a{number}": 1 for number in range(MAX_RECORDS + 1)}
METRIC = {"name": "m", "tags": {"host": "h"}}


@pytest.mark.parametrize(
    ("codec", "one"),
    [
        (neuron.build({}, Feed()), message(json.dumps({"node": "n", "values": TOO_MANY}))),
        (telegraf.build({}, Feed()), message(json.dumps([{}] * (MAX_RECORDS + 1)))),
        (telegraf.build({}, Feed()), message(json.dumps({**METRIC, "fields": TOO_MANY}))),
        (influx.build({}, Feed()), message("m,host=h f=1\n" * (MAX_RECORDS + 1))),
        (ultralight.build({}, DEVICE), message("a|1|" * (MAX_RECORDS + 1), device="d")),
        (ultralight.build({}, DEVICE), message("a|1#" * (MAX_RECORDS + 1), device="d")),
    ],
)  # fmt: skip
def test_values_have_a_limit(codec: Codec, one: Any) -> None:
    """More than 10,000 values are refused as a whole: one message never fills a transaction."""
    assert reasons(outcomes(codec, one)) == ["too_many_records"]


def test_many_tags_cost_no_time() -> None:
    """The parser's time grows with the square of the tags: such a line never reaches it."""
    line = "m," + ",".join(f"t{i}=v" for i in range(60_000)) + ",host=h f=1"
    codec = influx.build({}, Feed())
    start = process_time()
    assert reasons(outcomes(codec, message(line))) == ["bad_line"]
    assert process_time() - start < 1.0  # 4 s in the parser


@pytest.mark.parametrize("unit", ['="', '\\"', ",=", '" ', "\\\n", '="a\n', 'm f="\n'])
def test_a_heap_of_quotes_is_read_once(unit: str) -> None:
    """Lines are cut in time linear in the payload, whatever quotes and escapes are in it."""
    codec = influx.build({}, Feed())
    small, large = (_cost(codec, unit * (size // len(unit))) for size in (40_000, 400_000))
    assert large < 40 * small + 0.5


def _cost(codec: Codec, payload: str) -> float:
    start = process_time()
    outcomes(codec, message(payload))
    return process_time() - start


@many
@given(
    st.lists(
        st.tuples(
            st.text("abcệ d", min_size=1, max_size=5).map(lambda s: f"k{s}k"),
            st.integers(-(2**53), 2**53)
            | st.booleans()
            | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda pair: pair[0],
    )
)
def test_influx_fields_keep_their_order(fields: list[tuple[str, Any]]) -> None:
    """Fields come out in the line's order with the line's values, whatever their names escape."""
    words = {True: "t", False: "F"}
    parts = [
        k.replace(" ", "\\ ")
        + "="
        + (words[v] if isinstance(v, bool) else f"{v}i" if isinstance(v, int) else repr(v))
        for k, v in fields
    ]
    found = outcomes(influx.build({}, Feed()), message(f"m,host=h {','.join(parts)} 5"))
    assert [(o.datastream, o.result) for o in found if isinstance(o, Decoded)] == [
        (f"m/{k}", float(v)) for k, v in fields
    ]


@pytest.mark.parametrize(
    ("precision", "sent"),
    [
        ("ns", 1795309200123456789),
        ("us", 1795309200123456),
        ("ms", 1795309200123),
        ("s", 1795309200),
    ],
)
def test_influx_precision(precision: str, sent: int) -> None:
    """The feed says what a line's time counts."""
    codec = influx.build({"precision": precision}, Feed())
    (one,) = outcomes(codec, message(f"m,host=h f=1 {sent}"))
    assert isinstance(one, Decoded)
    assert one.time is not None
    assert one.time // 1_000_000 == 1795309200


def test_telegraf_nests_to_a_depth() -> None:
    """Eight levels of fields are taken, a ninth is refused alone."""
    fields: Any = {"x": 1}
    for _ in range(telegraf.MAX_DEPTH):
        fields = {"a": fields}
    metric = {"name": "m", "tags": {"host": "h"}, "fields": {"ok": 1, **fields}}
    found = outcomes(telegraf.build({}, Feed()), message(json.dumps(metric)))
    assert isinstance(found[0], Decoded)
    assert reasons(found) == ["too_deep"]
    metric["fields"] = fields["a"]
    assert reasons(outcomes(telegraf.build({}, Feed()), message(json.dumps(metric)))) == []


def test_telegraf_probes_are_the_feeds_choice() -> None:
    """A measurement is a probe when the feed says so; the target's tags have an order."""
    metric = {"name": "snmp", "tags": {"host": "h", "agent_host": "10.0.0.1"}, "fields": {"a": 1}}
    for options, thing in (
        ({}, "h"),
        ({"probes": ["snmp"], "targets": ["agent_host"]}, "10.0.0.1"),
    ):
        (one,) = outcomes(telegraf.build(options, Feed()), message(json.dumps(metric)))
        assert isinstance(one, Decoded)
        assert one.thing == thing
