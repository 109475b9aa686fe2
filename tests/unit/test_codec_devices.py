"""Decoders of LoRaWAN frames: the makers' published layouts, and frames that are cut or odd."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Ignored
from ingest.reading.devices import Decode, Part, Reading
from ingest.reading.devices.dragino import ldds75, lht65, lht65n, lsn50
from ingest.reading.devices.milesight import em500_udl
from ingest.reading.devices.models import DEVICES, MAX_PROFILES, Models
from ioc.domain.errors import PayloadError
from ioc.domain.observation import Quality


def shown(parts: list[Part]) -> dict[str, float]:
    return {part.name: part.value for part in parts if isinstance(part, Reading)}


def test_milesight_example_of_the_maker() -> None:
    """017564 03821E00 is 100 % and 30 mm (the maker's own example)."""
    assert em500_udl(bytes.fromhex("01756403821E00"), 85) == [
        Reading("distance", 30.0, "mm"),
        Reading("battery", 100.0, "%"),
    ]


def test_milesight_join_message_measures_nothing() -> None:
    """What the device says of itself at joining is described, block by block."""
    frame = bytes.fromhex("ff0bff ff0101 ff166329c42903640033 ff090100 ff0a0101 ff0f00")
    assert em500_udl(frame, 85) == [Ignored("metadata")] * 6


@pytest.mark.parametrize("tail", ["99", "9999", "03", "0382", "03821E", "20ce00", "ff77"])
def test_milesight_keeps_what_stands_before_the_break(tail: str) -> None:
    """An unknown or cut block is refused; the battery before it is kept."""
    found = em500_udl(bytes.fromhex("017564" + tail), 85)
    assert found[0] == Reading("battery", 100.0, "%")
    assert isinstance(found[1], PayloadError)
    assert len(found) == 2


def test_lht65_frame() -> None:
    """CBEB 0B9A 0217 01 0BAB 7FFF: 3.051 V, 29.7 °C, 53.5 %, probe 29.87 °C."""
    found = lht65(bytes.fromhex("CBEB0B9A0217010BAB7FFF"), 2)
    assert shown(found) == {
        "BatV": 3.051, "Bat_status": 3, "TempC_SHT": 29.7, "Hum_SHT": 53.5, "TempC_DS": 29.87,
    }  # fmt: skip


def test_lht65_below_zero() -> None:
    """Temperatures are signed: FF9C is -1 °C."""
    assert shown(lht65(bytes.fromhex("CBEBFF9C021700FFFFFFFF"), 2))["TempC_SHT"] == -1.0


@pytest.mark.parametrize("frame", ["CBEB0B9A0217817FFF7FFF", "CBEB0B9A0217017FFF7FFF"])
def test_lht65_without_its_probe(frame: str) -> None:
    """A probe that is not there is a fault, never 327.67 °C; the rest is good."""
    by_name = {p.name: p for p in lht65(bytes.fromhex(frame), 2) if isinstance(p, Reading)}
    assert isnan(by_name["TempC_DS"].value)
    assert by_name["TempC_DS"].quality is Quality.FAULT
    assert by_name["TempC_SHT"].quality is Quality.GOOD


def test_lht65_frame_with_its_own_time() -> None:
    """Kind 9 holds the device's time; the probe stands where the battery does elsewhere."""
    found = lht65(bytes.fromhex("0BAB 0B9A C217 09 6B023F10"), 2)
    assert shown(found)["TempC_DS"] == 29.87
    assert {p.time for p in found if isinstance(p, Reading)} == {0x6B023F10 * 1_000_000}


@pytest.mark.parametrize(("decode", "status"), [(lht65, "41"), (lht65n, "41"), (lht65n, "81")])
def test_lht65_data_log(decode: Decode, status: str) -> None:
    """Records of the log are historical, each with its own time."""
    record = f"0BAB 0B9A 0217 {status} 6B023F10"
    found = decode(bytes.fromhex(record * 2), 2)
    assert len(found) == 6
    past = {(p.historical, p.time) for p in found if isinstance(p, Reading)}
    assert past == {(True, 0x6B023F10 * 1_000_000)}
    assert shown(found) == {"TempC_DS": 29.87, "TempC_SHT": 29.7, "Hum_SHT": 53.5}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("0CE40105007B00007B0000", {"BatV": 3.3, "TempC1": 26.1, "ADC_CH0V": 0.123, "Illum": 123}),
        ("0CE47FFF007B00012B0215", {"TempC_SHT": 29.9, "Hum_SHT": 53.3}),
        ("0CE40105007B0404D2FFFF", {"Distance_cm": 123.4}),
        ("0001000200030A00FA021521", {"BatV": 3.3, "ADC_CH0V": 0.001, "Hum_SHT": 53.3}),
        ("0CE40105007B0C00FAFF9C", {"TempC2": 25.0, "TempC3": -10.0}),
        ("0CE40105007B1003E80000", {"Weight": 1000}),
        ("0CE40105007B14000000FF", {"Count": 255}),
        ("0CE40105007B9811010000", {"EXTI1_Status": 1, "EXTI2_Trigger": 1, "EXTI2_Status": 1}),
        ("0CE40105007B1C00640065", {"ADC_CH1V": 0.1, "ADC_CH4V": 0.101}),
        ("0CE4010500FA20FF9C0000000100000002", {"TempC2": 25.0, "TempC3": -10.0, "Count2": 2}),
    ],
)  # fmt: skip
def test_lsn50_modes(frame: str, expected: dict[str, float]) -> None:
    """Each working mode has its own layout behind the same head."""
    found = shown(lsn50(bytes.fromhex(frame), 2))
    assert expected.items() <= found.items()


