"""The Sparkplug host: what it says of values and lives, what it remembers, where it ends."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.codecs import (
    Codec,
    Command,
    Decoding,
    Ignored,
    Message,
    Status,
    sparkplug,
    sparkplug_b,
    sparkplug_nodes,
)
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Decoded, DeviceState, Flag, Quality
from tests.unit import sparkplug_edge as edge
from tests.unit.sparkplug_edge import EdgeNode, Sent, metric, payload

NOW: Final = Micros(1_795_311_000_000_000)
MS: Final = NOW // 1000
LATER: Final = Micros(NOW + 31 * SECOND)


class View(NamedTuple):
    name: str = "sparkplug"
    zone: str = "Asia/Ho_Chi_Minh"
    names: tuple[str, ...] = ("path",)


def host(**options: Any) -> Codec:
    return sparkplug.build(options, View())


def hear(codec: Codec, sent: Sent, received: int = NOW, **rest: Any) -> list[Any]:
    return list(
        codec.decode(Message(sent.topic, {}, sent.payload, Micros(received), **rest)).outcomes
    )


def gateway() -> EdgeNode:
    return EdgeNode("Tinh", "GW01", {"": {"cpu": 1.0}, "TRAM3": {"pm25": 2.0, "no2": 3.0}})


def alive(codec: Codec) -> EdgeNode:
    """Return a node whose births the host has heard."""
    node = gateway()
    for sent in node.connect(MS):
        hear(codec, sent)
    return node


def born(*metrics: bytes) -> list[Any]:
    """Return what a host says of one birth with these metrics, without its status."""
    sent = Sent("spBv1.0/Tinh/NBIRTH/GW01", payload(*metrics, time=MS, seq=0))
    return hear(host(), sent)[1:]


def values(outcomes: list[Any]) -> dict[str, float]:
    return {one.datastream: one.result for one in outcomes if isinstance(one, Decoded)}


def commands(outcomes: list[Any]) -> list[Command]:
    return [one for one in outcomes if isinstance(one, Command)]


def reasons(outcomes: list[Any]) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, PayloadError)]


@pytest.mark.parametrize(
    ("datatype", "sent", "meant"),
    [
        (edge.INT8, -5, -5),
        (edge.INT8, 251, -5),  # eight bits as well as thirty-two
        (edge.INT16, -300, -300),
        (edge.INT32, 2**32 - 5, -5),
        (edge.INT64, -(2**63), -(2**63)),
        (edge.UINT8, 251, 251),
        (edge.UINT32, 2**32 - 5, 2**32 - 5),
        (edge.UINT64, 2**64 - 1, 2**64 - 1),
        (edge.FLOAT, 41.5, 41.5),
        (edge.DOUBLE, -0.1, -0.1),
        (edge.BOOLEAN, True, 1),
        (edge.BOOLEAN, False, 0),
    ],
)
def test_a_number_is_what_its_datatype_means(datatype: int, sent: float, meant: float) -> None:
    """Signed integers travel as unsigned ones and come out signed; booleans are 0 and 1."""
    (found,) = born(metric(sent, datatype, name="x"))
    assert found == Decoded("Tinh/GW01", "x", NOW, float(meant))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (metric("41.5", edge.STRING, name="x"), "text"),
        (metric("a", edge.TEXT, name="x"), "text"),
        (metric("a", edge.UUID, name="x"), "text"),
        (metric(MS, edge.DATETIME, name="x"), "unused"),
        (metric(b"\xff", edge.BYTES, name="x"), "unused"),
        (metric(b"\xff", edge.FILE, name="x"), "unused"),
        (metric(b"\x08\x01", edge.DATASET, name="x"), "unused"),
        (metric(b"\x28\x01", edge.TEMPLATE, name="x"), "unused"),
        (metric(b"\x01\x02", 22, name="x"), "unused"),
        (metric(1.0, edge.DOUBLE, name="x", transient=True), "unused"),
        (metric(3, edge.UINT64, name="bdSeq"), "metadata"),
        (metric(0, edge.BOOLEAN, name="Node Control/Rebirth"), "metadata"),
        (metric(0, edge.BOOLEAN, name="Device Control/Reboot"), "metadata"),
    ],
)
def test_what_is_no_measurement_is_ignored(told: bytes, reason: str) -> None:
    """Texts, times, files, templates, command points and transient metrics are no observations."""
    assert born(told) == [Ignored(reason)]


@pytest.mark.parametrize(
    "told",
    [
        metric(None, edge.DOUBLE, name="x", null=True),
        metric(7.0, edge.DOUBLE, name="x", null=True),
        metric(None, edge.INT32, name="x"),
        metric(nan, edge.DOUBLE, name="x"),
    ],
)
def test_no_value_is_a_missing_one(told: bytes) -> None:
    """A null, an absent value and a NaN are one missing observation, never a zero."""
    (found,) = born(told)
    assert isnan(found.result)
    assert found.quality is Quality.MISSING


def test_infinity_is_refused_alone() -> None:
    """A value that is no number is refused, and the metric beside it is taken."""
    found = born(metric(float("inf"), edge.DOUBLE, name="x"), metric(1.0, edge.DOUBLE, name="y"))
    assert (reasons(found), values(found)) == (["bad_value"], {"y": 1.0})


@pytest.mark.parametrize(
    ("code", "quality"),
    [(192, Quality.GOOD), (0, Quality.FAULT), (500, Quality.SUSPECT), (64, Quality.SUSPECT)],
)
def test_quality_property(code: int, quality: Quality) -> None:
    """Sparkplug's quality codes come out as ours; one that nobody explained is suspect."""
    (found,) = born(metric(1.0, edge.DOUBLE, name="x", properties={"Quality": code}))
    assert (found.quality, found.result) == (quality, 1.0)


