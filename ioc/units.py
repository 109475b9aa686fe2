"""Units as devices write them, and the way from one to another.

A table of exact fractions answers what devices of a province send; pint answers the rest, and is
imported only then (about a second).

What is deliberately no conversion (UnitError): ppm to µg/m³ needs the molar mass and the
temperature; ppm to mg/L needs the water's density; a concentration in the actual volume (m³) says
nothing of one in the normal volume (Nm³) while the temperature of the gas is unknown. The other
way round it does here: the catalogue's concentrations in µg/m³ are those of QCVN 05:2023/BTNMT,
which are meant at 25 °C and 760 mmHg, and that is what Nm³ means in Viet Nam. A sound level in dB
without a letter is taken as A-weighted, as data sheets and reports here write it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

# Units come from devices, so the cache is bounded: a broken one invents a new text each second.
_REMEMBERED: Final = 4096
_LONGEST: Final = 32  # characters; beyond it is no unit
# What pint may read: names with small exponents, joined by * and /. Its own grammar also knows
# numbers and nested powers, which a device could use to keep us busy.
_FOR_PINT: Final = re.compile(
    r"[a-z_]{1,20}(\^[23])?([*/][a-z_]{1,20}(\^[23])?){0,3}", re.IGNORECASE
)
_PINT_NAMES: Final = {"°C": "degC", "°": "degree"}


class UnitError(Exception):
    """A unit that nobody knows, or that is of another dimension than the wanted one."""


class Conversion(NamedTuple):
    """`wanted = sent * factor + offset`."""

    factor: float
    offset: float


class _Unit(NamedTuple):
    """`base = value * factor + offset`, exactly."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


