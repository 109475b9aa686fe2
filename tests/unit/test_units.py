"""Units as devices write them."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from math import isclose
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import units
from ioc.units import Conversion, UnitError, conversion

# spellings that mean the catalogue's unit: the number stays
SAME: Final = [
    (
        "µg/m³",
        [
            "ug/m3",
            "µg/m3",
            "μg/m³",
            "㎍/m³",
            "ug/m^3",
            "UG/M3",
            " ug / m3 ",
            "ug/Nm3",
            "µg/Nm³",
            "µg·m⁻³",
            "ug m-3",
        ],
    ),
    ("mg/L", ["mg/l", "mg/L", "MG/L", "g/m3"]),
    ("mg/Nm³", ["mg/Nm3", "MG/NM3"]),
    ("°C", ["C", "Cel", "oC", "°C", "℃", "degC", "ºC", "˚C", "degreesC"]),
    ("%", ["%", "%RH", "% RH", "%rh", "%EL"]),
    ("", ["", "-", "--", "pH", "1", "count", "UV index"]),
    ("hPa", ["mbar", "hPa"]),
    ("m³/h", ["m3/h", "m³/h", "M3/H", "m3/giờ"]),
    ("m³/s", ["m3/s", "cms"]),
    ("NTU", ["ntu", "FNU"]),
    ("µS/cm", ["uS/cm", "µS/cm", "μS/cm"]),
    ("dBA", ["dB(A)", "dBA", "dB"]),
    ("lx", ["lux", "lx"]),
    ("kWh", ["KWH", "kwh"]),
    ("triệu m³", ["10^6 m3", "10⁶ m³", "triệu m3", "Mm3", "hm3"]),
    ("‰", ["ppt", "psu", "‰"]),
    ("MPN/100 mL", ["MPN/100ml", "CFU/100mL"]),
]

CONVERTED: Final = [
    ("mg/m3", "µg/m³", 1000.0, 0.0),
    ("mg/Nm3", "µg/m³", 1000.0, 0.0),
    ("K", "°C", 1.0, -273.15),
    ("°C", "K", 1.0, 273.15),
    ("°C", "°F", 1.8, 32.0),
    ("°F", "°C", 5 / 9, -160 / 9),
    ("Pa", "hPa", 0.01, 0.0),
    ("kPa", "bar", 0.01, 0.0),
    ("kg/cm2", "bar", 0.980665, 0.0),
    ("cm", "m", 0.01, 0.0),
    ("mm", "m", 0.001, 0.0),
    ("l/s", "m³/h", 3.6, 0.0),
    ("m³/s", "m³/h", 3600.0, 0.0),
    ("m3/ngày", "m³/h", 1 / 24, 0.0),
    ("mS/cm", "µS/cm", 1000.0, 0.0),
    ("km/h", "m/s", 1 / 3.6, 0.0),
    ("Wh", "kWh", 0.001, 0.0),
    ("mV", "V", 0.001, 0.0),
    ("ppb", "ppm", 0.001, 0.0),
    ("/", "%", 100.0, 0.0),
    ("m3", "triệu m³", 1e-6, 0.0),
    ("mm3", "m³", 1e-9, 0.0),
]

REFUSED: Final = [
    ("ppm", "µg/m³"),  # needs the molar mass and the temperature
    ("ppb", "µg/m³"),
    ("ppm", "mg/L"),
    ("µg/m³", "mg/Nm³"),  # of a gas whose temperature nobody sent
    ("mg/m3", "mg/Nm³"),
    ("Nm3/h", "m³/h"),
    ("dBA", "dB"),
    ("dB", "dBm"),
    ("mg/L", "%"),  # oxygen: needs temperature and salinity
    ("", "mg/L"),
    ("°C", "hPa"),
    ("MUCNUOC", "m"),
    ("?", "m"),
    ("9**9**9**9", "m"),
    ("m" * 5000, "m"),
    ("\ud800", "m"),
]


@pytest.mark.parametrize(
    ("wanted", "spellings"), SAME, ids=lambda v: v if isinstance(v, str) else ""
)
def test_spellings(wanted: str, spellings: list[str]) -> None:
    """Keyboards, firmwares and bulletins spell one unit in many ways; the number stays."""
    assert [s for s in spellings if conversion(s, wanted) is not None] == []


@pytest.mark.parametrize(("sent", "wanted", "factor", "offset"), CONVERTED)
def test_conversions_are_exact(sent: str, wanted: str, factor: float, offset: float) -> None:
    """The nearest floats to the true factor and offset, no rounding of ours on top."""
    assert conversion(sent, wanted) == Conversion(factor, offset)


@pytest.mark.parametrize(("sent", "wanted"), REFUSED)
def test_what_is_no_change_of_unit(sent: str, wanted: str) -> None:
    """What needs physics, or is nonsense, is refused: the value is suspect, not wrong."""
    with pytest.raises(UnitError):
        conversion(sent, wanted)


def test_no_unit_is_the_wanted_one() -> None:
    """A device that names no unit sends the datastream's."""
    assert conversion(None, "µg/m³") is None


