"""SenML: what RFC 8428 says of names, bases, times, sums and versions, and where it ends."""

from __future__ import annotations

import json
import time as clock
from collections.abc import Callable
from math import isnan
from typing import Any, Final, NamedTuple

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Ignored, Message
from ingest.codecs import senml
from ingest.reading import cbor
from ingest.reading.json_values import MAX_RECORDS
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Flag, Quality
from tests.unit.full_counts import examples

NOW: Final = Micros(1_795_311_000_000_000)
BT: Final = 1_795_309_200
NUMBERS: Final = {label: number for number, label in senml._LABELS.items()}


class View(NamedTuple):
    name: str = "senml"
    zone: str = "Asia/Ho_Chi_Minh"
    names: tuple[str, ...] = ("site", "path")


def codec(**options: Any) -> Codec:
    return senml.build(options, View())


def take(payload: bytes, topic: str = "senml/tram-03", **options: Any) -> list[Any]:
    parts = {"site": "A", "path": "b"}
    return list(codec(**options).decode(Message(topic, parts, payload, NOW)).outcomes)


def pack(*records: Any) -> list[Any]:
    """Return what comes of records: the same from JSON and from CBOR with numbers for labels."""
    found = take(json.dumps(records).encode())
    short = [
        {NUMBERS.get(key, key): value for key, value in record.items()}
        if isinstance(record, dict)
        else record
        for record in records
    ]
    binary = take(cbor2.dumps(short))
    assert str(found) == str(binary)
    return found


def refusal(payload: bytes, **options: Any) -> str:
    with pytest.raises(PayloadError) as caught:
        take(payload, **options)
    return caught.value.reason


def reasons(outcomes: list[Any]) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, PayloadError)]


def test_bases_hold_until_they_change() -> None:
    """Base name, time, unit and value add up with the records' own until another comes."""
    found = pack(
        {"bn": "urn:a:", "bt": BT, "bu": "Cel", "bv": 20, "n": "t", "v": 1.5},
        {"n": "t", "v": 2.5, "t": 60, "u": "K"},
        {"bn": "urn:b:", "bv": 0, "n": "t", "v": 3.5},
    )
    assert found == [
        Decoded("urn:a:", "t", Micros(BT * 10**6), 21.5, "Cel"),
        Decoded("urn:a:", "t", Micros((BT + 60) * 10**6), 22.5, "K"),
        Decoded("urn:b:", "t", Micros(BT * 10**6), 3.5, "Cel"),
    ]


def test_a_record_of_bases_alone_says_nothing() -> None:
    """The first record may only set the bases."""
    assert pack({"bn": "urn:a:", "bt": BT, "bver": 10}, {"n": "x", "v": 1}) == [
        Decoded("urn:a:", "x", Micros(BT * 10**6), 1.0)
    ]


def test_without_a_base_name_the_topic_names_the_thing() -> None:
    """The topic's last level is the thing, or what the option says; bases may come later."""
    records: list[Any] = [
        {"n": "x", "v": 1},
        {"bn": "urn:a:", "v": 2},
        {"bn": "", "n": "y", "v": 3},
    ]
    found = pack(*records)
    assert [(one.thing, one.datastream) for one in found] == [
        ("tram-03", "x"),
        ("urn:a:", ""),
        ("tram-03", "y"),
    ]
    found = take(json.dumps(records).encode(), thing="{site}-{path}")
    assert [one.thing for one in found] == ["A-b", "urn:a:", "A-b"]


@pytest.mark.parametrize(
    ("bt", "t", "time", "flags"),
    [
        (0, 0, None, Flag.NONE),
        (0, -10, NOW - 10_000_000, Flag.TIME_RECEIVED),
        (-5, -0.5, NOW - 5_500_000, Flag.TIME_RECEIVED),
        (0, 2**28 - 1, NOW + (2**28 - 1) * 1_000_000, Flag.TIME_RECEIVED),
        (0, 2**28, 2**28 * 1_000_000, Flag.NONE),
        (BT, -10, (BT - 10) * 1_000_000, Flag.NONE),
        (BT, 0.412530918, BT * 1_000_000 + 412_530, Flag.NONE),
        (BT + 0.123456, 0, BT * 1_000_000 + 123_456, Flag.NONE),
        (BT + 0.000001, 0, BT * 1_000_000 + 1, Flag.NONE),  # the double is a bit below
    ],
)
def test_times(bt: float, t: float, time: int | None, flags: Flag) -> None:
    """Below 2**28 a time counts from the arrival; none is rounded up, none loses a microsecond."""
    (found,) = pack({"n": "x", "v": 1, "bt": bt, "t": t})
    assert (found.time, found.flags) == (time, flags)


