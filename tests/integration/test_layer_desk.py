"""The door of the layers page: what is taken, kept where, and by whom."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from psycopg import Connection

from ioc.storage import layer_uploads, users
from ioc.storage.script import run
from ioc.web.access import LARGEST_FILE
from layers.__main__ import Database, ImportDesk
from layers.report import Outcome
from layers.worker import JobStoppedError
from tests.integration.web_site import (
    PASSWORD,
    Answer,
    Client,
    Site,
    add_people,
    running,
    settings_for,
)

Db = Connection[tuple[Any, ...]]
CSV = b"ma_cot,ten,kinh_do,vi_do\n" + b"".join(
    b"C%d,Cot %d,%f,%f\n" % (n, n, 106.9 + n / 100, 11 + n / 100) for n in range(5)
)


@pytest.fixture
def site(
    conn: Db, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Iterator[Site]:
    """Return a site with a GIS clerk and a data directory of its own."""
    add_people(conn)
    users.put_user(conn, username="gis", display_name="gis", role="gis", password=PASSWORD)
    given = settings_for(database_url, redis_url, redis_prefix)
    with running(msgspec.structs.replace(given, data_dir=tmp_path)) as served:
        yield served


def clerk(site: Site) -> Client:
    client = site.client()
    assert client.login("gis").status == 303
    return client


def send(site: Site, client: Client, body: bytes = CSV, name: str = "cot_ang_ten.csv") -> Answer:
    origin = {"Origin": f"http://127.0.0.1:{site.port}"}
    return client.ask("POST", f"/desk/layers/uploads?name={quote(name)}", body, origin)


def act(site: Site, client: Client, job: int, deed: str, body: object = None) -> int:
    headers = {"Origin": f"http://127.0.0.1:{site.port}", "Content-Type": "application/json"}
    sent = json.dumps(body).encode() if body is not None else b""
    return client.ask("POST", f"/desk/layers/uploads/{job}/{deed}", sent, headers).status


def desk(site: Site, database_url: str) -> tuple[ImportDesk, Database]:
    database = Database(database_url)
    return ImportDesk(site.services.settings, database), database


def files(site: Site) -> list[Path]:
    return [path for path in site.services.settings.data_dir.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.csv", "C:\\x\\..\\a.csv", "/etc/cron.d/a.csv", "....csv", "\u202e.csv"],
)
def test_a_name_leads_nowhere(site: Site, name: str) -> None:
    """Whatever a file is called, it lies in a folder of its own below the data directory."""
    assert send(site, clerk(site), name=name).status == 201
    (kept,) = files(site)
    assert kept.parent.parent == site.services.settings.data_dir / "uploads"
    assert kept.read_bytes() == CSV
    assert not kept.name.startswith(".")


def test_only_the_clerk_may_send(site: Site) -> None:
    """Others are refused before a byte is kept, strangers too, and a foreign page's form."""
    assert send(site, site.operator()).status == 403
    assert send(site, site.client()).status == 401
    client = clerk(site)
    foreign = {"Origin": "http://evil.example"}
    assert client.ask("POST", "/desk/layers/uploads?name=a", CSV, foreign).status == 403
    assert files(site) == []


