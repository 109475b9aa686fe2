"""Dragino: fixed big-endian frames (their user manuals and published decoders)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Final

from ingest.codec import Ignored
from ingest.reading.devices import Device, Part, Reading
from ioc.domain.errors import PayloadError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Quality

_DATA: Final = 2  # fPort of measurements
_ABOUT: Final = 5  # fPort of the firmware's version and band
_NO_PROBE: Final = 0x7FFF  # a probe that is not there reads as this temperature
_NO_HUMIDITY: Final = 0xFFFF
_CELSIUS: Final = "°C"
_RECORD: Final = 11  # bytes of a LHT65 frame, and of each record of its data log
_CONFIG_MODE: Final = 31  # an LSN50 answers a question after its settings
_NEAREST: Final = 280  # mm; below it an LDDS75 does not measure, and sends 20 or 0 (no sensor)


def lht65(frame: bytes, port: int) -> list[Part]:
    """Decode temperature and humidity with an optional probe (LHT65). Bit 7: no probe."""
    return _lht65(frame, port, log=0x40)


def lht65n(frame: bytes, port: int) -> list[Part]:
    """Decode an LHT65N: bit 7 of the status byte marks records sent again, as bit 6 does."""
    return _lht65(frame, port, log=0xC0)


def _lht65(frame: bytes, port: int, log: int) -> list[Part]:
    if port == _ABOUT:
        return [Ignored("metadata")]
    if port != _DATA or len(frame) < _RECORD:
        return [_bad(frame, port)]
    if not frame[6] & log:
        return _lht65_now(frame)
    found: list[Part] = []
    for at in range(0, len(frame) - _RECORD + 1, _RECORD):
        found += _lht65_past(frame[at : at + _RECORD])
    if len(frame) % _RECORD:
        found.append(_bad(frame[-(len(frame) % _RECORD) :], port))
    return found


def _lht65_now(frame: bytes) -> list[Part]:
    kind = frame[6] & 0x0F
    time = Micros(_u32(frame, 7) * SECOND) if kind in (9, 10) else None
    found: list[Part] = []
    if time is not None:
        found.append(_celsius("TempC_DS" if kind == 9 else "TempC_TMP117", frame, 0, time=time))  # noqa: PLR2004
        status = frame[4] >> 6
    else:
        found.append(Reading("BatV", (_u16(frame, 0) & 0x3FFF) / 1000, "V"))
        status = frame[0] >> 6
    found.append(Reading("Bat_status", float(status), None, time))
    if kind == 15:  # noqa: PLR2004  the probe's serial number stands where values do
        return [*found, Ignored("metadata")]
    found.append(_celsius("TempC_SHT", frame, 2, time=time))
    found.append(Reading("Hum_SHT", (_u16(frame, 4) & 0x0FFF) / 10, "%", time))
    return found + _probe(kind, frame, 7, connected=not frame[6] & 0x80)


def _probe(kind: int, frame: bytes, at: int, *, connected: bool) -> list[Part]:  # noqa: PLR0911  a table of the manual
    if not connected:
        name = {1: "TempC_DS", 2: "TempC_TMP117", 5: "ILL_lx", 6: "ADC_V"}.get(kind)
        return [] if name is None else [_fault(name, LHT65.units[name])]
    match kind:
        case 1 | 2:
            return [_celsius("TempC_DS" if kind == 1 else "TempC_TMP117", frame, at)]
        case 4:
            level, status = frame[at] != 0, frame[at + 1] != 0
            return [Reading("Exti_pin_level", float(level)), Reading("Exti_status", float(status))]
        case 5:
            return [Reading("ILL_lx", float(_u16(frame, at)), "lx")]
        case 6:
            return [Reading("ADC_V", _u16(frame, at) / 1000, "V")]
        case 7:
            return [Reading("Exit_count", float(_u16(frame, at)))]
        case 8:
            return [Reading("Exit_count", float(_u32(frame, at)))]
        case 11:
            humidity = Reading("Ext_Hum_SHT", (_u16(frame, at + 2) & 0x0FFF) / 10, "%")
            return [_celsius("Ext_TempC_SHT", frame, at), humidity]
    return []


def _lht65_past(record: bytes) -> list[Part]:
    """Decode a record of the data log: the probe's two bytes stand first, the time last."""
    time = Micros(_u32(record, 7) * SECOND)
    kind = {9: 1, 10: 2, 8: 7}.get(record[6] & 0x0F, record[6] & 0x0F)
    probe = _probe(kind, record, 0, connected=True) if kind < _RECORD else []
    values = [
        *probe,
        _celsius("TempC_SHT", record, 2),
        Reading("Hum_SHT", (_u16(record, 4) & 0x0FFF) / 10, "%"),
    ]
    return [one._replace(time=time, historical=True) for one in values if isinstance(one, Reading)]


