"""`ioc replay` to rows: through a real broker and ingest, the database equals the file."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ioc import settings as configuration
from tests.awaiting import wait_for
from tests.integration import ingest_rig as rig
from tests.integration.whole_path import Process, listening

Db = psycopg.Connection[tuple[Any, ...]]

FEED = """
name: station
title: {{vi: Trạm, en: Station}}
codec: json
topic: "{topic}/{{thing}}/data"
kind: environment
admit: true
expected_period_s: 150
options:
  time: Time
  values:
    pm25: {{path: SDS_P2}}
    pm10: {{path: SDS_P1}}
"""
HEADER = "Time;durP1;SDS_P1;SDS_P2;Temp;Signal;HPM_P1;HPM_P2"
# (seconds after the first, PM10, PM2.5): a real gap, two rows of one instant apart, no value once.
DAY_ONE = [
    (0, "14.85", "6.60"),
    (149, "18.52", "6.85"),
    (299, "", "7.1"),
    (2999, "1999.9", "999.9"),
]
DAY_TWO = [(86400, "10.70", "6.22"), (86549, "10", "6")]
SPEED = 100_000.0


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, redis_url: str, redis_prefix: str,
    mqtt_url: str,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of an ingest that knows the station's feed."""
    urls = {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
        "IOC_MQTT_URL": mqtt_url,
    }
    found = rig.environment(tmp_path, topic_prefix, urls)
    file = Path(found["IOC_CONFIG_DIR"]) / "feeds" / "rig.yaml"
    file.write_text(FEED.format(topic=topic_prefix), encoding="utf-8")
    rig.prepare(configuration.load(found))
    Path(found["IOC_DATA_DIR"]).mkdir()
    return found


@contextmanager
def ingest(env: dict[str, str]) -> Iterator[None]:
    """Run an ingest process that has subscribed until the end of the block."""
    process = Process("ingest", env, Path(env["IOC_DATA_DIR"]) / "ingest.log")
    process.start()
    try:
        wait_for(lambda: listening(env["IOC_DATABASE_URL"]), 30)
        yield
    finally:
        process.stop()


def replay(env: dict[str, str], file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", "replay", str(file), "--feed", "station", *more],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=rig.ROOT,
    )


def archive(folder: Path) -> Path:
    """Make a month as the maker delivers it: a file a day, rows shorter than the header."""
    first = datetime(2018, 10, 8, 0, 1, 12, tzinfo=UTC)
    path = folder / "month.zip"
    with zipfile.ZipFile(path, "w") as target:
        for rows in (DAY_TWO, DAY_ONE):
            lines = [HEADER]
            for after, pm10, pm25 in rows:
                at = first + timedelta(seconds=after)
                lines.append(f"{at:%Y/%m/%d %H:%M:%S};;{pm10};{pm25};27.60;-65")
            day = first + timedelta(seconds=rows[0][0])
            target.writestr(f"esp-7-{day:%Y-%m-%d}.csv", "\r\n".join(lines) + "\r\n")
    return path


def rows_of(conn: Db, code: str) -> list[tuple[datetime, float]]:
    found = conn.execute(
        "select o.phenomenon_time, o.result from observation o"
        " join datastream d on d.id = o.datastream_id where d.property = %s order by 1",
        (code,),
    )
    return [(time, result) for time, result in found]


def test_zipped_csv_ends_as_the_rows_of_the_file(
    env: dict[str, str], conn: Db, tmp_path: Path
) -> None:
    """Each value of the file is one row, in order, at start + (t - t0) / N, none in the future."""
    file = archive(tmp_path)
    with ingest(env):
        done = replay(env, file, "--speed", str(SPEED), "--shift-to-now")
        assert (done.returncode, done.stdout.split()[-1]) == (0, "6"), done.stderr
        wait_for(lambda: len(rows_of(conn, "pm25")) == 6)
        ended = datetime.now(UTC)
    both = [*DAY_ONE, *DAY_TWO]
    found = rows_of(conn, "pm25")
    assert [result for _, result in found] == [float(pm25) for _, _, pm25 in both]
    assert [result for _, result in rows_of(conn, "pm10")] == [
        float(pm10) for _, pm10, _ in both if pm10
    ]
    squeezed = [time - found[0][0] for time, _ in found]
    assert squeezed == [timedelta(seconds=after / SPEED) for after, _, _ in both]
    assert found[-1][0] <= ended
    assert rig.one(conn, "select external_id from thing") == "esp-7"
    assert rig.one(conn, "select count(*) from dead_letter") == 0
    assert rig.broken_invariants(conn) == []


def test_recorded_messages_end_as_the_rows_of_the_file(
    env: dict[str, str], conn: Db, tmp_path: Path, topic_prefix: str
) -> None:
    """NDJSON of an hour ago keeps its own times without --shift-to-now; a text payload is read."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    path = tmp_path / "hour.ndjson"
    times = [first + timedelta(seconds=n) for n in range(4)]
    with path.open("w") as lines:
        for n, time in enumerate(times):
            body: Any = {"Time": time.isoformat(), "SDS_P2": n}
            payload = json.dumps(body) if n % 2 else body
            entry = {"topic": f"{topic_prefix}/s{n}/data", "time": time.isoformat()}
            lines.write(json.dumps(entry | {"payload": payload}) + "\n")
    with ingest(env):
        done = replay(env, path, "--speed", "1000")
        assert done.returncode == 0, done.stderr
        wait_for(lambda: len(rows_of(conn, "pm25")) == 4)
    assert rows_of(conn, "pm25") == [(time, float(n)) for n, time in enumerate(times)]
    assert rig.one(conn, "select count(*) from thing") == 4


def test_an_old_recording_without_shift_is_refused_visibly(
    env: dict[str, str], conn: Db, tmp_path: Path
) -> None:
    """Times of 2018 are no times of now: each message is a dead letter that says so."""
    with ingest(env):
        assert replay(env, archive(tmp_path), "--speed", str(SPEED)).returncode == 0
        wait_for(lambda: rig.one(conn, "select count(*) from dead_letter") == 6)
    assert rig.one(conn, "select string_agg(distinct reason, ',') from dead_letter") == "time_past"
    assert rows_of(conn, "pm25") == []