@pytest.mark.parametrize("key", ["engUnit", "EngUnit", "unit"])
def test_a_unit_holds_until_the_next_birth(key: str) -> None:
    """The birth's unit is that of later data; the next birth, which names none, ends it."""
    codec = host()
    birth = payload(
        metric(1.0, edge.DOUBLE, name="x", alias=9, properties={key: "mg/L"}), time=MS, seq=0
    )
    hear(codec, Sent("spBv1.0/Tinh/NBIRTH/GW01", birth))
    data = Sent("spBv1.0/Tinh/NDATA/GW01", payload(metric(2.0, alias=9), time=MS, seq=1))
    assert hear(codec, data)[0].unit == "mg/L"
    birth = payload(metric(1.0, edge.DOUBLE, name="x", alias=9), time=MS, seq=2)
    hear(codec, Sent("spBv1.0/Tinh/NBIRTH/GW01", birth))
    data = Sent("spBv1.0/Tinh/NDATA/GW01", payload(metric(2.0, alias=9), time=MS, seq=3))
    assert hear(codec, data)[0].unit is None


@pytest.mark.parametrize("unit", ["", "  ", "m\0g", 5])
def test_a_unit_that_is_none(unit: str | int) -> None:
    """An empty unit, one that no database takes or one that is no text is no unit."""
    (found,) = born(metric(1.0, edge.DOUBLE, name="x", properties={"engUnit": unit}))
    assert found.unit is None


def test_times_and_history() -> None:
    """A metric's own time counts, else the payload's; what is replayed is flagged so."""
    own, other, old, unset = born(
        metric(1.0, edge.DOUBLE, name="a", time=MS - 5),
        metric(1.0, edge.DOUBLE, name="b"),
        metric(1.0, edge.DOUBLE, name="c", time=1, historical=True),
        metric(1.0, edge.DOUBLE, name="d", time=0),
    )
    assert (own.time, other.time, old.time, unset.time) == (NOW - 5000, NOW, 1000, 0)
    assert (own.flags, old.flags) == (Flag.NONE, Flag.HISTORICAL)


def test_a_broken_metric_is_refused_alone() -> None:
    """A metric without a name, with a too long one or no UTF-8 does not cost the others."""
    found = born(
        metric(1.0, edge.DOUBLE, alias=4),
        metric(1.0, edge.DOUBLE, name="x" * 201),
        metric(1.0, edge.DOUBLE, name=b"\xff\xfe"),
        metric(1.0, edge.DOUBLE, name="a\0b"),
        metric(1.0, edge.DOUBLE, name="y"),
    )
    assert reasons(found) == ["unnamed_channel", "bad_thing", "not_utf8", "bad_thing"]
    assert values(found) == {"y": 1.0}


def test_aliases_of_devices_are_their_own() -> None:
    """The same alias of two devices means each one's own metric."""
    codec = host()
    hear(codec, Sent("spBv1.0/T/NBIRTH/G", payload(time=MS, seq=0)))
    for seq, device in enumerate("ab", 1):
        told = metric(0.0, edge.DOUBLE, name=f"of {device}", alias=1)
        hear(codec, Sent(f"spBv1.0/T/DBIRTH/G/{device}", payload(told, time=MS, seq=seq)))
    for seq, device in enumerate("ab", 3):
        data = payload(metric(1.0, alias=1), time=MS, seq=seq)
        assert values(hear(codec, Sent(f"spBv1.0/T/DDATA/G/{device}", data))) == {
            f"of {device}": 1.0
        }


