"""SenML (RFC 8428), JSON and CBOR, which the first byte tells apart.

The thing is the base name as it stands when a record comes, the datastream the record's own name
("" where it has none). A pack without a base name belongs to the thing that the topic names: the
last level, or the option `thing`. Names may hold what the RFC allows (A-Z a-z 0-9 - : . / _).

A number is the record's value plus the base value. `s` is the sum of a datastream over time and
comes out as `<datastream>/sum`, in the unit times seconds (RFC 8428 4.2). `vb` is 0/1 and takes no
base unit (a door has no %RH); `vs` and `vd` are ignored as texts, `ut` says nothing of a value. A
null, which the RFC does not know, is a missing value.

Times below 2**28 count from the arrival: they say when by our clock, as TIME_RECEIVED tells. What
a record breaks is refused alone; a broken base field refuses every record that needs it; `bver`
above 10 refuses the pack, a label that ends in "_" (it must be understood) its record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import floor, isfinite, isnan, nan
from typing import Any, Final, Literal

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Ignored, Message, Outcome
from ingest.reading import cbor, paths
from ingest.reading.deletions import unless_empty
from ingest.reading.json_values import MAX_RECORDS, read
from ingest.reading.json_values import parse as parse_json
from ingest.reading.options import read_options
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Decoded, Flag, Quality

VERSION: Final = 10
_RELATIVE_BELOW: Final = 1 << 28
_FURTHEST: Final = 1e12  # s: the year 33,658; beyond it is no time, and arithmetic gets slow
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_TAIL: Final = re.compile(r"[A-Za-z0-9\-:./_]*")  # a part that something stands before
_SHOWN: Final = 80
_CBOR: Final = frozenset({*range(0x80, 0xA0), 0xD9})  # an array, or the mark of CBOR itself
_SUM: Final = "/sum"
_VALUES: Final = ("v", "vb", "vs", "vd")
_BASES: Final = ("bn", "bt", "bu", "bv", "bs")
_LABELS: Final[Mapping[int, str]] = {  # RFC 8428, table 4
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip

Record = Mapping[str, Any]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file that names this codec. `thing`: parts of the topic in braces."""

    encoding: Literal["auto", "json", "cbor"] = "auto"
    thing: str | None = None


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Compile the options of a feed. Raises ConfigError; see `Options` for what there is."""
    wanted = read_options(options, Options)
    if wanted.thing is not None and "{" not in wanted.thing:
        raise ConfigError(f"thing {wanted.thing!r}: name a part of the topic in braces")
    return Codec(unless_empty(_Reader(wanted, feed).decode))


class _Reader:
    """A feed's options, compiled."""

    def __init__(self, options: Options, feed: FeedView) -> None:
        self._encoding = options.encoding
        self._named = None if options.thing is None else paths.name(options.thing, feed.names)
        self._last = paths.name("{last}", ["last"])

    def decode(self, message: Message) -> Decoding:
        """Read one pack; PayloadError when nothing in it can be read."""
        pack = _Pack(message.received, lambda: self._thing(message))
        found = Decoding()
        for record in _records(self._parse(message.payload)):
            pack.read(record, found.outcomes)
        return found

    def _parse(self, payload: bytes) -> Any:  # noqa: ANN401  JSON or CBOR
        binary = payload[0] in _CBOR if self._encoding == "auto" else self._encoding == "cbor"
        return cbor.parse(payload) if binary else parse_json(payload)

    def _thing(self, message: Message) -> str:
        if self._named is not None:
            return self._named(message.parts, None, None)
        return self._last({"last": message.topic.rsplit("/", 1)[-1]}, None, None)


def _records(pack: Any) -> list[Any]:  # noqa: ANN401  JSON or CBOR
    """Return the records of a pack, their labels as words. PayloadError for the whole pack."""
    if not isinstance(pack, list) or not pack:
        raise PayloadError("not_of_format", "no list of records")
    if len(pack) > MAX_RECORDS:
        raise PayloadError("too_many_records", str(len(pack)))
    records = [_labelled(one) if isinstance(one, dict) else one for one in pack]
    for record in records:
        version = record.get("bver", VERSION) if isinstance(record, dict) else VERSION
        if type(version) is not int or version > VERSION:
            raise PayloadError("not_of_format", f"bver {paths.shown(version)}")
    return records


def _labelled(record: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        key if isinstance(key, str) else _LABELS.get(key, ""): value
        for key, value in record.items()
    }