def test_sums_are_their_own_datastreams() -> None:
    """A sum comes beside the value or alone, with the base sum, in the unit times seconds."""
    found = pack(
        {"n": "p", "u": "W", "v": 5, "s": 100},
        {"n": "p", "u": "W", "s": 7, "bs": 1000},
        {"n": "q", "s": 1, "vs": "x"},
    )
    assert found == [
        Decoded("tram-03", "p", None, 5.0, "W"),
        Decoded("tram-03", "p/sum", None, 100.0, "W*s"),
        Decoded("tram-03", "p/sum", None, 1007.0, "W*s"),
        Ignored("text"),
        Decoded("tram-03", "q/sum", None, 1001.0),
    ]


def test_values_of_other_kinds() -> None:
    """Booleans are 0 and 1 without the base unit, texts and data are ignored, null is missing."""
    door, shut, text, data, nothing = pack(
        {"n": "d", "vb": True, "bu": "%RH", "bv": 4},
        {"n": "d", "vb": False, "u": "1"},
        {"n": "s", "vs": "41.5"},
        {"n": "b", "vd": "aGk"},
        {"n": "x", "v": None},
    )
    assert (door.result, door.unit, shut.result, shut.unit) == (1.0, None, 0.0, "1")
    assert text == data == Ignored("text")
    assert isnan(nothing.result)
    assert nothing.quality is Quality.MISSING


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "x", "v": "41.5"}, "bad_value"),
        ({"n": "x", "v": True}, "bad_value"),
        ({"n": "x", "v": [1]}, "bad_value"),
        ({"n": "x", "vb": 1}, "bad_value"),
        ({"n": "x", "v": 1, "vb": True}, "bad_value"),
        ({"n": "x", "v": 1, "u": 5}, "bad_value"),
        ({"n": "x", "v": 1, "t": "now"}, "bad_time"),
        ({"n": "x", "v": 1, "t": 1e300}, "bad_time"),
        ({"n": "x"}, "missing_value"),
        ({}, "missing_value"),
        ({"v": 1}, "unnamed_channel"),
        ({"n": "nhiệt độ", "v": 1}, "bad_thing"),
        ({"n": "-x", "v": 1}, "bad_thing"),
        ({"n": 7, "v": 1}, "bad_thing"),
        ({"n": "x" * 201, "v": 1}, "bad_thing"),
        ({"n": "x", "v": 1, "new_": 1}, "not_of_format"),
        (5, "not_of_format"),
    ],
)
def test_a_broken_record_is_refused_alone(record: Any, reason: str) -> None:
    """Whatever one record breaks, the next is taken."""
    found = pack(record, {"n": "y", "v": 2})
    assert reasons(found) == [reason]
    assert found[-1] == Decoded("tram-03", "y", None, 2.0)


def test_an_unknown_label_says_nothing() -> None:
    """Labels that nobody has to understand, and times of the next value, change nothing."""
    assert pack({"n": "x", "v": 1, "ut": 60, "new": [1]}) == [Decoded("tram-03", "x", None, 1.0)]


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ({"bn": "a b"}, "bad_thing"),
        ({"bt": "x"}, "bad_time"),
        ({"bu": 1}, "bad_value"),
        ({"bv": "x"}, "bad_value"),
        ({"bnew_": 1}, "not_of_format"),
    ],
)
def test_a_broken_base_refuses_what_needs_it(base: dict[str, Any], reason: str) -> None:
    """A record must not be read with a base that could not be; the next good base ends it."""
    broken = pack({**base, "n": "x", "v": 1}, {"n": "y", "v": 2})
    assert reasons(broken) == [reason, reason]
    good = {"bn": "urn:a:", "bt": BT, "bu": "K", "bv": 0}
    assert pack({**base, "n": "x", "v": 1}, {**good, "n": "y", "v": 2})[1] == Decoded(
        "urn:a:", "y", Micros(BT * 10**6), 2.0, "K"
    )


