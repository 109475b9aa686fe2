"""Station files: limits, options, and whatever bytes an FTP account may drop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import feeds, topics
from ingest.codec import METADATA, Codec, Decoding, Message
from ingest.codecs import tt10
from ioc import catalogue
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Quality

ROOT: Final = Path(__file__).resolve().parents[2]
NOW: Final = Micros(1_795_311_000_000_000)
LINE: Final = "PM10\t80\tug/Nm3\t20261122081500\t00\n"


class Feed:
    """A feed whose topic is ioc/station-files/{file}."""

    name = "tt10"
    zone = "Asia/Ho_Chi_Minh"
    names = ("file",)


def codec(**options: Any) -> Codec:
    return tt10.build(options, Feed())


def message(payload: bytes | str, file: str = "A_20261122081500.txt") -> Message:
    raw = payload if isinstance(payload, bytes) else payload.encode()
    return Message(f"ioc/station-files/{file}", {"file": file}, raw, NOW)


def decoded(payload: bytes | str, **options: Any) -> Decoding:
    return codec(**options).decode(message(payload))


def test_a_station_may_have_codes_of_its_own() -> None:
    """What was agreed with a station is said in its feed file; the circular's codes stay."""
    text = LINE.replace("\t00", "\t03") + LINE
    found = decoded(text, statuses={"03": "calibrating"}).outcomes
    assert [o.quality for o in found if isinstance(o, Decoded)] == [
        Quality.CALIBRATING,
        Quality.GOOD,
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Symbol\tValue\tUnit\tTime\tStatus\n",
        "Thông số;Giá trị;Đơn vị;Thời gian;Trạng thái\r\n",
        "\ufeffparameter value unit time status\n",
    ],
)
def test_a_header_is_no_broken_line(header: str) -> None:
    """Names of columns in the first line are ignored; the values under them are read."""
    ignored, value = decoded(header + LINE).outcomes
    assert ignored == METADATA
    assert isinstance(value, Decoded)
    (refused, *_) = decoded("PM10\tbad\tug\t2026\t00\n" + LINE).outcomes
    assert isinstance(refused, PayloadError)


@pytest.mark.parametrize(
    ("end", "quality"),
    [("0\n", Quality.GOOD), ("1\r\n", Quality.CALIBRATING), ("2\n", Quality.FAULT),
     ("7\n", Quality.SUSPECT), ("0", Quality.SUSPECT)],
)  # fmt: skip
def test_a_status_without_its_zero(end: str, quality: Quality) -> None:
    """0 in a whole line is 00; at the end of a file that was cut off it may have been anything."""
    (found,) = decoded(LINE.removesuffix("00\n") + end).outcomes
    assert isinstance(found, Decoded)
    assert found.quality is quality


@pytest.mark.parametrize("options", [{"status": {}}, {"statuses": {"03": "fine"}}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    """A misspelt option does not start."""
    with pytest.raises(ConfigError, match="options"):
        tt10.build(options, Feed())


def test_the_topic_names_the_file() -> None:
    """Without the file's name nobody knows the station."""

    class Other(Feed):
        names = ("station",)

    with pytest.raises(ConfigError, match="file"):
        tt10.build({}, Other())


def test_lines_are_bounded() -> None:
    """10,000 lines are taken, one more is a file to be split."""
    assert len(decoded(LINE * tt10.MAX_LINES).outcomes) == tt10.MAX_LINES
    with pytest.raises(PayloadError) as caught:
        decoded(LINE * (tt10.MAX_LINES + 1))
    assert caught.value.reason == "too_many_records"


@pytest.mark.parametrize(
    "line",
    [
        "x" * (1 << 20),
        "\t" * (1 << 20) + "x",
        "1," * (1 << 19),
        " " * (1 << 20) + "x",
        ";\t|" * 300_000,
    ],
)
def test_a_long_line_is_one_short_refusal(line: str) -> None:
    """A megabyte without a line end costs no memory in the refusal."""
    (found,) = decoded(line).outcomes
    assert isinstance(found, PayloadError)
    assert len(found.detail) < 1000


def test_what_is_quoted_of_a_line_can_be_stored() -> None:
    """A block of zeros at the end of a file is refused in words that a database takes."""
    found = decoded(b"\0\0\nNO2\t1\tmg\t20261122081500\t00\n").outcomes
    assert [type(one) for one in found] == [PayloadError, Decoded]
    assert all(one.detail.isprintable() for one in found if isinstance(one, PayloadError))


def test_long_words_are_no_symbols() -> None:
    """Names and units end up in keys: they are bounded."""
    for text in (LINE.replace("PM10", "P" * 65), LINE.replace("ug/Nm3", "u" * 41)):
        (found,) = decoded(text).outcomes
        assert isinstance(found, PayloadError)
        assert found.reason == "bad_line"


@pytest.mark.parametrize("feed", ["tt10", "tt10-stack"])
def test_symbols_lead_into_the_catalogue(feed: str) -> None:
    """Every property that a shipped station feed names is there."""
    known = catalogue.load(ROOT / "config" / "catalog")
    source = feeds.load(ROOT / "config" / "feeds", examples=True)[feed]
    specs = source.spec.datastreams
    assert {s.property for s in specs.values()} <= known.keys()
    assert {"pH", "PM2,5", "COD"} <= specs.keys()


def test_files_of_chimneys_go_another_way() -> None:
    """The same symbol is another property there, so the topics must not mix."""
    router = feeds.router(feeds.load(ROOT / "config" / "feeds", examples=True))
    assert router.match("ioc/station-files/A.txt") == topics.Route("tt10", {"file": "A.txt"})
    assert router.match("ioc/station-files/stack/A.txt") == topics.Route(
        "tt10-stack", {"file": "A.txt"}
    )


WORD: Final = st.one_of(
    st.sampled_from(
        ["PM2,5", "pH", "", "-", "7,5", "1e999", "00", "02", "20261122081500", "ug/Nm3"]
    ),
    st.text(max_size=12),
)
LINES: Final = st.lists(
    st.builds(
        lambda words, by: by.join(words), st.lists(WORD, max_size=7), st.sampled_from("\t;|, ")
    ),
    max_size=20,
)


def outcomes_alone(payload: bytes, file: str = "A.txt") -> None:
    try:
        found = codec().decode(message(payload, file)).outcomes
    except PayloadError:
        return
    assert all(isinstance(one, (Decoded, PayloadError)) for one in found)


@given(st.binary(max_size=400))
def test_any_bytes(payload: bytes) -> None:
    """Whatever the bytes are: values or refusals, nothing else."""
    outcomes_alone(payload)


@given(LINES, st.text(max_size=30))
def test_any_lines(lines: list[str], file: str) -> None:
    """Whatever the columns and the file's name are: values or refusals, nothing else."""
    outcomes_alone("\r\n".join(lines).encode("utf-8", "surrogatepass"), file)
