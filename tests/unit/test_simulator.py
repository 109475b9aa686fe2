"""The simulated province: true scale, reproducible, with every fault it promises in its output."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from ioc.demo import episodes, geography, model, province
from ioc.demo.province import Unit
from ioc.demo.seed import SEED, read_feeds, thing_seeds
from ioc.domain.alert import Kind, Sample
from ioc.domain.episode import Track
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros, from_datetime
from ioc.domain.location import Outline
from ioc.rules import definition as rule_files
from ioc.rules.definition import bind

CONFIG = Path(__file__).resolve().parents[2] / "config"
START = from_datetime(datetime(2026, 11, 24, 3, tzinfo=UTC))
HOURS_SEEN = 48  # eight windows of chance faults


@cache
def units() -> tuple[Unit, ...]:
    return province.build(SEED, geography.shipped())


@cache
def run() -> model.Scenario:
    return model.scenario(SEED, units(), START)


def of(kind: str) -> list[Unit]:
    return [unit for unit in units() if unit.kind == kind]


def said(unit: Unit, since: int, until: int, every: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (µs since the start, payload) of what a thing sends."""
    for after in range(since, until, every):
        for _, payload in model.speak(run(), unit, Micros(START + after)):
            yield after, orjson.loads(payload)


# ---------------------------------------------------------------- scale


def test_true_scale() -> None:
    """95 communes, 200 stations, 500 cameras, 300 network points and 3,500 base stations."""
    assert len({seat.code for seat in geography.shipped().province.seats}) == 95
    count = Counter(unit.kind for unit in units())
    assert sum(count[kind] for kind in ("environment", "rain", "reservoir", "water")) == 200
    assert (count["camera"], count["network"], count["bts"]) == (500, 300, 3500)


def test_things_can_be_registered() -> None:
    """No two things share an id; names fit the wall; each lies in the province."""
    assert len({(unit.feed, unit.external_id) for unit in units()}) == len(units())
    assert max(len(unit.short_name) for unit in units()) <= 32
    assert {unit.place.outline for unit in units()} <= {Outline.INSIDE, Outline.NEAR}
    assert all(unit.place.commune for unit in units())


def test_every_feed_says_that_it_is_simulated() -> None:
    """Feeds and things carry the flag from which values and alerts take it."""
    feeds = read_feeds(CONFIG / "feeds")
    assert all(feed.simulated for feed in feeds.values())
    seeds = thing_seeds(units(), feeds)
    assert len(seeds) == len(units())
    assert all(seed.simulated for seed in seeds)


# ---------------------------------------------------------------- the same again


def _minute(seed: int) -> list[model.Message]:
    scenario = model.scenario(seed, province.build(seed, geography.shipped()), START)
    ticks = range(START, START + 12 * SECOND, model.TICK)
    return [message for tick in ticks for message in model.messages(scenario, Micros(tick))]


def test_same_seed_and_time_give_the_same_messages() -> None:
    """A run can be repeated to the byte; another seed is another province."""
    first = _minute(SEED)
    episodes._plan.cache_clear()
    assert _minute(SEED) == first
    assert _minute(SEED + 1) != first


def test_everybody_speaks_at_the_opening() -> None:
    """Within ten seconds every thing that is not silent has sent something."""
    topics = {topic for topic, _ in _minute(SEED)}
    heard = {topic.split("/")[2] for topic in topics}
    lacking = [unit for unit in units() if unit.external_id not in heard]
    assert all(episodes.silent(SEED, unit, START) or unit.kind == "rain" for unit in lacking)
    assert len(heard) > 0.98 * len(units())


# ---------------------------------------------------------------- days and weather


def _mean(kind: str, key: str, local_hour: int) -> float:
    """Return the mean over stations and days of a value at an hour of Viet Nam's day."""
    hours = [HOUR * (24 * day + local_hour - 10) for day in range(3)]  # the start is at 10:00
    return statistics.fmean(
        body[key]
        for unit in of(kind)
        for hour in hours
        for _, body in said(unit, hour, hour + 1, 1)
        if key in body
    )


def test_day_and_night() -> None:
    """Afternoons are warmer than nights, rush hours dustier, and morning demand lowers pressure."""
    assert _mean("environment", "t", 14) > _mean("environment", "t", 2) + 5
    assert _mean("environment", "pm2_5", 7) > 1.3 * _mean("environment", "pm2_5", 2)
    assert _mean("environment", "laeq", 13) > _mean("environment", "laeq", 1) + 5
    assert _mean("water", "bar", 6) < _mean("water", "bar", 0) - 0.2


def test_showers_pass() -> None:
    """It rains at some gauges and hours, not at all of them, and never for ever."""
    wet = [
        body["data"][-1]["r60"] > 1
        for unit in of("rain")
        for _, body in said(unit, 0, 24 * HOUR, HOUR)
    ]
    assert 0.01 < statistics.fmean(wet) < 0.5


