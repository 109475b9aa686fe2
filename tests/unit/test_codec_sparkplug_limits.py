"""The Sparkplug host at its limits: topics, payloads and options that are none, memory, noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Command, Decoding, Ignored, Message, Status
from ingest.codecs import sparkplug
from ingest.codecs.sparkplug import nodes, wire
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit import sparkplug_edge as edge
from tests.unit.full_counts import examples
from tests.unit.sparkplug_edge import EdgeNode, Sent, metric, payload
from tests.unit.sparkplug_host import (
    MS,
    NOW,
    View,
    commands,
    hear,
    host,
    reasons,
    values,
)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("spBv1.0/STATE/scada", "host_state"),
        ("spBv1.0/Tinh/NCMD/GW01", "command"),
        ("spBv1.0/Tinh/DCMD/GW01/TRAM3", "command"),
    ],
)
def test_what_is_meant_for_others_is_ignored(topic: str, reason: str) -> None:
    """Commands and hosts' states, our own echo among them, are no news."""
    assert hear(host(), Sent(topic, b'{"online":true}')) == [Ignored(reason)]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("spBv1.0/Tinh/NBIRTH", "unknown_topic"),
        ("spBv1.0/Tinh/NBIRTH/GW01/TRAM3", "unknown_topic"),
        ("spBv1.0/Tinh/DDATA/GW01", "unknown_topic"),
        ("spBv1.0/Tinh/XDATA/GW01", "unknown_topic"),
        ("spBv1.0/Tinh/DDATA/GW01/a/b", "unknown_topic"),
        ("other/Tinh/NDATA/GW01", "unknown_topic"),
        ("xspBv1.0/Tinh/NDATA/GW01", "unknown_topic"),
        ("spBv1.0/Tinh/NDATA/", "no_thing"),
        ("spBv1.0/Tinh/NDATA/G+", "bad_thing"),
        ("spBv1.0/Tinh/NDATA/" + "x" * 200, "bad_thing"),
        ("spBv1.0/Tinh/NDATA/\u200b", "bad_thing"),
    ],
)
def test_topics_that_are_none(topic: str, reason: str) -> None:
    """A topic outside the namespace is refused: no request may go where it leads."""
    with pytest.raises(PayloadError) as caught:
        hear(host(), Sent(topic, payload(time=MS, seq=0)))
    assert caught.value.reason == reason


def test_a_bridge_may_put_a_prefix_before_the_namespace() -> None:
    """Requests go back on the prefix that the message came with."""
    sent = Sent("cau/spBv1.0/Tinh/NDATA/GW01", payload(time=MS, seq=0))
    (request,) = commands(hear(host(), sent))
    assert request.topic == "cau/spBv1.0/Tinh/NCMD/GW01"


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b'{"pm25": 41.5}', "bad_protobuf"), (b"\xa2\x06\x01x", "not_of_format")],
)
def test_payloads_that_are_none(data: bytes, reason: str) -> None:
    """What is no protobuf, or none of Sparkplug's, is refused whole."""
    with pytest.raises(PayloadError) as caught:
        hear(host(), Sent("spBv1.0/Tinh/NDATA/GW01", data))
    assert caught.value.reason == reason


def test_an_empty_message_is_a_deletion() -> None:
    """An empty retained message says nothing of a node."""
    assert hear(host(), Sent("spBv1.0/Tinh/NBIRTH/GW01", b"")) == [Ignored("empty")]


def test_too_many_metrics_are_refused() -> None:
    """A message beyond 10,000 metrics is refused before any of it is read."""
    data = edge.tagged(2, b"") * (wire.MAX_METRICS + 1)
    with pytest.raises(PayloadError) as caught:
        hear(host(), Sent("spBv1.0/Tinh/NBIRTH/GW01", data))
    assert caught.value.reason == "too_many_records"


def test_our_state_is_published_only_under_a_name_of_our_own() -> None:
    """With `host`, STATE says in JSON that we are there, and as last will that we are not."""
    assert host().presence is None
    told = host(host="ioc").presence
    assert told is not None
    here = told(NOW)
    assert here.topic == "spBv1.0/STATE/ioc"
    assert here.here == b'{"online":true,"timestamp":%d}' % MS
    assert here.gone == b'{"online":false,"timestamp":%d}' % MS
    assert host().stateful


@pytest.mark.parametrize("options", [{"hots": "ioc"}, {"host": "a/b"}, {"reorder_s": -1}])
def test_options_that_are_none(options: dict[str, Any]) -> None:
    """A feed with an option nobody knows does not start, and says which there are."""
    with pytest.raises(ConfigError, match="reorder_s"):
        sparkplug.build(options, View())


