"""How fast one caller may ask: counted for each alone, in bounded memory."""

from __future__ import annotations

import json

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import feeds
from ingest.decoding import Explainer, Input
from ioc import catalogue
from ioc.domain.instant import Micros
from ioc.web.api.push_description import EXAMPLE, SENML_EXAMPLE
from ioc.web.pace import BURST_S, MOST_EACH, MOST_KNOWN, Pace
from tests.integration.ingest_rig import ROOT

RECEIVED = Micros(1_795_311_000_000_000)  # 2026-11-22T01:30:00Z


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200), st.floats(0.5, 100))
def test_nobody_is_faster_than_the_pace(pauses: list[float], per_s: float) -> None:
    """Over any time no more come in than the burst and the pace allow; who waits as told may."""
    pace, now, let_in = Pace(per_s), 0.0, 0
    for pause in pauses:
        now += pause
        wait = pace.enter("a", now)
        if wait == 0:
            let_in += 1
            pace.leave("a")
        else:
            assert pace.enter("a", now + wait * 1.001 + 1e-9) == 0
            pace.leave("a")
            now += wait * 1.001 + 1e-9
            let_in += 1
        assert let_in <= max(1, per_s * BURST_S) + now * per_s + 1e-6


def test_workers_share_the_pace_of_an_installation() -> None:
    """Four workers together give a caller no more than one alone would."""
    workers = [Pace(8, 4) for _ in range(4)]
    for second in range(60):
        for pace in workers:
            while pace.enter("a", float(second)) == 0:
                pace.leave("a")
    taken = 0
    for pace in workers:
        while pace.enter("a", 70.0) == 0:
            pace.leave("a")
            taken += 1
    assert taken == 8 * BURST_S
    alone = Pace(8)
    assert sum(alone.enter("a", 0.0) == 0 for _ in range(MOST_EACH)) == MOST_EACH


def test_what_one_has_in_hand_is_bounded_and_its_own() -> None:
    """The ninth request at once waits, another caller does not; one that leaves makes room."""
    pace = Pace(1000)
    assert [pace.enter("a", 0) for _ in range(MOST_EACH)] == [0] * MOST_EACH
    assert pace.enter("a", 0) > 0
    assert pace.enter("b", 0) == 0
    pace.leave("a")
    assert pace.enter("a", 0) == 0


def test_memory_is_bounded() -> None:
    """Whoever was quiet longest is forgotten, and leaving afterwards harms nobody."""
    pace = Pace(1)
    for n in range(MOST_KNOWN + 10):
        pace.enter(str(n), float(n))
    assert len(pace._callers) == MOST_KNOWN
    pace.leave("0")
    assert pace.enter("0", 5000) == 0


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("ioc/http/so-tnmt", json.dumps(EXAMPLE).encode()),
        ("ioc/http/lgsp", json.dumps(SENML_EXAMPLE).encode()),
        ("ioc/http/lgsp", cbor2.dumps(SENML_EXAMPLE)),
    ],
)
def test_the_examples_of_the_description_are_understood(topic: str, body: bytes) -> None:
    """What the API's description shows is what the shipped feeds read: two values, no refusal."""
    sources = feeds.load(ROOT / "config" / "feeds", examples=True)
    explainer = Explainer(sources, catalogue.load(ROOT / "config" / "catalog"), RECEIVED)
    told = list(explainer.explain(Input(topic, body, RECEIVED, retain=False, feed=None)))
    assert [one["kind"] for one in told] == ["observation"] * 2
    assert [one["observed_property"] for one in told] == ["pm25", "humidity"]
    assert {one["phenomenon_time"] for one in told} == {"2026-11-22T01:00:00.000000Z"}
