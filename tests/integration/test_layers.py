"""The layers worker on a real database: leases, kill -9, versions that browsers keep."""

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from ioc.domain.instant import SECOND, Micros
from ioc.domain.layer import BASE_LAYERS, POINT_LAYERS, LayerJob
from ioc.storage import layers as store
from layers import publish
from layers.__main__ import Database, ImportDesk
from layers.worker import Worker
from tests.awaiting import wait_for
from tests.integration import web_site
from tests.integration.whole_path import Process

Db = psycopg.Connection[tuple[Any, ...]]
EVERY = (*BASE_LAYERS, *POINT_LAYERS)
GEOJSON = b'{"type": "FeatureCollection", "attribution": "us", "features": [%s]}'
FEATURE = b'{"type": "Feature", "geometry": null, "properties": {"n": %d}}'


def document(number: int) -> bytes:
    return GEOJSON % (FEATURE % number)


class Deaf:
    """A bus that nobody listens to: losing a notice loses nothing."""

    def layer(self, layer: str, version: str) -> None: ...

    def heartbeat(self, now: Micros) -> None: ...


def worker(url: str, shipped: Callable[[str], bytes]) -> tuple[Worker, Database]:
    database = Database(url)
    desk = ImportDesk(web_site.settings_for(url, "", ""), database)
    return Worker(database, database, database, Deaf(), shipped, desk), database


@pytest.fixture
def processes(
    tmp_path: Path, database_url: str, redis_url: str, redis_prefix: str
) -> Iterator[Callable[[], Process]]:
    """Return a starter of `python -m layers`."""
    environment = {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
    }
    started: list[Process] = []

    def start() -> Process:
        process = Process("layers", environment, tmp_path / f"layers-{len(started)}.log")
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.stop()


def job(conn: Db, number: int) -> tuple[str, int, str | None]:
    row = conn.execute(
        "select state, attempts, error from layer_job where id = %s", (number,)
    ).fetchone()
    assert row is not None
    return row


def end_lease(conn: Db) -> None:
    """Let a minute pass for every lease and pause."""
    conn.execute(
        "update layer_job set lease_until = now() - interval '1 s' where lease_until > now()"
    )


# ---------------------------------------------------------------- leases


def test_each_job_goes_to_one_worker(database_url: str, conn: Db) -> None:
    """Four workers that claim at once never get the same job."""
    wanted = {store.enqueue(conn, "publish", {"layer": str(n)}, "test") for n in range(40)}
    claimed: list[LayerJob] = []

    def claim() -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            while (found := store.claim(own)) is not None:
                claimed.append(found)

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found.id for found in claimed) == sorted(wanted)


def test_the_same_wish_is_one_job(conn: Db) -> None:
    """Asking again for what already waits adds nothing; asking for what runs does."""
    first = store.enqueue(conn, "publish", {"layer": "bts"}, "a")
    assert store.enqueue(conn, "publish", {"layer": "bts"}, "b") == first
    assert store.claim(conn) is not None
    assert store.enqueue(conn, "publish", {"layer": "bts"}, "c") != first


def test_a_worker_that_lost_its_lease_changes_nothing(conn: Db) -> None:
    """Who comes back after the end of the lease may neither finish nor fail the other's job."""
    number = store.enqueue(conn, "publish", {}, "test")
    slow = store.claim(conn)
    assert slow is not None
    assert store.claim(conn) is None
    end_lease(conn)
    fast = store.claim(conn)
    assert fast is not None
    assert (fast.id, fast.attempts) == (number, 2)
    store.finish(conn, slow)
    store.give_back(conn, slow, "late", final=True)
    assert job(conn, number) == ("running", 2, None)
    store.finish(conn, fast)
    assert job(conn, number) == ("done", 2, None)


def test_killed_workers_job_is_taken_over(
    database_url: str, conn: Db, processes: Callable[[], Process]
) -> None:
    """Kill -9 in the middle of a job: nobody takes it while the lease lasts, then one does it."""
    first = processes()
    wait_for(lambda: set(store.versions(conn)) == set(EVERY), 30)
    with psycopg.connect(database_url) as blocker:  # holds the layer's lock until the block ends
        blocker.execute("select pg_advisory_xact_lock(hashtext('layer'), hashtext('bts'))")
        number = store.enqueue(conn, "publish", {"layer": "bts"}, "test")
        wait_for(lambda: job(conn, number)[:2] == ("running", 1))
        first.kill9()
        assert store.claim(conn) is None
    processes()
    end_lease(conn)
    wait_for(lambda: job(conn, number) == ("done", 2, None), 30)
    assert set(store.versions(conn)) == set(EVERY)


def test_a_job_that_kills_each_worker_is_given_up(conn: Db) -> None:
    """After five deaths the job is failed with that reason instead of killing the sixth."""
    number = store.enqueue(conn, "publish", {}, "test")
    for _ in range(store.MAX_ATTEMPTS):
        assert store.claim(conn) is not None
        end_lease(conn)
    assert store.claim(conn) is None
    state, _, error = job(conn, number)
    assert state == "failed"
    assert error


# ---------------------------------------------------------------- versions