def lsn50(frame: bytes, port: int) -> list[Part]:
    """Decode an LSN50 (v2) in each of its working modes."""
    if port == _ABOUT:
        return [Ignored("metadata")]
    if port != _DATA or len(frame) < _RECORD:
        return [_bad(frame, port)]
    mode = (frame[6] & 0x7C) >> 2
    if mode == _CONFIG_MODE:
        return [Ignored("metadata")]
    if len(frame) < {2: 12, 8: 17}.get(mode, _RECORD):
        return [_bad(frame, port)]
    found = _lsn50_head(frame, mode)
    if mode not in _LSN50_MODES:
        return [*found, PayloadError("bad_frame", f"{mode=}")]
    return found + _LSN50_MODES[mode](frame)


def _lsn50_head(frame: bytes, mode: int) -> list[Part]:
    found: list[Part] = [Reading("Digital_IStatus", float(bool(frame[6] & 0x02)))]
    if mode != 2:  # noqa: PLR2004  three voltages stand there
        found.append(Reading("BatV", _u16(frame, 0) / 1000, "V"))
        found.append(_celsius("TempC1", frame, 2, 10))
        if mode != 8:  # noqa: PLR2004  a second temperature stands there
            found.append(Reading("ADC_CH0V", _u16(frame, 4) / 1000, "V"))
    if mode not in (5, 6):
        found.append(Reading("EXTI_Trigger", float(frame[6] & 0x01)))
        found.append(Reading("Door_status", float(bool(frame[6] & 0x80))))
    return found


def _distance(frame: bytes) -> list[Part]:
    far = _u16(frame, 7)
    return [Reading("Distance_cm", far / 10, "cm") if far else _fault("Distance_cm", "cm")]


def _three_voltages(frame: bytes) -> list[Part]:
    found: list[Part] = [Reading("BatV", frame[11] / 10, "V")]
    for number, at in ((0, 0), (1, 2), (4, 4)):
        found.append(Reading(f"ADC_CH{number}V", _u16(frame, at) / 1000, "V"))
    return found + _i2c(frame)


def _weight(frame: bytes) -> list[Part]:
    return [Reading("Weight", float(int.from_bytes(frame[9:11] + frame[7:9], signed=True)), "g")]


def _two_voltages(frame: bytes) -> list[Part]:
    pairs = (("ADC_CH1V", 7), ("ADC_CH4V", 9))
    return [Reading(name, _u16(frame, at) / 1000, "V") for name, at in pairs]


def _two_counts(frame: bytes) -> list[Part]:
    counts = [Reading(name, float(_u32(frame, at))) for name, at in (("Count1", 9), ("Count2", 13))]
    return [_celsius("TempC2", frame, 4, 10), _celsius("TempC3", frame, 7, 10), *counts]


def _i2c(frame: bytes) -> list[Part]:
    """Decode what hangs on the I²C pins: light where the humidity is 0, else SHT20/31."""
    humidity = _u16(frame, 9)
    if humidity == 0:
        return [Reading("Illum", float(_u16(frame, 7)), "lx")]
    no_sensor = _u16(frame, 7) == 0xFFFF  # noqa: PLR2004
    air = _fault("TempC_SHT", _CELSIUS) if no_sensor else _celsius("TempC_SHT", frame, 7, 10)
    if humidity == _NO_HUMIDITY:
        return [air, _fault("Hum_SHT", "%")]
    return [air, Reading("Hum_SHT", humidity / 10, "%")]


