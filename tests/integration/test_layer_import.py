"""Imports on a real database: versions, undo, two at once, a kill in the middle."""

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
import pytest
import shapely
from psycopg import Connection

from ioc import vn2000
from ioc.domain.errors import LayerFileError
from ioc.storage import features
from ioc.storage import layers as versions
from ioc.storage.features import Shelf
from layers import ground, importing, publish, undoing
from layers.__main__ import Database
from layers.importing import Request
from layers.report import Outcome, Report
from layers.shipped import shipped
from tests.awaiting import wait_for
from tests.integration import web_site

Db = Connection[tuple[Any, ...]]
ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
Rows = dict[str, tuple[float, float]]  # code -> lon, lat

A: Rows = {f"S{n:02d}": (106.8 + n / 100, 10.95 + n / 200) for n in range(24)}


def stations(path: Path, rows: Rows, **more: Any) -> Path:
    """Write points with codes; `more`: a column of one value."""
    features_ = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"code": code, "name": f"Trạm {code}", **more},
        }
        for code, (lon, lat) in rows.items()
    ]
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features_}))
    return path


def run(conn: Db, path: Path, layer: str = "tower", **asked: Any) -> Report:
    """Import with a person's yes unless said otherwise."""
    wishes: dict[str, Any] = {"yes": True, "by": "an"} | asked
    return importing.run(Request(path, layer, **wishes), ground.of(CONFIG, "75", Shelf(conn)))


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ioc.cli", "layers", *words]


def codes(conn: Db, layer: str = "tower") -> list[str]:
    return [feature.code for feature in Shelf(conn).features(layer)]


def served(conn: Db, layer: str = "tower") -> dict[str, Any]:
    """Return the published document that is current."""
    body = versions.body(conn, layer, versions.versions(conn, [layer])[layer])
    assert body is not None
    document: dict[str, Any] = orjson.loads(gzip.decompress(body))
    return document


def test_an_import_is_a_version(conn: Db, tmp_path: Path) -> None:
    """Rows, the published document, the history and the audit come together."""
    report = run(conn, stations(tmp_path / "a.geojson", A))
    assert (report.outcome, report.counts["added"]) == (Outcome.COMMITTED, 24)
    assert codes(conn) == sorted(A)
    assert versions.versions(conn, ["tower"]) == {"tower": report.version}
    document = served(conn)
    assert [one["properties"]["code"] for one in document["features"]] == sorted(A)
    assert document["features"][0]["geometry"]["coordinates"] == [106.8, 10.95]
    (told,) = features.history(conn)
    assert (told.layer, told.number, told.features, told.by) == ("tower", 1, 24, "an")
    assert conn.execute("select actor, action, object from audit").fetchall() == [
        ("an", "layer.import", "tower")
    ]


def test_the_next_import_changes_what_differs(conn: Db, tmp_path: Path) -> None:
    """Added, changed, removed and unchanged are told by code; unchanged rows are not rewritten."""
    run(conn, stations(tmp_path / "a.geojson", A))
    after = {**A, "S00": (106.9, 10.99), "NEW": (107.0, 11.0)}
    del after["S01"]
    report = run(conn, stations(tmp_path / "b.geojson", after))
    assert report.counts == {
        "read": 24, "added": 1, "changed": 1, "removed": 1, "unchanged": 22, "refused": 0,
    }  # fmt: skip
    assert codes(conn) == sorted(after)
    rows = conn.execute("select count(*) from layer_feature where since = 2").fetchone()
    assert rows == (2,)


def test_the_same_again_is_nothing_new(conn: Db, tmp_path: Path) -> None:
    """A file that changes nothing makes no version."""
    first = run(conn, stations(tmp_path / "a.geojson", A))
    again = run(conn, stations(tmp_path / "b.geojson", dict(reversed(A.items()))))
    assert (again.outcome, again.version) == (Outcome.COMMITTED, first.version)
    assert features.history(conn)[0].number == 1


