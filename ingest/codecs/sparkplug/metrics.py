"""One metric of a Sparkplug payload -> an outcome: its name, value, unit, quality and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, isnan, nan
from typing import Any, Final

from ingest.codec import Ignored, Outcome
from ingest.codecs.sparkplug.nodes import Announced
from ingest.codecs.sparkplug.wire import DataType, Metric, Payload
from ingest.reading import paths
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros, bounded
from ioc.domain.observation import Decoded, Flag, Quality

_CONTROL: Final = ("Node Control/", "Device Control/")
_BDSEQ: Final = "bdSeq"
INTEGERS: Final = frozenset({"int_value", "long_value"})
_NO_VALUES: Final = frozenset({"bytes_value", "extension_value"})
# What holds several values under one name: their places in the catalogue are nobody's to guess.
_WHOLES: Final[Mapping[str | int, Ignored]] = {
    "dataset_value": Ignored("dataset"),
    DataType.DATASET: Ignored("dataset"),
    "template_value": Ignored("template"),
    DataType.TEMPLATE: Ignored("template"),
}
_TEXTS: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
_SIGN_BITS: Final[Mapping[int, int]] = {
    DataType.INT8: 7,
    DataType.INT16: 15,
    DataType.INT32: 31,
    DataType.INT64: 63,
}
_UNIT_KEYS: Final = frozenset({"engunit", "engunits", "unit", "units"})
_QUALITIES: Final = {192: Quality.GOOD, 0: Quality.FAULT, 500: Quality.SUSPECT}
_SHOWN: Final = 80  # characters of a bad name in a refusal


def micros(sent: Metric | Payload) -> Micros | None:
    """Return the time of a metric or a payload, None where it names none."""
    return bounded(sent.timestamp * 1000) if sent.HasField("timestamp") else None


def bdseq_of(payload: Payload) -> int | None:
    for metric in payload.metrics:
        if metric.name == _BDSEQ:
            field = metric.WhichOneof("value")
            return getattr(metric, field) if field in INTEGERS else None
    return None


def name_of(metric: Metric) -> str:
    """Return a metric's name. PayloadError unnamed_channel, not_utf8, bad_thing."""
    name = metric.name
    if isinstance(name, bytes):
        raise PayloadError("not_utf8", repr(name[:_SHOWN]))
    if not name.strip():
        raise PayloadError("unnamed_channel", f"alias {metric.alias}")
    if len(name) > paths.MAX_NAME or not name.isprintable():
        raise PayloadError("bad_thing", name[:_SHOWN].encode("unicode_escape").decode())
    return name


def outcome(thing: str, announced: Announced, metric: Metric, payload: Payload) -> Outcome:
    name = announced.name
    if name == _BDSEQ or name.startswith(_CONTROL):
        return Ignored("metadata")
    if metric.is_transient:
        return Ignored("unused")
    result = _value(metric, metric.datatype or announced.datatype, name)
    if isinstance(result, Ignored):
        return result
    quality = _quality(metric)
    if quality is Quality.GOOD and isnan(result):
        quality = Quality.MISSING
    time = micros(metric if metric.HasField("timestamp") else payload)
    flags = Flag.HISTORICAL if metric.is_historical else Flag.NONE
    return Decoded(thing, name, time, result, unit_of(metric) or announced.unit, quality, flags)


def _value(metric: Metric, datatype: int, name: str) -> float | Ignored:
    """Return a number, NaN for none; texts and what is no single value are ignored."""
    field = metric.WhichOneof("value")
    if datatype in _TEXTS or field == "string_value":
        return Ignored("text")
    kept = _WHOLES.get(field or "") or _WHOLES.get(datatype)
    if kept is not None:
        return kept
    if datatype > DataType.UUID or datatype == DataType.DATETIME or field in _NO_VALUES:
        return Ignored("unused")
    if metric.is_null or field is None:
        return nan
    raw = getattr(metric, field)
    if datatype == DataType.BOOLEAN:
        return float(bool(raw))
    value = float(_signed(raw, datatype) if field in INTEGERS else raw)
    if not isfinite(value) and not isnan(value):
        raise PayloadError("bad_value", f"{name}: {value}")
    return value


def _signed(raw: int, datatype: int) -> int:
    """Return an integer as its datatype means it: -5 as Int32 travels as 4294967291."""
    bits = _SIGN_BITS.get(datatype)
    if bits is None:
        return raw
    sign = 1 << bits
    return (raw & (sign - 1)) - (raw & sign)


def unit_of(metric: Metric) -> str | None:
    for key, value in _properties(metric):
        if key in _UNIT_KEYS and isinstance(value, str) and value.isprintable() and value.strip():
            return value.strip()[:_SHOWN]
    return None


def _quality(metric: Metric) -> Quality:
    for key, value in _properties(metric):
        if key == "quality" and value is not None:
            return _QUALITIES.get(value, Quality.SUSPECT)
    return Quality.GOOD


def _properties(metric: Metric) -> Iterator[tuple[str, Any]]:
    """Yield the properties of a metric by name in small letters, None where they have no value."""
    if not metric.HasField("properties"):
        return
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        field = value.WhichOneof("value")
        if isinstance(key, str):
            yield key.casefold(), getattr(value, field) if field and not value.is_null else None
