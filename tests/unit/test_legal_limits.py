"""Limits of regulations: read as data, and a rule that names one compares what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ioc import catalogue, limits
from ioc.domain.errors import ConfigError
from ioc.domain.legal_limit import Averaging, Claim, LegalLimit, Station, objections, seeds
from ioc.settings import load

CONFIG = load({}).config_dir
SHIPPED = limits.load(CONFIG / "limits")
TODAY = date(2026, 11, 24)
DAY_MEAN = Averaging("mean", 86400)
CLAIM = Claim("pm25", "µg/m³", DAY_MEAN, "QCVN 05:2023/BTNMT, Bảng 1", (), (45.0,))


def codes(claim: Claim, day: date = TODAY) -> list[str]:
    return [one.code for one in objections(claim, SHIPPED, day)]


def found(code: str, window: int) -> list[LegalLimit]:
    averaging = Averaging("mean", window)
    return [one for one in SHIPPED if one.observed_property == code and one.averaging == averaging]


def test_shipped_limits_are_in_the_catalogues_units() -> None:
    """Every limit is of an observed property we know, in its unit, and means can be averaged."""
    known = catalogue.load(CONFIG / "catalog")
    for limit in SHIPPED:
        own = known[limit.observed_property]
        assert own.unit == limit.unit, limit.id
        if limit.averaging is not None:
            assert own.average.how == limit.averaging.function, limit.id


def test_the_limit_of_pm25_fell_with_2026() -> None:
    """QCVN 05:2023: 50 until the end of 2025, 45 from then on, one of them on each day."""
    own = found("pm25", 86400)
    assert [one.high for one in own if one.in_force(date(2025, 12, 31))] == [50]
    assert [one.high for one in own if one.in_force(date(2026, 1, 1))] == [45]
    assert found("pm25", 3600) == [], "there is no hourly limit of PM2.5"


def test_a_rule_that_compares_what_the_standard_says_is_right() -> None:
    """Window, unit and value of the regulation: nothing to object."""
    assert codes(CLAIM) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (replace(CLAIM, unit="mg/m³"), "standard_unit"),
        (replace(CLAIM, averaging=Averaging("mean", 3600)), "standard_window"),
        (replace(CLAIM, averaging=Averaging("max", 86400)), "standard_window"),
        (replace(CLAIM, averaging=None), "standard_window"),
        (replace(CLAIM, highs=(50.0,)), "standard_value"),
        (replace(CLAIM, observed_property="noise"), "standard_property"),
    ],
)
def test_another_unit_window_or_value_is_refused(wrong: Claim, code: str) -> None:
    """A rule may not carry a regulation's name and compare something else."""
    assert codes(wrong) == [code]


def test_a_limit_that_is_out_of_force_is_refused() -> None:
    """On a day before the regulation began nobody may refer to it."""
    assert codes(CLAIM, date(2020, 1, 1)) == ["standard_expired"]


def test_only_a_reference_that_begins_with_the_standard_binds() -> None:
    """An early warning that says it is not the regulation's limit stays free."""
    own = replace(CLAIM, averaging=None, legal_ref="cảnh báo sớm, không phải QCVN 05:2023/BTNMT")
    assert codes(own) == []


def test_a_file_that_contradicts_itself_names_its_place(tmp_path: Path) -> None:
    """A window without its function is a mistake of the file, and the file is named."""
    (tmp_path / "x.yaml").write_text(
        "- standard: QCVN 1\n  title: {vi: a, en: a}\n  source: s\n  confidence: A\n"
        '  limits: [{property: pm25, unit: "µg/m³", window: 1h, high: 1}]\n'
    )
    with pytest.raises(ConfigError, match=r"x\.yaml.*function and window belong together"):
        limits.load(tmp_path)


def held(kind: str, name: str = "Trạm A", **measures: str) -> set[str]:
    """Return the regulations that hold for a station by what it is."""
    station = Station(1, kind, frozenset({name}), measures)
    return {limit.standard for _, limit in seeds(SHIPPED, [station])}


def test_a_limit_holds_for_the_right_stations() -> None:
    """Air, rivers, effluents and drinking water have their own, a level its own place."""
    assert held("environment", pm25="µg/m³") == {"QCVN 05:2023/BTNMT"}
    assert held("environment", cod="mg/L", ph="") == {"QCVN 40:2011/BTNMT"}
    assert held("environment", cod="mg/L", dissolved_oxygen="mg/L") == {"QCVN 08:2023/BTNMT"}
    assert held("water", ph="", chlorine="mg/L") == {"QCVN 01-1:2018/BYT", "QCVN 01-1:2024/BYT"}
    assert held("water", ph="") == set()
    assert len(held("rain", "Trạm thủy văn Biên Hòa", water_level="m")) == 3
    assert held("reservoir", "Hồ chứa Trị An", water_level="m") == {
        "Mực nước dâng bình thường, hồ Trị An"
    }
    assert held("reservoir", "Hồ chứa Khác", water_level="m") == set()


def test_another_unit_gets_no_limit() -> None:
    """A number in mg/m³ is not compared with one in µg/m³."""
    assert held("environment", pm25="mg/m³") == set()