def test_too_large_and_cut_short_leave_nothing(site: Site, conn: Db) -> None:
    """A length beyond the limit is refused unread; a body that ends early is no file."""
    client = clerk(site)
    headers = client.credentials() | {"Origin": f"http://127.0.0.1:{site.port}"}
    path = "/desk/layers/uploads?name=a.csv"
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=15)
    connection.putrequest("POST", path)
    for name, value in (headers | {"Content-Length": str(LARGEST_FILE + 1)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert send(site, client, b"").status == 409
    assert files(site) == []
    assert conn.execute("select count(*) from layer_job").fetchone() == (0,)


def test_so_many_may_wait(site: Site, conn: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nobody's disk is filled: the next file is refused with the remedy."""
    monkeypatch.setattr(layer_uploads, "MOST_OPEN", 1)
    client = clerk(site)
    assert send(site, client).status == 201
    refused = send(site, client)
    assert refused.status == 409
    assert "đang chờ" in refused.json()["detail"]
    assert len(files(site)) == 1
    assert conn.execute("select count(*) from layer_job").fetchone() == (1,)


def test_the_yes_is_to_what_was_shown(site: Site, database_url: str, conn: Db) -> None:
    """An import that came in between makes the difference another one: the clerk is told."""
    client = clerk(site)
    jobs = [send(site, client).json()["job"] for _ in range(2)]
    worker, database = desk(site, database_url)
    for _ in jobs:
        job = database.claim()
        assert job is not None
        worker.answer(job, worker.take_in(job))
    for key in jobs:
        assert act(site, client, key, "confirm") == 202
        job = database.claim()
        assert job is not None
        report = worker.take_in(job)
        if report.outcome is Outcome.COMMITTED:
            database.finish(job, report.told())
        else:
            worker.answer(job, report)
    states = [client.get(f"/desk/layers/uploads/{key}").json() for key in jobs]
    assert [one["state"] for one in states] == ["done", "asking"]
    assert "người khác đã nhập" in states[1]["result"]["error"]
    assert act(site, client, jobs[1], "confirm") == 404  # look again first
    database.close()
    assert conn.execute("select count(*) from layer_import").fetchone() == (1,)
    actions = conn.execute("select actor, action from audit where action like 'layer.%'")
    assert ("gis", "layer.confirm") in actions.fetchall()


def test_a_running_job_stops_before_it_writes(site: Site, database_url: str, conn: Db) -> None:
    """Cancelled in the middle, the worker hears of it at its next stage; nothing is written."""
    client = clerk(site)
    key = send(site, client).json()["job"]
    worker, database = desk(site, database_url)
    job = database.claim()
    assert job is not None
    assert act(site, client, key, "cancel") == 202
    with pytest.raises(JobStoppedError):
        worker.take_in(job)
    worker.cancelled(job)
    worker.over(job)
    database.close()
    assert files(site) == []
    assert conn.execute("select state from layer_job").fetchall() == [("cancelled",)]
    assert act(site, client, key, "cancel") == 404


def test_files_that_nobody_needs_go(site: Site, database_url: str, conn: Db) -> None:
    """The sweep keeps what open jobs need and what is still being written, and drops the rest."""
    client = clerk(site)
    send(site, client)
    worker, database = desk(site, database_url)
    uploads = worker.uploads
    (uploads.folder / "old").mkdir()
    (uploads.folder / "old" / "a.csv").write_bytes(b"x")
    now = (uploads.folder / "old").stat().st_mtime
    uploads.sweep(layer_uploads.kept(conn), now + 60)
    assert len(files(site)) == 2
    uploads.sweep(layer_uploads.kept(conn), now + 7200)
    assert [path.name for path in files(site)] == ["cot_ang_ten.csv"]
    conn.execute("update layer_job set state = 'asking', created_at = now() - interval '8 days'")
    uploads.sweep(layer_uploads.kept(conn), now + 7200)
    assert files(site) == []
    database.close()


def test_choices_are_bounded(site: Site, conn: Db) -> None:
    """Only what the page offers is taken for a choice, and only of a job that asks."""
    client = clerk(site)
    key = send(site, client).json()["job"]
    assert act(site, client, key, "look", {"layer": "tower"}) == 404  # it waits
    conn.execute("update layer_job set state = 'asking'")
    assert act(site, client, key, "look", {"crs": "+proj=longlat"}) == 422
    assert act(site, client, key, "look", {"path": "/etc/passwd"}) == 422
    assert act(site, client, key, "look", {"layer": "tower", "crs": "EPSG:5899"}) == 202
    found = run(conn, layer_uploads.one(key))
    assert found is not None
    assert (found.state, found.argument["layer"]) == ("waiting", "tower")