@pytest.mark.parametrize(
    ("milli", "mega"),
    [("mW", "MW"), ("mPa", "MPa"), ("mJ", "MJ"), ("mHz", "MHz"), ("mWh", "MWh"), ("mm3", "Mm3")],
)
def test_case_tells_milli_from_mega(milli: str, mega: str) -> None:
    """A factor of a billion hangs on one letter."""
    found = conversion(milli, mega)
    assert found is not None
    assert found.factor < 1e-8
    with pytest.raises(UnitError):
        conversion(milli.upper() if milli.upper() not in (milli, mega) else milli.lower(), mega)


@pytest.mark.parametrize(
    ("sent", "wanted", "factor"),
    [
        ("ft", "m", 0.3048),
        ("inch", "mm", 25.4),
        ("gallon/minute", "m³/h", 0.227124707),
        ("ft^3", "m³", 0.0283168466),
    ],
)
def test_pint_answers_the_rest(sent: str, wanted: str, factor: float) -> None:
    """An imported meter's unit is no reason to lose its values."""
    found = conversion(sent, wanted)
    assert found is not None
    assert isclose(found.factor, factor, rel_tol=1e-8)
    assert found.offset == 0


def _by_dimension() -> list[list[str]]:
    found = defaultdict(list)
    for spelling, unit in units._units()[0].items():
        found[unit.dimension].append(spelling)
    return list(found.values())


def _applied(change: Conversion | None, value: float) -> float:
    return value if change is None else value * change.factor + change.offset


@given(st.data(), st.floats(-1e6, 1e6))
def test_there_and_back(data: st.DataObject, value: float) -> None:
    """Any two units of one dimension convert, and back again to the same value."""
    spellings = data.draw(st.sampled_from(_by_dimension()))
    one, other = data.draw(st.sampled_from(spellings)), data.draw(st.sampled_from(spellings))
    there = _applied(conversion(one, other), value)
    assert isclose(_applied(conversion(other, one), there), value, rel_tol=1e-9, abs_tol=1e-6)


@given(st.data())
def test_dimensions_do_not_mix(data: st.DataObject) -> None:
    """Two dimensions convert only where the module says why."""
    known = units._units()[0]
    one, other = (
        data.draw(st.sampled_from(sorted(known))),
        data.draw(st.sampled_from(sorted(known))),
    )
    pair = (known[one].dimension, known[other].dimension)
    if pair[0] != pair[1] and pair not in units._READ_AS:
        with pytest.raises(UnitError):
            conversion(one, other)


@given(st.text(max_size=40), st.sampled_from(["m", "µg/m³", "°C", ""]))
def test_any_text_has_an_answer(sent: str, wanted: str) -> None:
    """A device may send anything as a unit; it is known, or it is a UnitError."""
    try:
        found = conversion(sent, wanted)
    except UnitError:
        return
    assert found is None or isinstance(found, Conversion)


def test_pint_is_not_loaded_for_common_units() -> None:
    """Starting a process costs no second for units that the table answers."""
    script = (
        "import sys; from ioc.units import conversion, UnitError\n"
        "conversion('ug/m3', 'µg/m³'); conversion('F', '°C')\n"
        "try: conversion('ppm', 'µg/m³')\n"
        "except UnitError: pass\n"
        "sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