# dimension: one unit a line, `factor[+offset]` to the dimension's base, then its spellings.
# Spellings are compared without spaces, with µ and μ as u, and ² ³ as 2 3. Some are there only so
# that case tells them apart: mm3 and Mm3, mPa and MPa, S and s.
_TABLE: Final = """
number: 1 1 - -- none count counts pcs pH /1 ratio index UVindex UVI unitless lượt xe person people
fraction: 1 % %RH %rH %r.H. %R.H. RH% %EL %vol vol% %v/v percent pct /100
fraction: 1/10 ‰ ppt psu PSU permille /1000
fraction: 1/10000 ppm ppmv
fraction: 1/10000000 ppb ppbv
fraction: 100 /
temperature: 1 °C C Cel oC degC ºC ˚C degreeC degreesC celsius
temperature: 1-273.15 K °K kelvin
temperature: 5/9-160/9 °F F oF degF ºF degreesF fahrenheit
length: 1 m met meter metre meters metres
length: 1/10 dm
length: 1/100 cm
length: 1/1000 mm
length: 1/1000000 um micron
length: 1000 km
area: 1 m2
area: 10000 ha
area: 1000000 km2
volume: 1 m3 cbm khối
volume: 1/1000 L lit lít liter litre liters litres dm3
volume: 1/1000000 mL cm3 cc
volume: 1/1000000000 mm3
volume: 1000000 triệum3 trm3 10^6m3 106m3 Mm3 millionm3 hm3
speed: 1 m/s mps
speed: 1/3.6 km/h kph kmh km/giờ
speed: 1.852/3.6 kn kt knot knots kts
speed: 0.44704 mph mi/h
speed: 1/100 cm/s
rate: 1 mm/h mmh mm/hr mm/giờ mm/hour
rate: 1/24 mm/d mm/day mm/ngày
time: 1 s sec secs second seconds giây
time: 1/1000 ms msec
time: 1/1000000 us
time: 60 min mins minute minutes phút
time: 3600 h hr hrs hour hours giờ
time: 86400 d day days ngày
mass: 1 kg
mass: 1/1000 g
mass: 1/1000000 mg
mass: 1000 t tấn ton tonne tonnes
mass_per_volume: 1 ug/m3 ug/cbm mcg/m3 ugm-3 ug.m-3 ug*m-3
mass_per_volume: 1000 mg/m3 ug/L ug/lit
mass_per_volume: 1000000 mg/L g/m3 mg/lit mg/lít mgl mg/dm3 mgL-1 mg.L-1 mg*L-1
mass_per_volume: 1000000000 g/L kg/m3
mass_per_volume: 1/1000 ng/m3
mass_per_normal: 1 ug/Nm3 ugNm3
mass_per_normal: 1000 mg/Nm3 mgNm3
mass_per_normal: 1000000 g/Nm3
flow: 1 m3/h m3h m3.h-1 m3*h-1 m3/hr m3/giờ cbm/h m3/hour
flow: 3600 m3/s m3s m3.s-1 m3*s-1 cms m3/giây m3/sec
flow: 1/24 m3/d m3/day m3/ngày m3/ngđ m3/ngàyđêm
flow: 60 m3/min m3/phút
flow: 3.6 L/s lps lit/s lít/s L/giây
flow: 0.06 L/min lpm lit/min lít/phút L/phút
flow: 0.001 L/h lph lit/h lít/h
normal_flow: 1 Nm3/h Nm3/hr Nm3/giờ
normal_flow: 3600 Nm3/s
normal_flow: 1/24 Nm3/d Nm3/day
pressure: 1 Pa
pressure: 1/1000 mPa
pressure: 100 hPa mbar mb millibar
pressure: 1000 kPa
pressure: 100000 bar barg
pressure: 1000000 MPa
pressure: 101325 atm
pressure: 133.322387415 mmHg
pressure: 9806.65 mH2O mca
pressure: 98066.5 kg/cm2 kgf/cm2 kG/cm2
pressure: 6894.757293168361 psi
turbidity: 1 NTU FNU FTU
conductivity: 1 uS/cm
conductivity: 1000 mS/cm dS/m
conductivity: 10000 S/m
conductivity: 10 mS/m
color: 1 Pt-Co PtCo Pt/Co TCU Hazen mg/LPt-Co mgPt/L
germs: 1 MPN/100mL CFU/100mL
sound: 1 dBA dB(A) dBa LAeq
level: 1 dB
level: 10 Bspl
power_level: 1 dBm
illuminance: 1 lx lux
illuminance: 1000 klx klux
irradiance: 1 W/m2
irradiance: 1000 kW/m2
electric_field: 1 V/m
dose_rate: 1 uSv/h
dose_rate: 1/1000 nSv/h
voltage: 1 V volt volts vôn
voltage: 1/1000 mV
voltage: 1000 kV
current: 1 A amp amps ampere
current: 1/1000 mA
current: 1000 kA
charge: 1 Ah
charge: 1/1000 mAh
resistance: 1 Ohm Ω ohms
resistance: 1000 kOhm kΩ
power: 1 W watt watts
power: 1/1000 mW
power: 1000 kW
power: 1000000 MW
apparent: 1 VA
apparent: 1/1000 mVA
apparent: 1000 kVA
apparent: 1000000 MVA
reactive: 1 var VAr
reactive: 1/1000 mvar
reactive: 1000 kvar kVAr
reactive: 1000000 Mvar MVAr
energy: 1 Wh
energy: 1/1000 mWh
energy: 1000 kWh kWhr
energy: 1000000 MWh
energy: 1/3600 J Ws
energy: 1/3600000 mJ
energy: 1000/3600 kJ
energy: 1000000/3600 MJ
frequency: 1 Hz 1/s
frequency: 1/1000 mHz
frequency: 1000 kHz
frequency: 1000000 MHz
frequency: 1/60 rpm 1/min
per_hour: 1 1/h veh/h vehicles/h xe/h xe/giờ pcu/h
per_hour: 60 veh/min xe/phút
angle: 1 ° deg degree degrees độ
fps: 1 fps frames/s
bits: 1 bit/s bps
size_in_bits: 1 bit b
bits: 1000 kbit/s kbps Kbps
bits: 1000000 Mbit/s Mbps
bits: 1000000000 Gbit/s Gbps
bytes: 1 B byte bytes
bytes: 1024 KiB
bytes: 1048576 MiB
bytes: 1073741824 GiB
bytes: 1000 kB KB
bytes: 1000000 MB
bytes: 1000000000 GB
acceleration: 1 m/s2
conductance: 1 S siemens
flux_density: 1 T tesla
acceleration: 9.80665 gee
"""

# (sent, wanted): the first may be read as the second, never the other way round.
_READ_AS: Final = {("mass_per_normal", "mass_per_volume"), ("level", "sound")}


def conversion(sent: str | None, wanted: str) -> Conversion | None:
    """Return how to convert, None where the number stays (the same unit, or none sent).

    Raises UnitError.
    """
    if sent is None or sent == wanted:
        return None
    found = _answer(sent, wanted)
    if isinstance(found, UnitError):
        raise found
    return found