# ---------------------------------------------------------------- faults


def _longest_hold(values: list[tuple[int, Any]]) -> int:
    """Return the longest time over which a value stays the same."""
    best = 0
    began, held = values[0]
    for at, value in values:
        if value != held:
            began, held = at, value
        best = max(best, at - began)
    return best


def test_a_sensor_sticks() -> None:
    """Some station repeats its values for half an hour while its times go on; most never do."""
    stuck = 0
    for unit in of("water"):
        values = [
            (at, (body["cl"], body["ntu"], body["ph"], body["bar"]))
            for at, body in said(unit, 2 * HOUR, HOURS_SEEN * HOUR, 5 * MINUTE)
        ]
        stuck += _longest_hold(values) >= 30 * MINUTE
    assert 1 <= stuck < len(of("water")) / 2


def _silences(unit: Unit) -> list[int]:
    times = [at for at, _ in said(unit, 0, 24 * HOUR, 2 * MINUTE)]
    return [b - a for a, b in pairwise(times) if b - a > 2 * MINUTE]


def test_stations_fall_silent_and_come_back() -> None:
    """There are gaps beyond the silence limit of five minutes, each followed by values again."""
    gaps = [gap for unit in of("environment")[-25:] for gap in _silences(unit)]
    assert len([gap for gap in gaps if gap > 5 * MINUTE]) >= 2
    assert max(gaps) < HOUR


def test_a_logger_delivers_what_it_kept_in_one_burst() -> None:
    """After a gap one message holds a record a minute of the gap, each with its own time."""
    period = model.PERIOD["rain"]
    bursts = [
        (unit, at, body["data"])
        for unit in of("rain")[:10]
        for at, body in said(unit, 0, 12 * HOUR, period)
        if len(body["data"]) > 1
    ]
    assert bursts
    for _, at, records in bursts:
        times = [record["t"] for record in records]
        assert times == sorted(set(times))
        assert times[-1] == (START + at) / SECOND
        assert max(b - a for a, b in pairwise(times)) <= 60
    assert max(len(records) for _, _, records in bursts) >= 4


@pytest.mark.parametrize("kind", ["camera", "network", "bts"])
def test_statuses_change(kind: str) -> None:
    """Few things are away at a time, and each returns within its longest outage."""
    chosen = of(kind)[:150]
    away = [
        model.status(run(), unit, Micros(START + hour * HOUR))
        for unit in chosen
        for hour in range(24)
    ]
    assert 0 < sum(state == 2 for state in away) < 0.05 * len(away)
    assert set(away) == {0, 1, 2}


def test_a_change_of_status_is_sent_at_once() -> None:
    """The episode's camera says "offline" in the tick in which it goes, not a period later."""
    ticks = range(START, START + 15 * SECOND, model.TICK)
    gone = [
        (tick - START, topic)
        for tick in ticks
        for topic, payload in model.messages(run(), Micros(tick))
        if topic.startswith("demo/camera/") and orjson.loads(payload)["state"] == "offline"
    ]
    episode = run().units[episodes.camera_of(run().roles, 13 * SECOND) or 0]
    assert (episodes.CAMERA.after, f"demo/camera/{episode.external_id}/status") in gone


# ---------------------------------------------------------------- episodes and alerts


def _first_raise(rule_id: str, kind: str, value: Callable[[dict[str, Any]], float | None]) -> int:
    """Return when, since the start, a shipped rule first raises on what the things send."""
    rule = next(rule for rule in rule_files.load(CONFIG / "rules") if rule.id == rule_id)
    firsts = []
    for unit in of(kind):
        track = Track(bind(rule, 1, 600))
        for at, body in said(unit, 0, 20 * MINUTE, model.PERIOD[kind]):
            result = value(body)
            if result is not None:
                changes = track.take(Sample(Micros(START + at), result))
                firsts += [c.time - START for c in changes if c.kind is Kind.RAISE]
    assert firsts, f"{rule_id} never raises"
    return min(firsts)


@pytest.mark.parametrize(
    ("rule", "kind", "value", "within"),
    [
        ("pm25-early", "environment", lambda body: body.get("pm2_5"), 5 * MINUTE),
        ("rain-1h-heavy", "rain", lambda body: body["data"][-1]["r60"], 2 * MINUTE),
        ("chlorine-low", "water", lambda body: body["cl"], 15 * MINUTE),
    ],
)
def test_episodes_raise_the_shipped_rules(
    rule: str, kind: str, value: Callable[[dict[str, Any]], float | None], within: int
) -> None:
    """A viewer sees an alert soon: the episodes cross the limits of the rules as they ship."""
    assert _first_raise(rule, kind, value) <= within