class _Pack:
    """Reads the records of one pack in turn; what the base fields say holds until they change."""

    def __init__(self, received: Micros, fallback: Callable[[], str]) -> None:
        self._received = received
        self._fallback = fallback
        self._bases: dict[str, Any] = {}

    def read(self, record: Any, out: list[Outcome]) -> None:  # noqa: ANN401  JSON or CBOR
        """Add what a record says, or why it is refused."""
        if not isinstance(record, dict):
            out.append(PayloadError("not_of_format", f"a record is {type(record).__name__}"))
            return
        try:
            self._rebase(record)
            out.extend(self._outcomes(record))
        except PayloadError as error:
            out.append(error)

    def _rebase(self, record: Record) -> None:
        for label in _BASES:
            if label in record:
                try:
                    self._bases[label] = _BASE_READERS[label](record[label])
                except PayloadError as error:
                    self._bases[label] = error
        strange = next((label for label in record if label.endswith("_")), None)
        if strange is not None:
            refusal = PayloadError("not_of_format", f"label {_shown(strange)} is not understood")
            if strange.startswith("b"):  # a base field: it would mean something for all that follow
                self._bases["bn"] = refusal
            raise refusal

    def _base(self, label: str, absent: Any) -> Any:  # noqa: ANN401  by label
        found = self._bases.get(label, absent)
        if isinstance(found, PayloadError):
            raise found
        return found

    def _outcomes(self, record: Record) -> Iterator[Outcome]:
        values = [label for label in _VALUES if label in record]
        if len(values) > 1:
            raise PayloadError("bad_value", " and ".join(values))
        if not values and "s" not in record:
            if record and record.keys() <= _BASES_ALONE:
                return
            raise PayloadError("missing_value", _shown(record.get("n")))
        if values in (["vs"], ["vd"]):
            yield Ignored("text")
        if values in (["v"], ["vb"]):
            yield self._observation(record, values[0], "")
        if "s" in record:
            yield self._observation(record, "s", _SUM)

    def _observation(self, record: Record, label: str, suffix: str) -> Decoded:
        thing, datastream = self._name(record)
        result = self._result(record[label], label, datastream)
        time, flags = self._when(record.get("t"))
        unit = self._unit(record, label)
        quality = Quality.MISSING if isnan(result) else Quality.GOOD
        return Decoded(thing, datastream + suffix, time, result, unit, quality, flags)

    def _name(self, record: Record) -> tuple[str, str]:
        base = self._base("bn", "")
        own = record.get("n")
        own = "" if own is None else own
        if not isinstance(own, str) or not (_TAIL if base or not own else _NAME).fullmatch(own):
            raise PayloadError("bad_thing", f"n: {_shown(own)}")
        if len(own) > paths.MAX_NAME - len(_SUM):
            raise PayloadError("bad_thing", f"n: {own[:_SHOWN]}")
        if base:
            return base, own
        if not own:
            raise PayloadError("unnamed_channel")
        return self._fallback(), own

    def _result(self, raw: Any, label: str, datastream: str) -> float:  # noqa: ANN401  JSON or CBOR
        place = datastream or label
        if label == "vb":
            if raw is not None and not isinstance(raw, bool):
                raise PayloadError("bad_value", f"{place}: {type(raw).__name__}")
            return nan if raw is None else float(raw)
        added: float = self._base("bv" if label == "v" else "bs", 0.0)
        result = _number(raw, place) + added
        if isfinite(result) or isnan(result):
            return result
        raise PayloadError("bad_value", f"{place}: {result}")

    def _when(self, raw: Any) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON or CBOR
        moment = self._base("bt", 0) + _seconds(raw)
        if moment == 0:
            return None, Flag.NONE
        micros = floor(moment * SECOND)
        if moment >= _RELATIVE_BELOW:
            return Micros(micros), Flag.NONE
        return Micros(self._received + micros), Flag.TIME_RECEIVED

    def _unit(self, record: Record, label: str) -> str | None:
        own = record.get("u")
        unit = None if own is None else _text(own)
        if unit is None and label != "vb":
            unit = self._base("bu", None)
        return f"{unit}*s" if unit and label == "s" else unit


def _number(raw: Any, place: str) -> float:  # noqa: ANN401  JSON or CBOR
    if raw is None or (isinstance(raw, (int, float)) and not isinstance(raw, bool)):
        return read(raw, None)
    raise PayloadError("bad_value", f"{place}: {type(raw).__name__}")


def _seconds(raw: Any) -> int | Decimal:  # noqa: ANN401  JSON or CBOR
    """Return a count of seconds exactly: what a double's shortest form says, not its last bit."""
    if raw is None:
        return 0
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not abs(raw) < _FURTHEST:
        raise PayloadError("bad_time", type(raw).__name__)
    return raw if isinstance(raw, int) else Decimal(repr(raw))


def _text(raw: Any) -> str | None:  # noqa: ANN401  JSON or CBOR
    longest = paths.MAX_UNIT - len("*s")  # what a sum adds
    if isinstance(raw, str) and raw.isprintable() and len(raw) <= longest:
        return raw.strip() or None
    raise PayloadError("bad_value", f"unit: {_shown(raw)}")


def _base_name(raw: Any) -> str:  # noqa: ANN401  JSON or CBOR
    if isinstance(raw, str) and len(raw) <= paths.MAX_NAME and (not raw or _NAME.fullmatch(raw)):
        return raw
    raise PayloadError("bad_thing", f"bn: {_shown(raw)}")


def _shown(raw: Any) -> str:  # noqa: ANN401  JSON or CBOR
    """Return something short for a refusal; a deep list is never written out."""
    return ascii(raw[:_SHOWN]) if isinstance(raw, str) else type(raw).__name__


_BASES_ALONE: Final = frozenset({*_BASES, "bver"})
_BASE_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "bn": _base_name,
    "bt": _seconds,
    "bu": _text,
    "bv": lambda raw: _number(raw, "bv"),
    "bs": lambda raw: _number(raw, "bs"),
}
