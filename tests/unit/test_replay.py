"""A recording becomes messages: nothing of it is lost, order stays, nothing lies in the future."""

import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.demo import replay
from ioc.demo.replay import Recorded, ReplayFeed
from ioc.domain.alert import Kind as Change
from ioc.domain.alert import Op, Rule, Sample, Severity
from ioc.domain.episode import Track
from ioc.domain.errors import ConfigError
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros, from_datetime

START = from_datetime(datetime(2026, 11, 24, 8, tzinfo=UTC))
HEADER = "Time;P1;P2;Signal"


def feed(**options: Any) -> ReplayFeed:
    shape = replay._Options(**({"time": "Time"} | options))
    return ReplayFeed("dust", "replay/dust/{thing}/data", shape)


def recording(tmp_path: Path, *rows: str, name: str = "st-1-2018-10-08.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


def test_cells_become_an_object_on_the_feeds_topic(tmp_path: Path) -> None:
    """Empty cells and those a short row lacks are absent; the file's name is the thing's."""
    path = recording(tmp_path, "2018/10/08 00:01:12;14.85;6.6;-65", "2018/10/08 00:03:41;;7")
    first, second = replay.read(path, feed())
    assert first.topic == "replay/dust/st-1/data"
    assert json.loads(replay.payload(first)) == {
        "Time": "2018-10-07T17:01:12+00:00",  # the feed's zone is that of Viet Nam
        "P1": "14.85",
        "P2": "6.6",
        "Signal": "-65",
    }
    assert json.loads(replay.payload(second)).keys() == {"Time", "P2"}


def test_rows_without_a_time_are_no_messages(tmp_path: Path) -> None:
    """A row whose time cell is empty is skipped; blank lines are nothing."""
    path = recording(tmp_path, ";1;2;3", "", "2018/10/08 00:01:12;1;2;3")
    assert len(replay.read(path, feed())) == 1


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    """Semicolon, comma and tab files read alike."""
    path = tmp_path / "a.csv"
    text = f"{HEADER}\n2018/10/08 00:01:12;1;2;3\n"
    path.write_text("\ufeff" + text.replace(";", delimiter), encoding="utf-8")
    (only,) = replay.read(path, feed())
    assert only.body["P2"] == "2"


def test_files_of_an_archive_are_one_recording(tmp_path: Path) -> None:
    """A zip is read in the order of time, not of names, and other files in it are ignored."""
    path = tmp_path / "month.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("st-1-2018-10-09.csv", f"{HEADER}\n2018/10/08 23:00:00;1;2;3\n")
        archive.writestr("st-1-2018-10-10.csv", f"{HEADER}\n2018/10/08 22:00:00;4;5;6\n")
        archive.writestr("readme.txt", "no recording")
    found = replay.read(path, feed())
    assert [message.body["P1"] for message in found] == ["4", "1"]
    assert {message.topic for message in found} == {"replay/dust/st-1/data"}


def test_lines_of_messages(tmp_path: Path) -> None:
    """NDJSON keeps topic and payload as recorded, a text payload to the byte."""
    path = tmp_path / "a.ndjson"
    entries = [
        {"topic": "a/b", "time": 1_700_000_001.5, "payload": {"Time": 1_700_000_001.5, "v": 1}},
        {"topic": "a/c", "time": "2023-11-14T22:13:20Z", "payload": "not  json, kept"},
    ]
    path.write_text("\n\n".join(json.dumps(entry) for entry in entries))
    earlier, later = replay.read(path, feed())
    assert (earlier.topic, replay.payload(earlier)) == ("a/c", b"not  json, kept")
    assert later.time == 1_700_000_001_500_000


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", b"\xff\xfe\x00", "cannot be read"),
        ("a.csv", f"{HEADER}\n2018/13/40 00:00:00;1;2;3\n".encode(), "line 2"),
        ("a.csv", HEADER.encode(), "no row with a time"),
        ("a.csv", f'{HEADER}\n"{"x" * (1 << 20)}x";1\n'.encode(), "cannot be read"),
        ("a.ndjson", b"5\n", "line 1"),
        ("a.ndjson", b'{"topic": "a/#", "time": 1, "payload": {}}\n', "a/#"),
        ("a.ndjson", b'{"topic": 7, "time": 1, "payload": {}}\n', "line 1"),
        ("a.ndjson", b'{"topic": "a", "payload": {}}\n', "time"),
        ("a.ndjson", b'{"topic": "a", "time": 1e300, "payload": {}}\n{"broken', "line"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "no row with a time"),
    ],
)
def test_what_is_no_recording_is_one_line(
    tmp_path: Path, name: str, text: bytes, says: str
) -> None:
    """A broken file is refused with its place, in one line."""
    path = tmp_path / name
    path.write_bytes(text)
    with pytest.raises(ConfigError) as refusal:
        replay.read(path, feed())
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_feeds_without_a_time_column_are_refused(tmp_path: Path) -> None:
    """A flat row has no place for the time of a feed that reads it from records."""
    for odd in (feed(time=None), feed(time="a.b"), feed(records="data")):
        with pytest.raises(ConfigError, match="dust"):
            replay.read(recording(tmp_path, "2018/10/08 00:01:12;1;2;3"), odd)


def test_feed_files_of_every_shape_are_read(tmp_path: Path) -> None:
    """A list of feeds in one file, and a path whose keys hold dots, stop no replay of another."""
    (tmp_path / "a.yaml").write_text(
        "- {name: one, topic: a/b, codec: json, options: {time: [a.b, c]}}\n"
        "- {name: two, topic: a/c, codec: other}\n"
    )
    assert replay.read_feed(tmp_path, "two").topic == "a/c"
    assert replay.read_feed(tmp_path, "one").time_paths == (("a.b", "c"),)
    with pytest.raises(ConfigError, match="one, two"):
        replay.read_feed(tmp_path, "three")