@pytest.mark.parametrize("version", [11, "10", 10.5, None, True])
def test_a_later_version_refuses_the_pack(version: Any) -> None:
    """A pack of a version that we do not know is not read at all, wherever it says so."""
    records = [{"n": "x", "v": 1}, {"n": "y", "v": 1, "bver": version}]
    assert refusal(json.dumps(records).encode()) == "not_of_format"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{}", "not_of_format"),
        (b"[]", "not_of_format"),
        (b"[{", "bad_json"),
        (b"\x80", "not_of_format"),
        (b"\x81", "bad_cbor"),
        (b"\x81\xa1", "bad_cbor"),
        (b"\x81\xa1\x00\x61x\x00", "bad_cbor"),  # a byte too many
        (b"\x9b" + b"\xff" * 8, "bad_cbor"),  # 2**64 records announced
        (b"\x81\xa1\x00\x7b" + b"\xff" * 8, "bad_cbor"),  # a name of 2**64 bytes
        (b"\x81\xa1\x00\x7f\x61x\xff", "bad_cbor"),  # a text in pieces
        (b"\x81\xbf\x00\xff", "bad_cbor"),  # a key without a value
        (b"\x81\xa1\x80\x00", "bad_cbor"),  # a list as key
        (b"\x81\xa1\x00\x61\xff", "bad_cbor"),  # no UTF-8
        (b"\x81" * 5000, "too_deep"),
        (b"\x81" + b"\xc6" * 5000 + b"\x00", "too_deep"),
        (b"\x81\x9a\x00\x03\x0d\x40" + b"\x80" * 200_000, "too_many_records"),
        (b"[" + b"[" * 100_000, "too_deep"),
    ],
)
def test_payloads_that_are_none(payload: bytes, reason: str) -> None:
    """No list of records, a bomb, or bytes that end too early or too late are refused whole."""
    assert refusal(payload) == reason


def test_an_empty_message_is_a_deletion() -> None:
    """An empty retained message measures nothing."""
    assert take(b"") == [Ignored("empty")]


def test_too_many_records_are_refused() -> None:
    """Beyond 10,000 records nothing of a pack is read."""
    records = [{"n": "x", "v": 1}] * (MAX_RECORDS + 1)
    assert refusal(json.dumps(records).encode()) == "too_many_records"
    assert refusal(cbor2.dumps(records)) == "too_many_records"


def test_cbor_of_every_shape_that_the_rfc_allows() -> None:
    """Streams without a length, half floats, decimal fractions and CBOR's own mark are read."""
    record = b"\xbf\x00\x61x\x02\xf9\x3e\x00\xff"  # {_ 0: "x", 2: 1.5}
    assert take(b"\x9f" + record + record + b"\xff") == [Decoded("tram-03", "x", None, 1.5)] * 2
    assert take(b"\xd9\xd9\xf7\x81" + record) == [Decoded("tram-03", "x", None, 1.5)]
    (found,) = take(b"\x81\xa2\x00\x61x\x02\xc4\x82\x21\x19\x6a\xb3")  # 4([-2, 27315])
    assert found.result == 273.15


@pytest.mark.parametrize(
    "value",
    [
        b"\xc2\x49" + b"\xff" * 9,  # a number beyond 64 bits
        b"\xc4\x82\x1b" + b"\x7f" * 8 + b"\x01",  # 1e9187201950435737471
        b"\xc4\x81\x01",
        b"\xc4\x82\x01\xf5",  # true as a mantissa
        b"\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b"\xd8\x1e\x82\x01\x00",  # one over nought
        b"\xc1\x1a\x00\x00\x00\x00",  # a date
        b"\xd8\x23\x63(a+",  # a regular expression
        b"\xf7",  # undefined
    ],
)
def test_a_tagged_value_is_refused_alone(value: bytes) -> None:
    """What CBOR can say beyond numbers, texts and booleans costs its own record only."""
    good = b"\xa2\x00\x61y\x02\x01"
    found = take(b"\x82\xa2\x00\x61x\x02" + value + good)
    assert reasons(found) == ["bad_value"]
    assert found[1].result == 1.0


def test_the_encoding_can_be_fixed() -> None:
    """A feed may say what its devices send; other bytes are then refused."""
    assert refusal(b"\x81\xa2\x00\x61x\x02\x01", encoding="json") == "binary"
    assert refusal(b'[{"n":"x","v":1}]', encoding="cbor") == "bad_cbor"
    assert len(take(b'\xef\xbb\xbf[{"n":"x","v":1}]')) == 1


