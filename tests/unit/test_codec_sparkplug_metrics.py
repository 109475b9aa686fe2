"""Sparkplug metrics: numbers, units, qualities, times, and what is no measurement."""

from __future__ import annotations

from math import isnan, nan

import pytest

from ingest.codec import Ignored
from ioc.domain.observation import Decoded, Flag, Quality
from tests.unit import sparkplug_edge as edge
from tests.unit.sparkplug_edge import Sent, metric, payload
from tests.unit.sparkplug_host import (
    MS,
    NOW,
    born,
    hear,
    host,
    reasons,
    values,
)


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
        (metric(b"\x08\x01", edge.DATASET, name="x"), "dataset"),
        (metric(b"\x28\x01", edge.TEMPLATE, name="x"), "template"),
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
