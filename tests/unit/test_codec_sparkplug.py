"""The Sparkplug host follows its nodes: births, deaths, gaps, copies, stragglers."""

from __future__ import annotations

import pytest

from ingest.codec import Ignored, Status
from ingest.codecs.sparkplug import wire
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DeviceState
from tests.unit import sparkplug_edge as edge
from tests.unit.sparkplug_edge import Sent, metric, payload
from tests.unit.sparkplug_host import (
    LATER,
    MS,
    NOW,
    alive,
    commands,
    gateway,
    hear,
    host,
    reasons,
    values,
)


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
    asked = wire.parse(request.payload)
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


def test_a_loss_after_the_birth_is_asked_for_once_more_at_once() -> None:
    """A birth that came allows another request; a third in thirty seconds waits for them."""
    codec = host()
    node = gateway()
    assert commands(hear(codec, node.data("", "cpu", 1.0, MS)))
    for n in (1, 5):
        for sent in node.births(MS + n):
            assert not commands(hear(codec, sent))
        node.data("", "cpu", 2.0, MS + n + 1)  # lost
        asked = commands(hear(codec, node.data("", "cpu", 3.0, MS + n + 2)))
        assert bool(asked) is (n == 1)
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
