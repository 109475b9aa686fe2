"""config/catalog: every property makes sense, in both languages, for Vietnamese values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from ioc import catalogue, units
from ioc.domain.errors import ConfigError
from ioc.domain.instant import MINUTE
from ioc.domain.observation import STATE_CODES, Quality
from ioc.domain.quality import grade

SHIPPED: Final = Path(__file__).resolve().parents[2] / "config" / "catalog"

# What feed files and codecs may map to.
PROMISED: Final = frozenset(
    """
pm1 pm25 pm10 tsp so2 no no2 nox co o3 h2s nh3 hcl voc co2 tvoc_index nox_index temperature humidity
air_pressure dew_point wind_speed wind_direction solar_radiation illuminance rain_10min rain_1h
rain_24h rain_total water_level water_distance inflow outflow discharge flow flow_total storage ph
cod bod5 tss nh4 no3 po4 total_p total_n toc turbidity dissolved_oxygen conductivity salinity
water_temperature color chlorine coliform noise voltage current power energy mains_frequency battery
battery_voltage packet_loss latency uptime rssi snr link_quality camera_status camera_fps
camera_skipped_fps recording_status signal_status disk_free network_status bts_status device_status
vehicle_count vehicle_speed occupancy fill_level pressure unclassified
""".split()  # noqa: SIM905  seventy words read better than seventy strings
)

# Values that were really measured in Viet Nam, or that instruments there really show.
REAL: Final = [
    ("temperature", 44.2),  # Tương Dương, 7/5/2023
    ("temperature", -5.0),  # Mẫu Sơn
    ("rain_24h", 1739.6),  # Bạch Mã, 10/2025
    ("rain_1h", 180.0),
    ("wind_speed", 63.0),  # gusts of Yagi, 2024
    ("inflow", 37800.0),  # the Red River, 8/1971
    ("discharge", -2500.0),  # the tide in the Soài Rạp
    ("water_level", 295.0),  # Lai Châu's reservoir
    ("water_level", -2.3),  # Vàm Kênh at ebb
    ("storage", 9862.0),  # Hòa Bình
    ("pm25", 999.9),  # the end of an SDS011, on New Year's Eve
    ("co", 30000.0),
    ("cod", 12000.0),  # raw waste water of starch
    ("tss", 14000.0),  # the Red River in flood
    ("conductivity", 54000.0),  # the sea
    ("humidity", 101.3),  # a capacitive sensor in a "nồm" week
    ("solar_radiation", -4.0),  # a pyranometer at night
    ("battery_voltage", -53.5),  # the rectifier of a BTS
    ("rssi", -137.0),  # LoRaWAN
    ("air_pressure", 690.0),  # Fansipan
]


@pytest.fixture(scope="module")
def shipped() -> dict[str, catalogue.Property]:
    return catalogue.load(SHIPPED)


def test_everything_promised_is_there(shipped: dict[str, catalogue.Property]) -> None:
    """A feed file that names a promised property finds it."""
    assert PROMISED - shipped.keys() == set()


def test_codes_are_plain_words(shipped: dict[str, catalogue.Property]) -> None:
    """A code is a key in URLs, YAML and SQL: lower case, digits, underscores; never a boolean."""
    assert [code for code in shipped if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", code)] == []


def test_names_are_told_apart(shipped: dict[str, catalogue.Property]) -> None:
    """Two entries of a list that read the same would be chosen by luck."""
    for names in ([p.name_vi for p in shipped.values()], [p.name_en for p in shipped.values()]):
        assert sorted(names) == sorted(set(names))


def test_units_are_known(shipped: dict[str, catalogue.Property]) -> None:
    """Every unit of the catalogue is one that values can be converted to."""
    assert [p.unit for p in shipped.values() if not units.is_known(p.unit)] == []


def test_quantities_have_a_range(shipped: dict[str, catalogue.Property]) -> None:
    """Only what nobody has classified has no idea of what is possible."""
    without = {
        code
        for code, p in shipped.items()
        if p.kind == "quantity" and (p.min is None or p.max is None)
    }
    assert without == {"unclassified"}


def test_lives_have_the_codes_of_the_domain(shipped: dict[str, catalogue.Property]) -> None:
    """A stored 2 means offline on every screen."""
    for code in ("camera_status", "network_status", "bts_status", "device_status"):
        assert shipped[code].states == {s.value: n for s, n in STATE_CODES.items()}


def test_floors_lie_inside_the_range(shipped: dict[str, catalogue.Property]) -> None:
    """A floor wider than the range can never find a spike."""
    for code, p in shipped.items():
        if p.spike is not None:
            assert p.min is not None
            assert p.max is not None
            assert p.spike.floor < p.max - p.min, code


@pytest.mark.parametrize(("code", "value"), REAL)
def test_real_values_are_good(
    shipped: dict[str, catalogue.Property], code: str, value: float
) -> None:
    """What was really measured in Viet Nam is not called suspect."""
    limits = shipped[code].limits()
    assert grade(value, Quality.GOOD, limits.valid_min, limits.valid_max) is Quality.GOOD


def test_retention_has_its_defaults(shipped: dict[str, catalogue.Property]) -> None:
    """Values 90 days, minutes 2 years, hours 10 years."""
    kept = {(p.raw_days, p.minute_days, p.hour_days) for p in shipped.values()}
    assert kept == {(90, 730, 3650)}


def test_a_sensors_range_replaces_the_propertys() -> None:
    """The feed file knows the sensor better than the catalogue does."""
    pm25 = catalogue.load(SHIPPED)["pm25"]
    assert (pm25.limits(1, 500).valid_min, pm25.limits(1, 500).valid_max) == (1, 500)
    assert pm25.limits().valid_max == pm25.max
    assert pm25.limits().flat_span == 60 * MINUTE


@pytest.mark.parametrize(
    "entry",
    [
        "{name_vi: a, name_en: a, unit: m, min: 5, max: 5}",
        "{name_vi: a, name_en: a, unit: m, kind: category}",
        "{name_vi: a, name_en: a, unit: m, states: {a: 1}}",
        "{name_vi: a, name_en: a, unit: m, kind: category, states: {a: 1, b: 1}}",
        "{name_vi: a, name_en: a, unit: m, spike: {floor: 0}}",
        "{name_vi: a, name_en: a, unit: m, average: {how: median}}",
        "{name_vi: a, name_en: a, unit: m, spikes: {floor: 1}}",
    ],
)
def test_contradictions_do_not_start(tmp_path: Path, entry: str) -> None:
    """A catalogue that contradicts itself is one line that names the file."""
    (tmp_path / "odd.yaml").write_text(f"odd: {entry}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"odd\.yaml"):
        catalogue.load(tmp_path)


def test_a_property_is_defined_once(tmp_path: Path) -> None:
    """Two files that disagree silently would be the worst kind of catalogue."""
    for name in ("a", "b"):
        text = "wind: {name_vi: gió, name_en: wind, unit: m/s}\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="wind is defined twice"):
        catalogue.load(tmp_path)
