"""Station files all the way: folder, carrier, broker, ingest, rows; and who watches it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest

from ioc import doctor, supervisor
from ioc import settings as configuration
from ioc.doctor.finding import Finding, Verdict
from ioc.settings import Settings
from ioc.text import say
from tests.awaiting import wait_for
from tests.integration.ingest_rig import ROOT, broken_invariants, environment, one, prepare
from tests.integration.whole_path import Process, listening

Db = psycopg.Connection[tuple[Any, ...]]
FEED: Final = (ROOT / "config" / "feeds" / "tt10.yaml").read_text(encoding="utf-8")
DROP: Final = """
import pathlib, sys, time
whole, broken = map(pathlib.Path, sys.argv[1:3])
lines = sys.argv[3].splitlines(keepends=True)
with whole.open("w", newline="") as file:
    for line in lines:
        file.write(line)
        file.flush()
        time.sleep(0.3)
broken.write_bytes(bytes(range(256)))
"""


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, redis_url: str, redis_prefix: str,
    mqtt_url: str,
) -> Iterator[dict[str, str]]:  # fmt: skip
    """Run ingest with the shipped feed and the carrier on tmp_path/ftp; return the environment."""
    urls = {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
        "IOC_MQTT_URL": mqtt_url,
    }
    made = environment(tmp_path, topic_prefix, urls)
    config = Path(made["IOC_CONFIG_DIR"])
    feed = FEED.replace("enabled: false", "enabled: true")
    (config / "feeds" / "tt10.yaml").write_text(feed, encoding="utf-8")
    (tmp_path / "ftp").mkdir()
    text = (config / "ioc.toml").read_text(encoding="utf-8")
    text = text.replace('folder = ""', f'folder = "{tmp_path / "ftp"}"')
    (config / "ioc.toml").write_text(text.replace("settle_s = 5.0", "settle_s = 1.5"), "utf-8")
    prepare(configuration.load(made))
    processes = [
        Process(module, made, tmp_path / f"{module}.log")
        for module in ("ingest", "ingest.station_files")
    ]
    processes[0].start()
    try:
        wait_for(lambda: listening(database_url), 30)
        processes[1].start()
        yield made
    finally:
        for process in processes:
            process.stop()


def test_a_dropped_file_becomes_rows(env: dict[str, str], tmp_path: Path, conn: Db) -> None:
    """Written slowly by another process, it is taken whole, once; a broken one says why not."""
    ftp = tmp_path / "ftp"
    now = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).replace(microsecond=0)
    lines = (
        f"PM10\t80.5\tug/Nm3\t{now:%Y%m%d%H%M%S}\t00\r\nSO2\t12\tug/Nm3\t{now:%Y%m%d%H%M%S}\t02\r\n"
    )
    whole = f"DN_AMATA_KHI01_{now:%Y%m%d%H%M%S}.txt"
    subprocess.run(
        [sys.executable, "-c", DROP, str(ftp / whole), str(ftp / "BROKEN.txt"), lines], check=True
    )
    done, refused = ftp / "done", ftp / "refused"
    wait_for(lambda: list(done.rglob(whole)) and list(refused.rglob("BROKEN.txt.reason.txt")), 30)
    wait_for(lambda: one(conn, "select count(*) from observation") == 2)
    rows = conn.execute(
        "select t.external_id, d.property, o.result, o.quality, o.phenomenon_time"
        " from observation o join datastream d on d.id = o.datastream_id"
        " join thing t on t.id = d.thing_id order by 2"
    ).fetchall()
    assert rows == [
        ("DN_AMATA_KHI01", "pm10", 80.5, 0, now),
        ("DN_AMATA_KHI01", "so2", 12.0, 2, now),
    ]
    (reason,) = refused.rglob("BROKEN.txt.reason.txt")
    assert say("station_file.binary") in reason.read_text(encoding="utf-8")
    assert [path for path in ftp.iterdir() if path.is_file()] == []
    (ftp / whole).write_text(lines, encoding="utf-8", newline="")  # the logger sends it again
    wait_for(lambda: len(list(done.rglob("DN_AMATA_KHI01*.txt"))) == 2, 30)
    wait_for(lambda: one(conn, "select sum(n_absorbed) from ingest_batch") == 2)
    assert one(conn, "select count(*) from observation") == 2
    assert broken_invariants(conn) == []
    settings = configuration.load(env)
    assert look(settings).verdict is Verdict.OK


def look(settings: Settings) -> Finding:
    """Return the finding of `ioc check` on the folder."""
    (found,) = [
        finding
        for finding in doctor.check(settings)
        if finding.subject == say("check.station_files")
    ]
    return found


def with_folder(folder: Path | str) -> Settings:
    """Return settings without services and with a folder of station files."""
    plain = configuration.load({})
    files = msgspec.structs.replace(plain.station_files, folder=str(folder))
    return msgspec.structs.replace(plain, station_files=files)


def test_the_folder_is_checked(tmp_path: Path) -> None:
    """Missing, and left alone for too long: each has its remedy; no folder set is no finding."""
    missing = look(with_folder(tmp_path / "nowhere"))
    assert missing.verdict is Verdict.WRONG
    assert missing.remedy == say("check.station_files_missing_remedy")
    empty = look(with_folder(tmp_path))
    assert (empty.verdict, empty.detail) == (
        Verdict.OK,
        say("check.station_files_detail", folder=tmp_path, count=0, minutes=0),
    )
    forgotten = tmp_path / "account" / "A_20261122081500.txt"
    forgotten.parent.mkdir()
    forgotten.touch()
    long_ago = (datetime.now(UTC) - timedelta(minutes=50)).timestamp()
    os.utime(forgotten, (long_ago, long_ago))
    late = look(with_folder(tmp_path))
    assert late.verdict is Verdict.WARNING
    assert "50" in late.detail
    with pytest.raises(ValueError, match="unpack"):
        look(with_folder(""))


def test_a_folder_of_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be moved away would be published again at each start."""
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # who may write everywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    assert look(with_folder(tmp_path)).remedy == say("check.station_files_closed_remedy")


def test_the_carrier_runs_where_a_folder_is_set(tmp_path: Path) -> None:
    """`ioc up` starts it then, and only then."""
    names = {child.name for child in supervisor._children(with_folder(tmp_path), demo=False)}
    plain = {child.name for child in supervisor._children(with_folder(""), demo=False)}
    assert names - plain == {"station-files"}