def test_a_gap_asks_for_a_birth_and_keeps_the_values() -> None:
    """After a lost message the values are taken and one rebirth request answers."""
    codec = host()
    node = alive(codec)
    node.data("TRAM3", "pm25", 4.0, MS)  # lost
    found = hear(codec, node.data("TRAM3", "no2", 5.0, MS))
    assert values(found) == {"no2": 5.0}
    assert reasons(found) == []
    (request,) = commands(found)
    assert request.topic == "spBv1.0/Tinh/NCMD/GW01"
    asked = sparkplug_b.parse(request.payload)
    (told,) = asked.metrics
    assert (told.name, told.datatype) == ("Node Control/Rebirth", edge.BOOLEAN)
    assert told.WhichOneof("value") == "boolean_value"
    assert (asked.timestamp, asked.HasField("seq")) == (MS, False)
    assert request.payload.endswith(edge.tagged(14, 1))


def test_the_number_wraps_after_255() -> None:
    """Six hundred messages in a row are one unbroken row."""
    codec = host()
    node = alive(codec)
    found = [hear(codec, node.data("TRAM3", "pm25", float(n), MS + n)) for n in range(600)]
    assert not any(commands(one) for one in found)


def test_a_node_is_asked_once_in_thirty_seconds() -> None:
    """Requests of one node are half a minute apart, and go on until the birth comes."""
    codec = host()
    node = gateway()
    times = [NOW + n * SECOND for n in range(65)]
    asked = [
        (at - NOW) // SECOND
        for at in times
        if commands(hear(codec, node.data("", "cpu", 1.0, at // 1000), at))
    ]
    assert asked == [0, 30, 60]
    for sent in node.births(MS + 65_000):
        assert not commands(hear(codec, sent, NOW + 65 * SECOND))
    assert not commands(hear(codec, node.data("", "cpu", 1.0, MS + 99_000), NOW + 99 * SECOND))


def test_a_loss_within_the_thirty_seconds_is_asked_for_after_them() -> None:
    """A gap that may not be asked for at once is not forgotten."""
    codec = host()
    node = gateway()
    assert commands(hear(codec, node.data("", "cpu", 1.0, MS)))
    for sent in node.births(MS + 1):
        hear(codec, sent)
    node.data("", "cpu", 2.0, MS + 2)  # lost
    assert not commands(hear(codec, node.data("", "cpu", 3.0, MS + 3)))
    assert commands(hear(codec, node.data("", "cpu", 4.0, MS + 31_000), LATER))


@pytest.mark.parametrize("dup", [True, False])
def test_a_copy_of_the_last_message_is_no_gap(dup: bool) -> None:  # noqa: FBT001  a parameter
    """The same bytes again give the same values, and nobody is asked for anything."""
    codec = host()
    node = alive(codec)
    sent = node.data("TRAM3", "pm25", 4.0, MS + 1)
    first, again = hear(codec, sent), hear(codec, sent, dup=dup)
    assert values(first) == values(again) == {"pm25": 4.0}
    assert not commands(again)
    assert not commands(hear(codec, node.data("TRAM3", "pm25", 5.0, MS + 2)))


def test_a_window_delivered_again_is_no_gap() -> None:
    """What the broker repeats after a broken line, births and all, leaves the count whole."""
    codec = host()
    node = alive(codec)
    window = [*node.births(MS + 1), node.data("", "cpu", 4.0, MS + 2)]
    heard = [hear(codec, sent, dup=dup) for dup in (False, True) for sent in window[1:]]
    heard += [hear(codec, sent, dup=dup) for dup in (False, True) for sent in window]
    assert not any(commands(one) for one in heard[len(window) - 1 : 2 * len(window) - 2])
    assert not any(commands(one) for one in heard[2 * len(window) - 2 :])
    assert not commands(hear(codec, node.data("", "cpu", 5.0, MS + 3)))


def test_a_repeated_message_of_an_earlier_session_is_not_read_with_new_aliases() -> None:
    """An alias of the last session means another metric now: the copy is ignored."""
    codec = host()
    node = alive(codec)
    old = node.data("TRAM3", "pm25", 4.0, MS + 1)
    hear(codec, old)
    for sent in node.connect(MS + 2):
        hear(codec, sent)
    assert hear(codec, old, dup=True) == [Ignored("duplicate")]


def test_the_same_number_with_other_bytes_is_a_gap() -> None:
    """A node that forgets to count is asked to begin again."""
    codec = host()
    node = alive(codec)
    hear(codec, node.data("TRAM3", "pm25", 4.0, MS + 1))
    node.seq -= 1
    assert commands(hear(codec, node.data("TRAM3", "pm25", 5.0, MS + 2)))


def test_a_straggler_within_the_patience_is_no_loss() -> None:
    """With `reorder_s`, messages that change places cost nothing; missing ones are asked for."""
    codec = host(reorder_s=2)
    node = alive(codec)
    first, second = node.data("", "cpu", 4.0, MS + 1), node.data("TRAM3", "pm25", 5.0, MS + 2)
    assert not commands(hear(codec, second))
    assert values(hear(codec, first)) == {"cpu": 4.0}
    late = NOW + 9 * SECOND
    assert not commands(hear(codec, node.data("", "cpu", 6.0, MS + 9000), late))
    node.data("", "cpu", 7.0, MS + 9001)  # lost
    assert not commands(hear(codec, node.data("", "cpu", 8.0, MS + 9002), late))
    late += 3 * SECOND
    assert commands(hear(codec, node.data("", "cpu", 9.0, MS + 12_000), late))


def test_data_before_a_birth_are_refused_and_asked_for() -> None:
    """A host that starts late takes nothing it cannot name, and asks; then all is there."""
    codec = host()
    node = gateway()
    node.connect(MS)  # nobody listens
    found = hear(codec, node.data("TRAM3", "pm25", 4.0, MS))
    assert reasons(found) == ["before_birth"]
    assert len(commands(found)) == 1
    heard = [one for sent in node.births(MS + 1) for one in hear(codec, sent)]
    assert values(heard) == {"cpu": 1.0, "pm25": 4.0, "no2": 3.0}
    assert values(hear(codec, node.data("TRAM3", "pm25", 6.0, MS + 2))) == {"pm25": 6.0}


def test_a_birth_of_a_device_alone_is_taken_and_the_node_asked() -> None:
    """Whoever comes in between the births of node and device keeps the device's values."""
    codec = host()
    _, device = gateway().connect(MS)
    found = hear(codec, device)
    assert values(found) == {"pm25": 2.0, "no2": 3.0}
    assert (reasons(found), len(commands(found))) == ([], 1)


def test_an_unknown_alias_is_refused_alone_and_asked_for() -> None:
    """A metric that no birth announced costs itself only; one with a full name costs nothing."""
    codec = host()
    alive(codec)
    told = [
        metric(1.0, alias=99),
        metric(2**32 - 5, name="unsigned?", sent_as=edge.INT32),
        metric(-5, edge.INT32, name="new"),
        metric(2.0, name="also new"),
        metric(3.0, name="pm25"),
    ]
    sent = Sent("spBv1.0/Tinh/DDATA/GW01/TRAM3", payload(*told, time=MS, seq=2))
    found = hear(codec, sent)
    assert reasons(found) == ["unknown_alias", "unknown_alias"]
    assert values(found) == {"new": -5, "also new": 2.0, "pm25": 3.0}
    assert len(commands(found)) == 1


def test_a_death_of_the_session_takes_the_devices_along() -> None:
    """A node's death is one status for it and one for each device known, by time of arrival."""
    codec = host()
    node = alive(codec)
    found = hear(codec, node.will(MS - 1000))
    assert found == [
        Status("Tinh/GW01", DeviceState.OFFLINE, "NDEATH"),
        Status("Tinh/GW01/TRAM3", DeviceState.OFFLINE, "NDEATH"),
    ]
    assert reasons(hear(codec, node.data("TRAM3", "pm25", 1.0, MS))) == ["before_birth"]


def test_a_death_of_an_earlier_session_changes_nothing() -> None:
    """A will that comes after the new birth is refused, and data go on."""
    codec = host()
    node = alive(codec)
    will = node.will(MS)
    for sent in node.connect(MS + 1):
        hear(codec, sent)
    assert reasons(hear(codec, will)) == ["stale_death"]
    assert values(hear(codec, node.data("TRAM3", "pm25", 1.0, MS + 2))) == {"pm25": 1.0}


def test_a_death_of_a_node_that_nobody_knows_is_believed() -> None:
    """After our restart a will is still an end: the session it ends cannot be compared."""
    found = hear(host(), gateway().will(MS))
    assert found == [Status("Tinh/GW01", DeviceState.OFFLINE, "NDEATH")]


def test_a_device_dies_and_comes_back() -> None:
    """A device's death is dated by its message, ends its aliases and leaves the node alive."""
    codec = host()
    node = alive(codec)
    assert hear(codec, node.lose("TRAM3", MS + 1)) == [
        Status("Tinh/GW01/TRAM3", DeviceState.OFFLINE, "DDEATH", Micros(NOW + 1000))
    ]
    assert values(hear(codec, node.data("", "cpu", 2.0, MS + 2))) == {"cpu": 2.0}
    assert hear(codec, node.find("TRAM3", MS + 3))[0].state is DeviceState.ONLINE
    assert values(hear(codec, node.data("TRAM3", "pm25", 9.0, MS + 4))) == {"pm25": 9.0}


def test_a_device_that_is_dead_sends_nothing_that_counts() -> None:
    """Data of a device after its death are before its next birth."""
    codec = host()
    node = alive(codec)
    hear(codec, node.lose("TRAM3", MS + 1))
    found = hear(codec, node.data("TRAM3", "pm25", 9.0, MS + 2))
    assert (reasons(found), len(commands(found))) == (["before_birth"], 1)


def test_a_retained_birth_changes_nothing_that_is_remembered() -> None:
    """A copy that the broker kept is read and cannot put old aliases in force."""
    codec = host()
    node = gateway()
    old = node.connect(MS - 9000)
    for sent in node.connect(MS):
        hear(codec, sent)
    for sent in old:
        found = hear(codec, sent, retain=True)
        assert found[0].state is DeviceState.ONLINE
        assert not commands(found)
    found = hear(codec, node.data("TRAM3", "pm25", 9.0, MS + 1))
    assert (values(found), commands(found)) == ({"pm25": 9.0}, [])


@pytest.mark.parametrize(
    "topic",
    ["spBv1.0/STATE/scada", "spBv1.0/Tinh/NCMD/GW01", "spBv1.0/Tinh/DCMD/GW01/TRAM3"],
)
def test_what_is_meant_for_others_is_ignored(topic: str) -> None:
    """Commands and hosts' states, our own echo among them, are no news."""
    assert hear(host(), Sent(topic, b'{"online":true}')) == [Ignored("unused")]


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
    data = edge.tagged(2, b"") * (sparkplug_b.MAX_METRICS + 1)
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
    monkeypatch.setattr(sparkplug_nodes, "MAX_ENTRIES", 60)
    codec = host()
    nodes = [EdgeNode("T", f"G{n}", {"": {f"m{i}": 0.0 for i in range(10)}}) for n in range(9)]
    for node in nodes:
        for sent in node.connect(MS):
            hear(codec, sent)
    assert values(hear(codec, nodes[-1].data("", "m1", 1.0, MS))) == {"m1": 1.0}
    found = hear(codec, nodes[0].data("", "m1", 1.0, MS))
    assert (reasons(found), len(commands(found))) == (["before_birth"], 1)


def test_memory_of_one_node_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that one node invents push out its own oldest ones, not other nodes."""
    monkeypatch.setattr(sparkplug_nodes, "MAX_NODE_ENTRIES", 20)
    nodes = sparkplug_nodes.Nodes()
    node = nodes.take("T/G")
    node.begin(sparkplug_nodes.Session(), None, 0, MS)
    for number in range(500):
        node.bear(str(number), sparkplug_nodes.Session())
    node.bury("499")
    nodes.put("T/G", node)
    assert nodes.entries == node.entries == 1 + len(node.sessions) == 20
    assert node.end()[-1] == "499"


def test_counts_of_entries_stay_true() -> None:
    """However nodes and devices come and go, what is counted is what is held."""
    nodes = sparkplug_nodes.Nodes()
    for turn in range(40):
        node = nodes.take(f"T/G{turn % 3}")
        session = sparkplug_nodes.Session()
        for number in range(turn % 5):
            session.names[str(number)] = sparkplug_nodes.Announced(str(number), 10, None)
        match turn % 4:
            case 0:
                node.begin(session, None, 0, MS)
            case 1 | 2:
                node.bear(str(turn % 7), session)
            case _:
                node.end()
        nodes.put(f"T/G{turn % 3}", node)
        held = [
            len(one.names)
            for name in nodes._nodes
            for one in nodes._nodes[name].sessions.values()
            if one is not None
        ]
        devices = sum(len(one.sessions) for one in nodes._nodes.values())
        assert nodes.entries == len(nodes) + devices + sum(held)


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


@settings(max_examples=100, deadline=None)
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