def is_known(unit: str) -> bool:
    """Say whether the table has a unit."""
    return _find(unit) is not None


@lru_cache(maxsize=_REMEMBERED)
def _answer(sent: str, wanted: str) -> Conversion | UnitError | None:
    """Return what `conversion` says; a refusal is remembered like any other answer."""
    have, want = _find(sent), _find(wanted)
    if have is None or want is None:
        found = _by_pint(sent, wanted)
    elif have.dimension == want.dimension or (have.dimension, want.dimension) in _READ_AS:
        factor = have.factor / want.factor
        offset = (have.offset - want.offset) / want.factor
        found = Conversion(float(factor), float(offset))
    else:
        found = UnitError(f"{sent[:_LONGEST]} -> {wanted}")
    return None if found == (1.0, 0.0) else found


def _folded(text: str) -> str:
    """Return a spelling without what differs between keyboards; compatibility forms are undone."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    for odd, usual in (
        ("μ", "u"),
        ("·", "*"),
        ("⋅", "*"),
        ("−", "-"),
        ("**", "^"),
        ("^3", "3"),
        ("^2", "2"),
    ):
        plain = plain.replace(odd, usual)
    return plain


def _find(text: str) -> _Unit | None:
    if len(text) > _LONGEST:
        return None
    known, loose = _units()
    folded = _folded(text)
    return known.get(folded) or loose.get(folded.casefold())


@cache
def _units() -> tuple[dict[str, _Unit], dict[str, _Unit]]:
    """Return the table by spelling, and by spelling without case where that is unambiguous.

    "mW" and "MW" stay two units; "KWH", "ntu" and "M3/H" are what they look like.
    """
    known = {"": _Unit("number", Fraction(1)), **dict(_rows())}
    loose: dict[str, _Unit] = {}
    ambiguous = set()
    for spelling, unit in known.items():
        key = spelling.casefold()
        if loose.setdefault(key, unit) != unit:
            ambiguous.add(key)
    return known, {key: unit for key, unit in loose.items() if key not in ambiguous}


def _rows() -> Iterator[tuple[str, _Unit]]:
    for line in _TABLE.strip().splitlines():
        dimension, _, rest = line.partition(": ")
        number, *spellings = rest.split()
        unit = _Unit(dimension, *_affine(number))
        for spelling in spellings:
            yield _folded(spelling), unit


def _affine(number: str) -> tuple[Fraction, Fraction]:
    """Read "5/9-160/9": a factor and an offset, each a fraction of decimals."""
    factor, minus, offset = number.partition("-")
    return _fraction(factor), -_fraction(offset) if minus else Fraction(0)


def _fraction(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or 1)


@lru_cache(4096)  # a device may send any text as a unit
def way(sent: str, wanted: str) -> tuple[float, float, bool]:
    """Return factor, offset and whether the sent unit makes no sense here ("" : none was sent)."""
    try:
        change = conversion(sent or None, wanted)
    except UnitError:
        return 1.0, 0.0, True
    return (1.0, 0.0, False) if change is None else (change.factor, change.offset, False)


def _by_pint(sent: str, wanted: str) -> Conversion | UnitError:
    """Ask pint; a UnitError where it does not know a unit, or cannot convert."""
    refused = UnitError(f"{sent[:_LONGEST]} -> {wanted}")
    ours, theirs = _for_pint(sent), _for_pint(wanted)
    if ours is None or theirs is None:
        return refused
    registry, errors = _registry()
    try:
        zero, one = (float(registry.Quantity(n, ours).to(theirs).magnitude) for n in (0.0, 1.0))
    except errors:
        return refused
    return Conversion(one - zero, zero)


def _for_pint(text: str) -> str | None:
    """Return a spelling that pint reads safely, None where there is none."""
    if len(text) > _LONGEST:
        return None
    folded = _PINT_NAMES.get(text) or re.sub(r"(?<=[a-zA-Z])([23])\b", r"^\1", _folded(text))
    return folded if _FOR_PINT.fullmatch(folded) else None


@cache
def _registry() -> tuple[Any, tuple[type[Exception], ...]]:
    import pint  # noqa: PLC0415  a second, and most processes never need it

    # pint has errors of its own for units, and lets those of its parser through.
    errors = (pint.errors.PintError, AttributeError, ValueError, TypeError, ArithmeticError)
    return pint.UnitRegistry(), errors