def _interrupts(frame: bytes) -> list[Part]:
    found: list[Part] = []
    for number, at, trigger, status in ((1, 6, 0x01, 0x80), (2, 7, 0x10, 0x01), (3, 8, 0x10, 0x01)):
        found.append(Reading(f"EXTI{number}_Trigger", float(bool(frame[at] & trigger))))
        found.append(Reading(f"EXTI{number}_Status", float(bool(frame[at] & status))))
    return found


_LSN50_MODES: Final[Mapping[int, Callable[[bytes], list[Part]]]] = {
    0: _i2c,
    1: _distance,
    2: _three_voltages,
    3: lambda frame: [_celsius("TempC2", frame, 7, 10), _celsius("TempC3", frame, 9, 10)],
    4: _weight,
    5: lambda frame: [Reading("Count", float(_u32(frame, 7)))],
    6: _interrupts,
    7: _two_voltages,
    8: _two_counts,
}


def ldds75(frame: bytes, port: int) -> list[Part]:
    """Decode the ultrasonic distance sensor LDDS75 (8 bytes; 5 in its older firmware)."""
    if port == _ABOUT:
        return [Ignored("metadata")]
    if port != _DATA or len(frame) not in (5, 8):
        return [_bad(frame, port)]
    far = _u16(frame, 2)
    distance = _fault("Distance", "mm") if far < _NEAREST else Reading("Distance", float(far), "mm")
    found: list[Part] = [Reading("Bat", (_u16(frame, 0) & 0x3FFF) / 1000, "V"), distance]
    found.append(Reading("Interrupt_flag", float(frame[4])))
    if len(frame) == 8:  # noqa: PLR2004
        found.append(_celsius("TempC_DS18B20", frame, 5, 10))
        found.append(Reading("Sensor_flag", float(frame[7])))
    return found


def _u16(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + 2])


def _u32(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + 4])


def _celsius(
    name: str, frame: bytes, at: int, divisor: int = 100, time: Micros | None = None
) -> Reading:
    raw = int.from_bytes(frame[at : at + 2], signed=True)
    if raw == _NO_PROBE:
        return _fault(name, _CELSIUS)._replace(time=time)
    return Reading(name, raw / divisor, _CELSIUS, time)


def _fault(name: str, unit: str | None) -> Reading:
    return Reading(name, nan, unit, quality=Quality.FAULT)


def _bad(frame: bytes, port: int) -> PayloadError:
    return PayloadError("bad_frame", f"fPort {port}, {len(frame)} bytes: {frame[:16].hex()}")


_LHT65_UNITS: Final = {
    "BatV": "V", "Bat_status": None, "TempC_SHT": _CELSIUS, "Hum_SHT": "%", "TempC_DS": _CELSIUS,
    "TempC_TMP117": _CELSIUS, "ILL_lx": "lx", "ADC_V": "V", "Exit_count": None,
    "Ext_TempC_SHT": _CELSIUS, "Ext_Hum_SHT": "%",
}  # fmt: skip
_LSN50_UNITS: Final = {
    "BatV": "V", "TempC1": _CELSIUS, "TempC2": _CELSIUS, "TempC3": _CELSIUS, "TempC_SHT": _CELSIUS,
    "Hum_SHT": "%", "Illum": "lx", "Distance_cm": "cm", "ADC_CH0V": "V", "ADC_CH1V": "V",
    "ADC_CH4V": "V", "Weight": "g", "Count": None, "Count1": None, "Count2": None,
}  # fmt: skip
LHT65: Final = Device(lht65, _LHT65_UNITS)
LHT65N: Final = Device(lht65n, _LHT65_UNITS)
LSN50: Final = Device(lsn50, _LSN50_UNITS)
LDDS75: Final = Device(
    ldds75, {"Bat": "V", "Distance": "mm", "TempC_DS18B20": _CELSIUS, "Interrupt_flag": None}
)