def test_undo_goes_back_step_by_step(conn: Db, tmp_path: Path) -> None:
    """Each undo republishes what was before, to the start; then there is nothing to undo."""
    one = run(conn, stations(tmp_path / "a.geojson", A))
    more = {**A, "S00": (106.9, 10.99), "X": (107, 11)}
    two = run(conn, stations(tmp_path / "b.geojson", more, owner="VNPT", height_m=42, note="x"))
    three = run(conn, stations(tmp_path / "c.geojson", {"Y": (107.0, 11.0)}))
    assert len({one.version, two.version, three.version}) == 3
    shelf = Shelf(conn)
    for expected, count in ((two, 25), (one, 24)):
        published = undoing.undo(shelf, "tower", (), "an")
        assert published is not None
        assert versions.versions(conn, ["tower"]) == {"tower": expected.version}
        assert len(codes(conn)) == count
    assert shelf.features("tower", ["S00"])[0].bounds[0] == 106.8
    assert undoing.undo(shelf, "tower", (), "an") is None
    assert (codes(conn), versions.versions(conn, ["tower"])) == ([], {})
    with pytest.raises(LayerFileError) as refused:
        undoing.undo(shelf, "tower", (), "an")
    assert refused.value.reason == "no_previous"
    assert run(conn, stations(tmp_path / "d.geojson", A)).version == one.version


def test_an_import_after_an_undo(conn: Db, tmp_path: Path) -> None:
    """What was undone is not a base: the next import compares with what is served."""
    run(conn, stations(tmp_path / "a.geojson", A))
    run(conn, stations(tmp_path / "b.geojson", {"Y": (107.0, 11.0)}))
    undoing.undo(Shelf(conn), "tower", (), "an")
    report = run(conn, stations(tmp_path / "c.geojson", {**A, "Z": (107.0, 11.1)}))
    assert (report.counts["added"], report.counts["unchanged"]) == (1, 24)
    undoing.undo(Shelf(conn), "tower", (), "an")
    assert codes(conn) == sorted(A)


def test_refused_and_dry_runs_change_nothing(conn: Db, tmp_path: Path) -> None:
    """Neither a file that is refused, nor an undecided one, nor a dry run leaves a trace."""
    first = run(conn, stations(tmp_path / "a.geojson", A))
    far = stations(tmp_path / "far.geojson", {"P": (2.3, 48.9)})
    assert run(conn, far).exit_code == 1
    part = stations(tmp_path / "part.geojson", {"S00": A["S00"]})
    report = run(conn, part, yes=False)  # most of the layer would go
    assert (report.exit_code, report.counts["removed"]) == (3, 23)
    report = run(conn, part, dry_run=True)
    assert (report.outcome, report.counts["removed"]) == (Outcome.DRY_RUN, 23)
    assert codes(conn) == sorted(A)
    assert features.history(conn)[0].version == first.version


def test_a_refused_row_keeps_its_station(conn: Db, tmp_path: Path) -> None:
    """A bad cell does not take a station off the map: what the layer has of it stays."""
    run(conn, stations(tmp_path / "a.geojson", A))
    moved = {**A, "S00": (105.8, 21.0), "S01": (106.9, 10.99)}
    report = run(conn, stations(tmp_path / "b.geojson", moved))
    assert (report.counts["refused"], report.counts["changed"], report.counts["removed"]) == (
        1,
        1,
        0,
    )
    assert codes(conn) == sorted(A)
    assert len(served(conn)["features"]) == 24
    kept = conn.execute("select refused from layer_import where number = 2").fetchone()
    assert kept is not None
    assert b"S00" in bytes(kept[0])


def test_one_of_two_at_once_wins(conn: Db, tmp_path: Path, database_url: str) -> None:
    """Two imports of one layer at the same time: one is committed, the other is told."""
    paths = [stations(tmp_path / f"{n}.geojson", {**A, f"N{n}": (107.0, 11.0)}) for n in range(2)]
    gate, done = threading.Barrier(2), list[Report]()

    def work(path: Path) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            base = ground.of(CONFIG, "75", Shelf(own), tell=meet)
            done.append(importing.run(Request(path, "tower", yes=True, by="x"), base))

    def meet(stage: str) -> None:
        if stage == "commit":
            gate.wait(20)

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(report.outcome for report in done) == ["committed", "refused"]
    (loser,) = (report for report in done if report.outcome is Outcome.REFUSED)
    assert "người khác" in loser.error
    assert len(codes(conn)) == 25


