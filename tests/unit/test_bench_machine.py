"""The pure parts of the benchmarks: percentiles, configuration, the messages of golden files."""

from __future__ import annotations

import base64
import json
import statistics
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ingest import GOALS
from bench.ingest_parts import APART, FIGURES, ONCE, SHARED, golden_messages
from bench.ingest_rig import set_option
from bench.ingest_runs import Relayed, stream_times
from bench.ingest_tables import BATCH, binary_rows, made_rows
from bench.machine import BenchError, percentile


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_percentile_is_the_usual_one(values: list[float]) -> None:
    """The median and the quartiles are those of the standard library, the ends are the ends."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    found = [percentile(values, share) for share in (0.25, 0.5, 0.75)]
    assert found == pytest.approx(quartiles)
    assert (percentile(values, 0), percentile(values, 1)) == (min(values), max(values))


def test_percentile_of_nothing_is_an_error() -> None:
    """Nothing measured is not zero."""
    with pytest.raises(BenchError):
        percentile([], 0.5)


def test_option_is_set_where_it_stands_or_added() -> None:
    """A key of [ingest] is replaced, a new one added; the rest stays."""
    text = '[province]\ncode = "75"\n\n[ingest]\nclient_id = "x"   # why\nlinger_ms = 20\n'
    changed = set_option(set_option(text, "client_id", "me"), "reader", "stock")
    assert tomllib.loads(changed) == {
        "province": {"code": "75"},
        "ingest": {"client_id": "me", "reader": "stock", "linger_ms": 20},
    }


def test_relay_must_show_the_broker_at_its_limit() -> None:
    """A slow relay counts only where the broker had no core left."""
    assert Relayed(30_000, 0.5, 5).valid
    assert Relayed(20_000, 0.9, 5).valid
    assert not Relayed(29_999, 0.89, 5).valid


def test_golden_messages_of_all_shapes(tmp_path: Path) -> None:
    """A file is one message, a list or a session; a payload is text, hex or base64."""
    (tmp_path / "a").mkdir()
    raw = base64.b64encode(b"\xff").decode()
    session = {"messages": [{"topic": "b", "payload_b64": raw}, {"topic": "c", "hex": "00ff"}]}
    (tmp_path / "a" / "one.json").write_text(json.dumps({"topic": "a", "text": "đ", "expect": []}))
    (tmp_path / "more.json").write_text(json.dumps(session))
    (tmp_path / "other.json").write_text(json.dumps([{"name": "no message"}, 3]))
    found = golden_messages(tmp_path, refused=True)
    assert found == [("a", "đ".encode()), ("b", b"\xff"), ("c", b"\x00\xff")]
    assert golden_messages(tmp_path / "missing", refused=True) == []


def test_golden_messages_without_the_broken(tmp_path: Path) -> None:
    """A message of which one value is refused is left out."""
    good = {"topic": "a", "text": "1", "expect": [{"kind": "observation"}]}
    half = {"topic": "b", "text": "2", "expect": [{"kind": "observation"}, {"kind": "refused"}]}
    (tmp_path / "both.json").write_text(json.dumps([good, half]))
    assert golden_messages(tmp_path, refused=False) == [("a", b"1")]


@pytest.mark.parametrize("entry", [b"[[7,11,1.5,0,0],[8,12,null,0,0]]", b'{"d":[7,8],"t":[11,12]}'])
def test_times_of_a_stream_entry(entry: bytes) -> None:
    """The stamps are found in rows and in columns."""
    assert stream_times(entry) == [11, 12]


def test_every_figure_has_a_measurement() -> None:
    """Goals, measurements and their figures name each other."""
    named = [key for keys in FIGURES.values() for key in keys]
    assert sorted(named) == sorted(GOALS)
    assert set(FIGURES) == {m.__name__ for m in (*SHARED, *APART, *ONCE)}


def test_made_rows_have_keys_of_their_own() -> None:
    """No two rows of two batches share datastream and time: nothing is absorbed."""
    batches = [made_rows(n, 1_764_000_000_000_000) for n in range(3)]
    keys = {key for b in batches for key in zip(b.datastreams, b.times, strict=True)}
    assert len(keys) == 3 * BATCH


def test_binary_rows_are_postgresql_s_format() -> None:
    """Header, one fixed-width tuple a row, trailer."""
    data = binary_rows(made_rows(0, 1_764_000_000_000_000))
    size = 2 + 8 * 4 + 4 + 8 + 8 + 2 + 2 + 8 + 2 + 8
    assert len(data) == 19 + BATCH * size + 2
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    assert data[19:29].hex() == "0008" + "00000004" + "00000001"
    assert data[-2:] == b"\xff\xff"
