"""`ioc rules backtest`: what a rule would have done, on real history."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from ioc.text import say
from tests.integration.evaluation_rig import REPOSITORY, World, configuration

Db = Connection[tuple[Any, ...]]
Ioc = Callable[..., "subprocess.CompletedProcess[str]"]

START = 1_774_000_800_000_000  # 2026-03-20T17:00+07:00
MINUTE = 60_000_000

RULE = """
- id: over
  observed_property: pm25
  selector: {feed: f}
  op: ">"
  levels:
    - {severity: medium, limit: 50, deadband: 5}
    - {severity: high, limit: 80, deadband: 5}
  on_delay: 2m
  off_delay: 3m
  stale_after: 30m
"""
MEAN = """
- id: mean
  observed_property: pm25
  op: ">"
  levels: [{severity: high, limit: 50}]
  window: {function: mean, length: 1h}
"""


@pytest.fixture
def world(conn: Db, database_url: str, tmp_path: Path) -> World:
    """Return a world with two things that have one value a minute for six hours."""
    made = World(conn, database_url, None, "", "", configuration(tmp_path))  # type: ignore[arg-type]
    made.announce = False
    made.prepare(2, period_s=60, stale_after_s=600)
    level = {**dict.fromkeys(range(30, 50), 60.0), **dict.fromkeys(range(36, 40), 90.0)}
    made.write(
        (stream, START + n * MINUTE, level.get(n, 20.0) if stream == made.streams[0] else 20.0)
        for stream in made.streams
        for n in range(360)
    )
    return made


@pytest.fixture
def ioc(world: World, tmp_path: Path) -> Ioc:
    """Return a function that writes a rule file and runs `ioc rules backtest` on it."""

    def run(text: str, *words: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "rule.yaml"
        file.write_text(text, encoding="utf-8")
        known = {"IOC_DATABASE_URL": world.database_url, "IOC_CONFIG_DIR": str(world.config)}
        return subprocess.run(
            [sys.executable, "-m", "ioc.cli", "rules", "backtest", str(file), *words],
            env=os.environ | known,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


PERIOD = ("--from", "2026-03-20T17:00", "--to", "2026-03-20T23:00+07:00")


def test_episodes_and_figures_of_each_datastream_and_together(world: World, ioc: Ioc) -> None:
    """Start at the raise, end at the return, peak, worst level; sums over what is selected."""
    done = ioc(RULE, *PERIOD, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (one,) = found["episodes"]
    assert one == {
        "datastream": "t0/pm25",
        "start": "2026-03-20T17:32:00+07:00",
        "end": "2026-03-20T17:53:00+07:00",
        "lasted_s": 21 * 60,
        "level": 2,
        "severity": "high",
        "peak": 90.0,
        "peak_at": "2026-03-20T17:36:00+07:00",
    }
    assert (found["count"], found["total_s"], found["alerts_a_day"]) == (1, 21 * 60, 4.0)
    assert found["coverage"] == 1.0
    assert [(d["datastream"], d["id"], d["count"]) for d in found["datastreams"]] == [
        ("t0/pm25", world.streams[0], 1),
        ("t1/pm25", world.streams[1], 0),
    ]


def test_a_datastream_is_named_by_thing_and_code_or_by_id(world: World, ioc: Ioc) -> None:
    """`thing/code` and the id mean the same; a wrong name is refused with what to write."""
    by_name = ioc(RULE, *PERIOD, "--datastream", "t0/pm25", "--json")
    by_id = ioc(RULE, *PERIOD, "--datastream", str(world.streams[0]), "--json")
    assert by_name.stdout == by_id.stdout
    wrong = ioc(RULE, *PERIOD, "--datastream", "t9/pm25")
    assert wrong.returncode == 2
    assert wrong.stderr == f"ioc: {say('backtest.not_found', name='t9/pm25')}\n"


def test_an_hour_mean_is_judged_at_its_end_with_what_came_before(ioc: Ioc) -> None:
    """The windowed rule raises at the end of the hour whose mean is over, from whole hours."""
    hour = "--from", "2026-03-20T18:00", "--to", "2026-03-20T23:00"
    found = json.loads(ioc(MEAN.replace("50", "35"), *hour, "--json").stdout)
    ends = [(e["datastream"], e["start"], e["end"]) for e in found["episodes"]]
    # 17:00 to 18:00: 20 minutes at 60 and 90, the others at 20; the value holds until 19:00.
    assert ends == [("t0/pm25", "2026-03-20T18:00:00+07:00", "2026-03-20T19:00:00+07:00")]


def test_a_person_reads_the_same(ioc: Ioc) -> None:
    """Without --json: one line a datastream, its episodes, and the sum."""
    done = ioc(RULE, *PERIOD)
    assert "t0/pm25: 1 lần, tổng 0.35 giờ" in done.stdout
    assert "\t2026-03-20T17:32:00+07:00\t2026-03-20T17:53:00+07:00\t2 high\t90.0" in done.stdout
    assert say("backtest.together") in done.stdout


def test_what_cannot_be_answered_is_refused_in_one_line(ioc: Ioc) -> None:
    """A file with an error, several rules, an empty period, a property nobody has."""
    for text, words, said in (
        (RULE.replace("op:", "opp:"), (), "unknown key 'opp'"),
        (RULE + MEAN, (), "over, mean"),
        (RULE, ("--from", "2026-03-21", "--to", "2026-03-20"), say("backtest.empty_period")),
        (RULE, ("--from", "yesterday"), "yesterday"),
        (RULE.replace("pm25", "pm10"), PERIOD, "pm10"),
    ):
        done = ioc(text, *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_month_of_minutes_is_the_default_period(ioc: Ioc) -> None:
    """Without --from, thirty days are looked at."""
    found = json.loads(ioc(RULE, "--to", "2026-03-21", "--json").stdout)
    assert found["from"] == "2026-02-19T00:00:00+07:00"
    assert found["count"] == 1