def test_lsn50_without_its_probes() -> None:
    """What the maker's decoder calls NULL is a fault here."""
    found = lsn50(bytes.fromhex("0CE47FFF007B007FFFFFFF"), 2)
    faults = {p.name for p in found if isinstance(p, Reading) and p.quality is Quality.FAULT}
    assert faults == {"TempC1", "TempC_SHT", "Hum_SHT"}


def test_ldds75() -> None:
    """0B45 0B05 00 0105 01: 2.885 V, 2821 mm, 26.1 °C; 20 mm is a reading that failed."""
    assert shown(ldds75(bytes.fromhex("0B450B0500010501"), 2)) == {
        "Bat": 2.885, "Distance": 2821, "Interrupt_flag": 0, "TempC_DS18B20": 26.1,
        "Sensor_flag": 1,
    }  # fmt: skip
    failed = ldds75(bytes.fromhex("0B45001400"), 2)[1]
    assert isinstance(failed, Reading)
    assert (isnan(failed.value), failed.quality) == (True, Quality.FAULT)


@pytest.mark.parametrize("decode", [lht65, lht65n, lsn50, ldds75])
def test_dragino_ports(decode: Decode) -> None:
    """Port 5 describes the device; another port or a short frame is refused."""
    assert decode(bytes(11), 5) == [Ignored("metadata")]
    assert isinstance(decode(bytes(11), 7)[0], PayloadError)
    assert isinstance(decode(bytes(3), 2)[0], PayloadError)


@given(st.binary(max_size=300), st.integers(0, 255), st.sampled_from(sorted(DEVICES)))
def test_any_frame_is_read_or_refused(frame: bytes, port: int, name: str) -> None:
    """Whatever the bytes are, a decoder returns parts; its names are known with their units."""
    device = DEVICES[name]
    for part in device.decode(frame, port):
        if isinstance(part, Reading) and part.unit is not None:
            assert device.units[part.name] == part.unit


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("EM500-UDL", "em500-udl"), ("Milesight EM500-UDL-C923M", "em500-udl"),
        ("em500_udl", "em500-udl"), ("LHT65", "lht65"), ("Dragino LHT65N-E1", "lht65n"),
        ("LSN50v2", "lsn50"), ("EM500-UDLX", None), ("SLHT65", None), ("", None),
    ],
)  # fmt: skip
def test_models_are_found_by_whole_words(profile: str, name: str | None) -> None:
    """A model's name counts as whole words only: a longer name is another model."""
    assert Models({}).find(profile) is (None if name is None else DEVICES[name])


def test_profiles_remembered_are_bounded() -> None:
    """Names from outside do not fill the memory."""
    models = Models({})
    for number in range(2 * MAX_PROFILES + 1):
        models.find(f"profile {number}")
    assert len(models._seen) <= MAX_PROFILES