def _series(times: Sequence[int]) -> list[Recorded]:
    return [Recorded(Micros(t), "t", {"Time": t}) for t in sorted(times)]


@given(
    st.lists(st.integers(0, 30 * 24 * HOUR), min_size=1, max_size=40),
    st.floats(0.5, 100_000),
)
def test_shifted_times_lie_in_order_and_never_ahead(times: list[int], speed: float) -> None:
    """At the moment a message is due its new time is no later than now, and order stays strict."""
    messages = _series(times)
    moved = [m.time for m in replay.shifted(messages, feed(), START, speed)]
    assert all(a < b for a, b in pairwise(moved))
    for rank, (message, time) in enumerate(zip(messages, moved, strict=True)):
        due = START + replay.wait_s(message, messages[0].time, speed, 0.0) * SECOND
        assert time <= due + rank + 1  # what the distance between equal times adds, µs


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({}, "2026-11-24T08:00:30+00:00"),
        ({"time_format": "iso"}, "2026-11-24T08:00:30+00:00"),
        ({"time_format": "epoch_s"}, 1_795_507_230.0),
        ({"time_format": "epoch_ms"}, 1_795_507_230_000),
        ({"time_format": "epoch_us"}, 1_795_507_230_000_000),
        ({"time_format": "%Y%m%d%H%M%S"}, "20261124150030"),  # local time, as the device has it
    ],
)
def test_shifted_time_is_written_as_the_feed_reads_it(
    options: dict[str, str], written: object
) -> None:
    """The payload's own time moves too, in the form that the feed's codec takes."""
    one = feed(**options)
    was = [Micros(1_540_000_000 * SECOND), Micros(1_540_000_060 * SECOND)]
    messages = [Recorded(t, "t", {"Time": one.clock.write(t), "v": 1}) for t in was]
    assert one.clock.read(one.clock.write(was[1])) == was[1]
    last = list(replay.shifted(messages, one, START, 2.0))[-1]
    assert last.body == {"Time": written, "v": 1}


def test_times_of_records_and_of_texts_move() -> None:
    """A buffered logger's records keep their distance to each other, squeezed; JSON text too."""
    one = feed(time="t", records="data", time_format="epoch_s")
    body = {"data": [{"t": 880, "v": 1}, {"t": 1000, "v": 2}, {"v": 3}, {"t": "?", "v": 4}]}
    message = Recorded(Micros(1000 * SECOND), "t", json.dumps(body))
    (moved,) = replay.shifted([message], one, START, 10.0)
    now = START / SECOND
    assert moved.body == {
        "data": [{"t": now - 12, "v": 1}, {"t": now, "v": 2}, {"v": 3}, {"t": "?", "v": 4}]
    }


def test_coarse_times_refuse_a_speed_that_would_merge_them() -> None:
    """Two messages of one thing never get one written time: it would look like a correction."""
    one = feed(time_format="%Y%m%d%H%M%S")
    messages = [
        Recorded(Micros(t * 150 * SECOND), "t", {"Time": "20181008000000"}) for t in range(3)
    ]
    assert len(list(replay.shifted(messages, one, START, 100.0))) == 3
    with pytest.raises(ConfigError, match="lower speed"):
        list(replay.shifted(messages, one, START, 200.0))


# ---------------------------------------------------------------- what a rule makes of a replay

_QUIET, _EDGE, _HIGH, _CEILING = 20.0, 150.0, 300.0, 999.9
# Five single samples, one run of three with a dip inside the deadband, one at the ceiling.
VALUES = [
    *(_QUIET, _HIGH, _QUIET, _EDGE, _QUIET),  # the limit itself is no breach
    *(_HIGH, _QUIET, _HIGH, _QUIET, _QUIET),
    *(_HIGH, _HIGH, 145.0, _HIGH, _QUIET, _QUIET, _QUIET, _QUIET),
    *(_CEILING, _QUIET, _HIGH, _QUIET),
]
PLAIN_RAISES = 7


def _raises(messages: Sequence[Recorded], speed: float, **rule: float) -> int:
    """Fold the values; durations are given in time of the recording."""
    scaled = {k: round(v / speed) if isinstance(v, int) else v for k, v in rule.items()}
    samples = rule.get("min_samples", 1)
    one = Rule(
        "r", 1, Op.GT, 150.0, Severity.HIGH,
        **({"stale_after": HOUR, "late_horizon": HOUR} | scaled | {"min_samples": samples}),  # type: ignore[arg-type]
    )  # fmt: skip
    track = Track((one,))
    changes = [
        change
        for message in messages
        for change in track.take(Sample(message.time, float(message.body["P2"])))
    ]
    return sum(change.kind is Change.RAISE for change in changes)


@pytest.mark.parametrize("speed", [1.0, 200.0, 20_000.0])
def test_speed_changes_no_alert_of_a_plain_rule(tmp_path: Path, speed: float) -> None:
    """A series with known breaches raises as often at any speed; delays count scaled by it."""
    rows = [
        f"2018/10/08 {n * 150 // 3600:02}:{n * 150 // 60 % 60:02}:{n * 150 % 60:02};1;{value};-60"
        for n, value in enumerate(VALUES)
    ]
    messages = replay.read(recording(tmp_path, *rows), feed())
    moved = list(replay.shifted(messages, feed(), START, speed))
    assert _raises(moved, speed) == PLAIN_RAISES
    lasting: dict[str, int | float] = {
        "on_delay": 2 * MINUTE, "off_delay": 5 * MINUTE, "min_samples": 2, "deadband": 10.0,
    }  # fmt: skip
    assert _raises(moved, speed, **lasting) == 1