def test_kill_in_the_middle(conn: Db, tmp_path: Path, database_url: str) -> None:
    """Kill -9 while an import writes: the version before is served, and the import can be had."""
    first = run(conn, stations(tmp_path / "a.geojson", A))
    path = stations(tmp_path / "b.geojson", {"Y": (107.0, 11.0)})
    with psycopg.connect(database_url) as blocker:
        blocker.execute("select 1 from audit for update")
        blocker.execute("lock table audit in access exclusive mode")  # the import's last write
        process = subprocess.Popen(
            command("import", str(path), "--layer", "tower", "--yes", "--json"),
            env=os.environ | {"IOC_DATABASE_URL": database_url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        waiting = "select count(*) from pg_locks where not granted and relation = 'audit'::regclass"
        wait_for(lambda: conn.execute(waiting).fetchone() == (1,), 60)
        process.kill()
        process.wait()
        assert versions.versions(conn, ["tower"]) == {"tower": first.version}
    wait_for(lambda: conn.execute(waiting).fetchone() == (0,), 30)
    assert versions.versions(conn, ["tower"]) == {"tower": first.version}
    assert codes(conn) == sorted(A)
    assert run(conn, path).outcome is Outcome.COMMITTED


def test_what_a_person_mapped_is_remembered(conn: Db, tmp_path: Path) -> None:
    """The next file of the same columns needs no --map."""
    path = stations(tmp_path / "a.geojson", A, zzz="K1")
    assert run(conn, path).columns["zzz"] is None
    report = run(conn, path, mapping={"zzz": "licence"})
    assert (report.counts["changed"], report.columns["zzz"]) == (24, "licence")
    again = run(conn, stations(tmp_path / "b.geojson", A, zzz="K2"))
    assert (again.counts["changed"], again.columns["zzz"]) == (24, "licence")


# ---------------------------------------------------------------- boundary and datum


def communes(path: Path) -> Path:
    """Write two communes that share a border at 107°, one of them with the names it had."""
    shapes = [
        ("100", "Phường Tây", shapely.box(106.7, 10.8, 107.0, 11.3), "Xã Cũ Một; Xã Cũ Hai"),
        ("200", "Xã Đông", shapely.box(107.0, 10.8, 107.3, 11.3), ""),
    ]
    made = [
        {
            "type": "Feature",
            "geometry": orjson.loads(shapely.to_geojson(shape)),
            "properties": {"code": code, "name": name, "old_names": old},
        }
        for code, name, shape, old in shapes
    ]
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": made}))
    return path


def test_an_imported_boundary_is_used(conn: Db, tmp_path: Path) -> None:
    """After the boundary file the commune is by area, and old names are understood."""
    assert run(conn, communes(tmp_path / "xa.geojson"), "communes").exit_code == 0
    rows = {"W": (106.9, 11.0), "E": (107.1, 11.0)}
    path = stations(tmp_path / "a.geojson", rows, commune_name="xã cũ hai")
    report = run(conn, path)
    east, west = Shelf(conn).features("tower")
    assert (west.commune_code, west.commune_how) == ("100", "boundary")
    assert (east.commune_code, east.commune_how) == ("200", "boundary")
    assert not any("gần đúng" in warning for warning in report.warnings)
    assert any(warning.startswith("1 dòng ghi tên xã khác") for warning in report.warnings)


def test_what_ships_does_not_replace_an_import(conn: Db, tmp_path: Path, database_url: str) -> None:
    """The worker publishes the shipped communes until there are imported ones; undo brings them."""
    database = Database(database_url)
    made = publish.base(shipped("communes"))
    assert database.put("communes", made)
    report = run(conn, communes(tmp_path / "xa.geojson"), "communes")
    assert not database.put("communes", made)
    assert versions.versions(conn, ["communes"]) == {"communes": report.version}
    undoing.undo(Shelf(conn), "communes", (), "an")
    job = versions.claim(conn)
    assert job is not None
    assert job.argument == {"layer": "communes"}
    assert database.put("communes", made)
    database.close()


def test_a_forgotten_shift_shows_by_code(conn: Db, tmp_path: Path) -> None:
    """Twenty codes that all moved alike by some 225 m: the file is named, and waits for a yes."""
    run(conn, stations(tmp_path / "a.geojson", A))
    places = vn2000.of_epsg(4756).from_lonlat(np.array(list(A.values())))
    unshifted = {code: (lon, lat) for code, (lon, lat) in zip(A, places.tolist(), strict=True)}
    report = run(conn, stations(tmp_path / "b.geojson", unshifted), yes=False)
    assert report.exit_code == 3
    assert any("quên" in question and "22" in question for question in report.questions)
    few = dict(list(unshifted.items())[:5])
    report = run(conn, stations(tmp_path / "c.geojson", few), dry_run=True)
    assert not any("quên" in question for question in report.questions)


def test_a_forgotten_shift_shows_by_commune(conn: Db, tmp_path: Path) -> None:
    """Rows that name another commune than their place, and fit once shifted, give it away."""
    run(conn, communes(tmp_path / "xa.geojson"), "communes")
    true = np.array([[107.0005 + n / 100000, 10.9 + n / 50] for n in range(15)])
    moved = vn2000.of_epsg(4756).from_lonlat(true)
    assert (moved[:, 0] < 107).all()
    rows = {f"S{n:02d}": (lon, lat) for n, (lon, lat) in enumerate(moved.tolist())}
    path = stations(tmp_path / "a.geojson", rows, commune_code="200")
    report = run(conn, path, yes=False)
    assert report.exit_code == 3
    assert any("khớp lại" in question for question in report.questions)


# ---------------------------------------------------------------- things, screens


def test_a_row_is_the_place_of_a_thing(conn: Db, tmp_path: Path) -> None:
    """A code that is a thing's gives the feature the thing's id, so that its state joins."""
    thing, _ = web_site.add_thing(conn, "S05")
    run(conn, stations(tmp_path / "a.geojson", A))
    ids = {one["properties"]["code"]: one["id"] for one in served(conn)["features"]}
    assert ids["S05"] == thing
    assert len(set(ids.values())) == 24
    assert all(0 < one < 2**53 for one in ids.values())


def test_masts_follow_the_registry(conn: Db, tmp_path: Path, database_url: str) -> None:
    """Imported masts have kind and short name; one whose thing came later gets the thing's id."""
    run(conn, stations(tmp_path / "a.geojson", A), "bts")
    before = {one["properties"]["code"]: one for one in served(conn, "bts")["features"]}
    assert (before["S05"]["properties"]["kind"], before["S05"]["properties"]["short"]) == (
        "bts",
        "Trạm S05",
    )
    thing, _ = web_site.add_thing(conn, "S05", kind="bts")
    database = Database(database_url)
    registry = publish.points(database.points(bts=True))
    taken, again = database.rejoined(), database.rejoined()
    replaced = database.put("bts", registry)
    database.close()
    assert ([layer for layer, _ in taken], again) == (["bts"], [])
    assert not replaced, "the registry's points took the place of what a person imported"
    after = {one["properties"]["code"]: one["id"] for one in served(conn, "bts")["features"]}
    assert after["S05"] == thing
    assert {**after, "S05": 0} == {code: one["id"] for code, one in before.items()} | {"S05": 0}
    assert run(conn, tmp_path / "a.geojson", "bts").version == versions.versions(conn)["bts"]


def test_hidden_fields_are_not_published(conn: Db, tmp_path: Path) -> None:
    """An IP address is kept for those who may read it and is on no map."""
    path = stations(tmp_path / "a.geojson", A, ip="10.1.2.3")
    run(conn, path, "tslcd_point")
    assert b"10.1.2.3" in Shelf(conn).features("tslcd_point")[0].properties
    assert "10.1.2.3" not in str(served(conn, "tslcd_point"))


def test_the_command(conn: Db, tmp_path: Path, database_url: str) -> None:
    """Import, list and undo as people type them; JSON is one document on standard output."""

    def run_cli(*words: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"IOC_DATABASE_URL": database_url, "IOC_REDIS_URL": ""}
        return subprocess.run(
            command(*words), env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )

    path = stations(tmp_path / "a.geojson", A)
    done = run_cli("import", str(path), "--layer", "tower", "--json")
    assert done.returncode == 0, done.stderr
    told = orjson.loads(done.stdout)
    assert set(told) == {
        "layer", "dry_run", "committed", "version", "counts", "refused", "crs", "encoding",
        "columns", "warnings",
    }  # fmt: skip
    assert (told["committed"], told["crs"]["how"]) == (True, "declared")
    assert told["version"] in run_cli("list").stdout
    assert run_cli("undo", "tower").returncode == 0
    assert run_cli("undo", "tower").returncode == 1
    assert codes(conn) == []