def test_memory_of_nodes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes heard of least recently are forgotten first, and asked when they speak again."""
    monkeypatch.setattr(nodes, "MAX_ENTRIES", 60)
    codec = host()
    edges = [EdgeNode("T", f"G{n}", {"": {f"m{i}": 0.0 for i in range(10)}}) for n in range(9)]
    for node in edges:
        for sent in node.connect(MS):
            hear(codec, sent)
    assert values(hear(codec, edges[-1].data("", "m1", 1.0, MS))) == {"m1": 1.0}
    found = hear(codec, edges[0].data("", "m1", 1.0, MS))
    assert (reasons(found), len(commands(found))) == (["before_birth"], 1)


def test_memory_of_one_node_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that one node invents push out its own oldest ones, not other nodes."""
    monkeypatch.setattr(nodes, "MAX_NODE_ENTRIES", 20)
    known = nodes.Nodes()
    node = known.take("T/G")
    node.begin(nodes.Session(), None, 0, MS)
    for number in range(500):
        node.bear(str(number), nodes.Session())
    node.bury("499")
    known.put("T/G", node)
    assert known.entries == node.entries == 1 + len(node.sessions) == 20
    assert node.end()[-1] == "499"


def test_counts_of_entries_stay_true() -> None:
    """However nodes and devices come and go, what is counted is what is held."""
    known = nodes.Nodes()
    for turn in range(40):
        node = known.take(f"T/G{turn % 3}")
        session = nodes.Session()
        for number in range(turn % 5):
            session.names[str(number)] = nodes.Announced(str(number), 10, None)
        match turn % 4:
            case 0:
                node.begin(session, None, 0, MS)
            case 1 | 2:
                node.bear(str(turn % 7), session)
            case _:
                node.end()
        known.put(f"T/G{turn % 3}", node)
        held = [
            len(one.names)
            for name in known._nodes
            for one in known._nodes[name].sessions.values()
            if one is not None
        ]
        devices = sum(len(one.sessions) for one in known._nodes.values())
        assert known.entries == len(known) + devices + sum(held)


# A value on the wire and, chosen apart from it, the datatype that the metric claims.
wired = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(st.integers(0, 2**64 - 1), st.sampled_from([edge.UINT32, edge.UINT64])),
    st.tuples(st.booleans(), st.just(edge.BOOLEAN)),
    st.tuples(st.floats(), st.just(edge.DOUBLE)),
    st.tuples(st.floats(width=32), st.just(edge.FLOAT)),
    st.tuples(st.text(max_size=5), st.just(edge.STRING)),
    st.tuples(st.binary(max_size=5), st.sampled_from([edge.BYTES, edge.DATASET, edge.TEMPLATE])),
)
scalars: st.SearchStrategy[edge.Scalar] = st.one_of(
    st.none(), st.integers(0, 600), st.floats(), st.text(max_size=3)
)
properties = st.dictionaries(st.sampled_from(["Quality", "engUnit", "x"]), scalars)


@st.composite
def metrics(draw: st.DrawFn) -> bytes:
    value, sent_as = draw(wired)
    return metric(
        value,
        draw(st.one_of(st.none(), st.integers(0, 40))),
        sent_as=sent_as,
        name=draw(st.one_of(st.none(), st.sampled_from(["a", "bdSeq"]), st.binary(max_size=4))),
        alias=draw(st.one_of(st.none(), st.integers(0, 3))),
        time=draw(st.one_of(st.none(), st.integers(0, 2**64 - 1))),
        properties=draw(st.one_of(st.none(), properties)),
        null=draw(st.booleans()),
    )


big = st.one_of(st.none(), st.integers(0, 2**64 - 1))
bits = st.one_of(
    st.binary(max_size=60), st.builds(payload, metrics(), metrics(), time=big, seq=big)
)
kinds = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "X"])


def never_breaks(decode: Callable[[Message], Decoding], message: Message) -> None:
    """Fail where a codec does anything but answer or refuse."""
    try:
        outcomes = decode(message).outcomes
    except PayloadError:
        return
    assert all(isinstance(o, (Decoded, Status, Command, Ignored, PayloadError)) for o in outcomes)


@examples(100, 3000)
@given(st.lists(st.tuples(kinds, st.booleans(), st.booleans(), bits), max_size=12))
def test_whatever_comes_is_answered_or_refused(
    heard: list[tuple[str, bool, bool, bytes]],
) -> None:
    """Any bytes in any order on any topic give outcomes or a PayloadError, nothing else."""
    codec = host()
    for kind, retain, dup, data in heard:
        tail = "/D" if kind.startswith("D") else ""
        message = Message(f"spBv1.0/T/{kind}/G{tail}", {}, data, NOW, retain, dup)
        never_breaks(codec.decode, message)