@pytest.mark.parametrize("options", [{"encodin": "json"}, {"encoding": "xml"}, {"thing": "site"}])
def test_options_that_are_none(options: dict[str, Any]) -> None:
    """A feed with an option nobody knows does not start, and says what there is."""
    with pytest.raises(ConfigError, match=r"encoding|braces"):
        codec(**options)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x9a\x00\x10\x00\x00" + b"\x80" * (1 << 20),
        b"\x81\xba\x00\x08\x00\x00" + b"\x00\x00" * (1 << 19),
        b"[" + b"{}," * 340_000 + b"{}]",
        b'[{"n":"' + b"x" * (1 << 20) + b'","v":1}]',
        b'[{"n":"x","v":' + b"9" * (1 << 20) + b"}]",
        b"\xff" * (1 << 20),
    ],
)
def test_a_megabyte_costs_no_more_than_its_length(payload: bytes) -> None:
    """One MiB of anything is answered or refused within a few seconds even on a busy machine."""
    begin = clock.process_time()
    never_breaks(payload)
    assert clock.process_time() - begin < 5


def never_breaks(payload: bytes, decode: Callable[[Message], Any] | None = None) -> None:
    """Fail where the codec does anything but answer or refuse."""
    message = Message("senml/x", {"path": "x"}, payload, NOW)
    try:
        outcomes = (decode or codec().decode)(message).outcomes
    except PayloadError:
        return
    assert all(isinstance(one, (Decoded, Ignored, PayloadError)) for one in outcomes)


labels = st.one_of(st.sampled_from([*NUMBERS, "x", "x_", "b_"]), st.integers(-9, 12))
things = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=6),
        st.binary(max_size=4),
        st.decimals(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
packs = st.lists(st.one_of(st.dictionaries(labels, things, max_size=6), things), max_size=5)


@examples(100, 3000)
@given(st.one_of(packs, things))
def test_any_cbor_is_answered_or_refused(document: Any) -> None:
    """Anything that CBOR can say gives outcomes or a PayloadError, nothing else."""
    never_breaks(cbor2.dumps(document))


json_packs = st.lists(
    st.dictionaries(
        st.sampled_from([*NUMBERS, "x", "x_", "b_"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6),
            st.lists(st.integers(), max_size=2), st.just("\ud800"),
        ),
        max_size=6,
    ),
    max_size=5,
)  # fmt: skip


@examples(100, 3000)
@given(json_packs)
def test_any_json_is_answered_or_refused(document: Any) -> None:
    """Anything that JSON can say, NaN and half characters too, gives outcomes or refusals."""
    never_breaks(json.dumps(document).encode())


@examples(100, 3000)
@given(st.sampled_from([b"", b"[", b"\x81\xa2", b"\x9f\xbf"]), st.binary(max_size=80))
def test_any_bytes_are_answered_or_refused(head: bytes, tail: bytes) -> None:
    """Any bytes give outcomes or a PayloadError, nothing else."""
    never_breaks(head + tail)


@examples(100, 3000)
@given(st.binary(max_size=60))
def test_what_the_walker_passes_the_library_reads(data: bytes) -> None:
    """What our own walk of CBOR lets through is one whole item, as the library has it too."""
    try:
        cbor.parse(data)
    except PayloadError as error:
        assert error.reason in {"bad_cbor", "too_deep", "too_many_records"}  # noqa: PT017
        return
    cbor2.loads(data, semantic_decoders=cbor._Tags())


def test_a_unit_fits_a_key_even_with_a_sum() -> None:
    """Units end up in keys: 40 characters are stored, with what a sum adds."""
    (whole,) = pack({"n": "a", "u": "u" * 38, "s": 1})
    assert len(whole.unit) == 40
    (long,) = pack({"n": "a", "u": "u" * 39, "s": 1})
    assert long.reason == "bad_value"


def test_a_version_of_any_kind_is_quoted_as_it_can_be_stored() -> None:
    """What is quoted of a pack of another version is printable, whatever stood there."""
    for version in ("1\0\0", 10**400, [1], "\u202e"):
        with pytest.raises(PayloadError) as caught:
            take(json.dumps([{"bver": version, "n": "a", "v": 1}]).encode())
        assert caught.value.detail.isprintable()