def test_a_failed_job_keeps_the_version_and_says_why(database_url: str, conn: Db) -> None:
    """A broken file leaves the map as it was; the job holds the reason."""
    files = {"water": document(1)}
    one, database = worker(database_url, lambda layer: files[layer])
    one.publish("water")
    before = store.versions(conn)
    files["water"] = b"{broken"
    number = store.enqueue(conn, "publish", {"layer": "water"}, "test")
    one.turn(Micros(0))
    state, _, error = job(conn, number)
    assert (state, store.versions(conn)) == ("failed", before)
    assert error
    files["water"] = document(2)
    again = store.enqueue(conn, "publish", {"layer": "water"}, "test")
    one.turn(Micros(SECOND))
    assert job(conn, again)[0] == "done"
    assert store.versions(conn) != before
    database.close()


def test_a_disk_that_is_away_is_tried_again(database_url: str, conn: Db) -> None:
    """What may pass is given back with a pause, five times, then failed with the last reason."""

    def away(_layer: str) -> bytes:
        raise OSError("disk away")

    one, database = worker(database_url, away)
    number = store.enqueue(conn, "publish", {"layer": "water"}, "test")
    states = []
    for turn in range(store.MAX_ATTEMPTS):
        one.turn(Micros(turn))
        states.append(job(conn, number))
        assert store.claim(conn) is None  # the pause holds
        end_lease(conn)
    database.close()
    assert [state for state, _, _ in states] == ["waiting"] * 4 + ["failed"]
    assert states[-1][2] == "disk away"


def test_versions_are_gzipped_and_few(conn: Db) -> None:
    """The body is stored compressed, the same content is nothing new, old versions go."""
    made = [publish.base(document(n)) for n in range(6)]
    assert [store.put(conn, "water", one) for one in (made[0], made[0])] == [True, False]
    for one in made[1:]:
        assert store.put(conn, "water", one)
    current = store.versions(conn)["water"]
    assert current == made[-1].version
    body = store.body(conn, "water", current)
    assert body is not None
    assert gzip.decompress(body) == made[-1].body
    kept = conn.execute("select count(*), sum(current::int) from layer_version").fetchone()
    assert kept == (store.KEEP_VERSIONS, 1)
    assert store.put(conn, "water", made[-2])  # what was once current may be so again
    assert store.versions(conn)["water"] == made[-2].version


def test_browsers_keep_a_version(
    database_url: str, redis_url: str, redis_prefix: str, conn: Db
) -> None:
    """/geo answers gzipped and immutable with an ETag, 304 to who has it, 404 to the unknown."""
    made = publish.base(document(1))
    store.put(conn, "water", made)
    token = web_site.add_people(conn)
    given = web_site.settings_for(database_url, redis_url, redis_prefix, port=0)
    with web_site.running(given) as site:
        client = site.client(token)
        address = f"/geo/water/{made.version}.geojson"
        whole = client.get(address)
        packed = client.get(address, **{"Accept-Encoding": "gzip"})
        assert (whole.status, whole.body) == (200, made.body)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == made.body
        assert "immutable" in packed.headers["cache-control"]
        kept = client.get(address, **{"If-None-Match": packed.headers["etag"]})
        assert (kept.status, kept.body) == (304, b"")
        assert client.get("/geo/water/0000000000000000.geojson").status == 404


# ---------------------------------------------------------------- the process


def test_a_file_is_imported_by_the_process(
    conn: Db, processes: Callable[[], Process], tmp_path: Path
) -> None:
    """A job with a map file becomes a version; what came of it is the job's result."""
    path = tmp_path / "cot.csv"
    path.write_text("code,lon,lat\nA,106.82,10.94\nB,106.83,10.95\nC,x,11\n")
    asked = {"path": str(path), "layer": "tower", "by": "an"}
    number = store.enqueue(conn, "import", asked, "an")
    wrong = store.enqueue(conn, "import", {"path": 7}, "an")
    processes()
    wait_for(lambda: job(conn, wrong)[0] == "failed", 60)
    assert job(conn, number)[0] == "done"
    row = conn.execute("select result from layer_job where id = %s", (number,)).fetchone()
    assert row is not None
    assert (row[0]["counts"]["added"], row[0]["counts"]["refused"]) == (2, 1)
    assert store.versions(conn, ["tower"]) == {"tower": row[0]["version"]}


def test_the_process_follows_the_registry(
    conn: Db, processes: Callable[[], Process], redis_url: str, redis_prefix: str
) -> None:
    """A thing that is admitted is on the map soon after the notice; a sign of life is there."""
    processes()
    wait_for(lambda: set(store.versions(conn)) == set(EVERY), 30)
    before = store.versions(conn)
    with redis.Redis.from_url(redis_url) as client:
        wait_for(lambda: client.hget(f"{redis_prefix}heartbeat", "layers"))
        thing, _ = web_site.add_thing(conn, "KK-1")
        conn.execute(
            "insert into location (thing_id, lon, lat, commune_how, outline)"
            " values (%s, 107, 11, 'none', 'inside')",
            (thing,),
        )
        client.publish(f"{redis_prefix}notice", b'{"kind": "registry"}')
        wait_for(lambda: store.versions(conn)["things"] != before["things"], 10)
    assert store.versions(conn)["bts"] == before["bts"]
