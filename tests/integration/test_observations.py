"""The write: exact under redelivery, corrections and late rows, on the real server."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ingest.grading import Grader
from ioc import catalogue
from ioc.catalogue import Property
from ioc.domain.instant import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime
from ioc.domain.intake import Arrival, Batch, DatastreamSpec, FeedSpec, Letter, Sighting, Slots
from ioc.domain.location import Outline, Place, Province
from ioc.storage import channels, dead_letters, observations, retention, rollups, things
from ioc.storage.batches import Recorder
from ioc.storage.registry import Registry
from ioc.storage.things import ThingSeed
from tests.integration.ingest_rig import broken_invariants, one

Db = Connection[tuple[Any, ...]]
FEED = FeedSpec(
    "f", "F", "F", "environment", 60, 300, datastreams={"v": DatastreamSpec("pm25", None, 0, 999)}
)
SPECS = {"f": FEED}
CATALOGUE = {
    "pm25": Property("Bụi", "Dust", "µg/m³", max=500),
    "air_pressure": Property("Khí áp", "Air pressure", "hPa"),
    "unclassified": Property("Chưa phân loại", "Not classified", ""),
}


@pytest.fixture
def now(conn: Db) -> Micros:
    """Return the server's time and fill the registry."""
    things.upsert_properties(conn, CATALOGUE)
    things.upsert_feeds(conn, SPECS.values())
    return from_datetime(one(conn, "select now()"))


@pytest.fixture
def recorder(database_url: str, now: Micros) -> Iterator[Recorder]:
    """Yield a writer of two pending things at most."""
    assert now
    held = Recorder(
        database_url, "w", Registry(SPECS, Province().place, CATALOGUE, pending_per_feed=2), Grader
    )
    yield held
    held.close()


def batch(
    now: int,
    *rows: tuple[str, int, float],
    quality: int = 0,
    dup: bool = False,
    name: str = "v",
    unit: str = "",
) -> Batch:
    """Make a batch: one message a row (thing, time, result)."""
    made = Batch(Slots(), messages=len(rows))
    for n, (thing, time, result) in enumerate(rows):
        made.arrivals.append(Arrival("f/x", b"{}", Micros(now), n + 1, dup))
        made.streams.append(made.slots.of(("f", thing, name, unit)))
        made.times.append(time)
        made.results.append(result)
        made.qualities.append(quality)
        made.flags.append(0)
        made.origins.append(n)
    return made


def test_a_batch_is_stored_with_its_minute_and_number(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """Rows, rollup, batch row and the new thing appear together."""
    done = recorder.commit(batch(now, ("a", now, 4.0), ("a", now + 1, 6.0)))
    assert (done.number, done.inserted, done.new_things) == (1, 2, 1)
    assert [row[2] for row in done.rows or []] == [4.0, 6.0]
    assert one(conn, "select sum(sum) from observation_minute") == 10.0
    assert one(conn, "select state from thing") == "pending"
    assert broken_invariants(conn) == []


def test_a_redelivered_batch_changes_nothing(conn: Db, recorder: Recorder, now: Micros) -> None:
    """The same keys and values again are absorbed and counted as such."""
    rows = [("a", now + n, float(n)) for n in range(50)]
    recorder.commit(batch(now, *rows))
    again = recorder.commit(batch(now, *rows, dup=True))
    assert (again.inserted, again.absorbed, again.corrected) == (0, 50, 0)
    assert list(again.rows or []) == []
    assert broken_invariants(conn) == []


def test_a_large_batch_is_exact_whatever_of_it_is_known(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """400 values, the same again, and again with one corrected and one new: each is seen."""
    first = [("a", now - step * SECOND, float(step)) for step in range(400)]
    done = recorder.commit(batch(now, *first))
    assert (done.inserted, done.absorbed) == (400, 0)
    done = recorder.commit(batch(now, *first))
    assert (done.inserted, done.absorbed) == (0, 400)
    other = [("a", now, 7.5), *first[1:], ("a", now + SECOND, 1.0)]
    done = recorder.commit(batch(now, *other))
    assert (done.inserted, done.absorbed, done.corrected) == (1, 399, 1)
    for later in range(2, 70):  # until it dares to copy again
        done = recorder.commit(
            batch(now, *(("a", now + later * SECOND + n * 1000, 1.0) for n in range(300)))
        )
        assert done.inserted == 300
    assert broken_invariants(conn) == []


def test_another_value_of_the_same_key_is_a_correction(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """The old row is kept aside, the new one stands, its minute is right again."""
    recorder.commit(batch(now, ("a", now, 4.0), ("b", now, 1.0)))
    done = recorder.commit(batch(now, ("a", now, 9.0), ("b", now, 1.0)))
    assert (done.inserted, done.absorbed, done.corrected) == (0, 1, 1)
    assert [row[2] for row in done.rows or []] == [9.0]
    assert one(conn, "select result from observation_correction") == 4.0
    assert one(conn, "select max(max) from observation_minute") == 9.0
    assert one(conn, "select n_corrected from ingest_batch where batch_no = 2") == 1
    assert broken_invariants(conn) == []


STORED = """
select d.sent_unit, d.unit, o.result from observation o join datastream d on d.id = o.datastream_id
order by o.phenomenon_time
"""


@pytest.mark.parametrize("restarted", [False, True])
def test_a_unit_that_is_told_later(
    conn: Db, recorder: Recorder, now: Micros, *, restarted: bool
) -> None:
    """The unit that was assumed is confirmed, later silence means the same, another is another."""

    def send(at: int, value: float, unit: str, name: str = "v") -> None:
        recorder.commit(batch(now, ("a", now + at, value), name=name, unit=unit))
        if restarted:
            recorder.close()

    for at, (value, unit) in enumerate([(1.0, ""), (2.0, "µg/m³"), (3.0, ""), (0.004, "mg/m3")]):
        send(at, value, unit)
    assert [(sent, result) for sent, _, result in conn.execute(STORED)] == [
        ("", 1.0), ("", 2.0), ("", 3.0), ("mg/m3", 4.0)
    ]  # fmt: skip
    conn.execute("delete from observation")
    for at, (value, unit) in enumerate([(10.0, "Pa"), (11.0, ""), (12.0, "kPa"), (13.0, "")]):
        send(at, value, unit, "told first")
    assert conn.execute(STORED).fetchall() == [
        ("Pa", "Pa", 10.0), ("Pa", "Pa", 11.0), ("kPa", "kPa", 12.0), ("Pa", "Pa", 13.0)
    ]  # fmt: skip
    conn.execute("delete from observation")
    for at, (value, unit) in enumerate([(1.0, ""), (2.0, "Pa")]):
        send(at, value, unit, "never said")
    assert conn.execute(STORED).fetchall() == [("", "", 1.0), ("Pa", "Pa", 2.0)]


def test_what_a_state_came_with_is_kept_with_it(conn: Db, recorder: Recorder, now: Micros) -> None:
    """Each state keeps its own words however late a message comes; a correction takes them away."""

    def said(*rows: tuple[int, float, str], dup: bool = False) -> None:
        made = batch(now, *[("a", now + at, state) for at, state, _ in rows], dup=dup)
        made.details = {n: detail for n, (_, _, detail) in enumerate(rows)}
        recorder.commit(made)

    def kept() -> list[tuple[int, str]]:
        rows = conn.execute("select phenomenon_time, detail from status_detail order by 1")
        return [(from_datetime(time) - now, detail) for time, detail in rows]

    said((0, 0, ""), (SECOND, 1, "tamper"), (3 * SECOND, 1, "tamper"))
    said((2 * SECOND, 1, "tamper, blur"))
    whole = [(SECOND, "tamper"), (2 * SECOND, "tamper, blur"), (3 * SECOND, "tamper")]
    assert kept() == whole
    said((SECOND, 1, "tamper"), (3 * SECOND, 1, "tamper"), dup=True)
    assert kept() == whole
    said((3 * SECOND, 0, ""))
    assert kept() == whole[:2]


def test_details_follow_their_rows_when_a_batch_is_split(now: Micros) -> None:
    """The half of a batch that a poison row left whole has the words of its own states."""
    made = batch(now, ("a", now, 0.0), ("b", now, 1.0), ("c", now, 1.0), ("d", now, 1.0))
    made.details = {1: "tamper", 3: "blur"}
    first, second = made.halves()
    assert (first.details, second.details) == ({1: "tamper"}, {1: "blur"})


def test_the_later_of_two_values_in_one_batch_corrects_the_first(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """Order of arrival decides, not the order in which the server sorted."""
    done = recorder.commit(batch(now, ("a", now, 9.0), ("a", now, 4.0), ("a", now, 4.0)))
    assert (done.inserted, done.absorbed, done.corrected) == (1, 1, 1)
    assert one(conn, "select result from observation") == 4.0
    assert one(conn, "select result from observation_correction") == 9.0
    assert broken_invariants(conn) == []


def test_a_redelivery_does_not_bring_a_corrected_value_back(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """After a kill the broker sends the old value before the new one again."""
    recorder.commit(batch(now, ("a", now, 4.0)))
    recorder.commit(batch(now, ("a", now, 9.0)))
    done = recorder.commit(batch(now, ("a", now, 4.0), ("a", now, 9.0), dup=True))
    assert (done.absorbed, done.corrected) == (2, 0)
    assert one(conn, "select result from observation") == 9.0
    assert one(conn, "select count(*) from observation_correction") == 1


def test_a_regraded_redelivery_is_no_correction(conn: Db, recorder: Recorder, now: Micros) -> None:
    """Our own grade may differ the second time; only what the station said is compared."""
    recorder.commit(batch(now, ("a", now, 5000.0)))
    conn.execute("update observation set quality = 0, flags = 0")
    done = recorder.commit(batch(now, ("a", now, 5000.0), dup=True))
    assert (done.absorbed, done.corrected) == (1, 0)
    worse = recorder.commit(batch(now, ("a", now, 5000.0), quality=2))
    assert worse.corrected == 1


def test_no_value_and_bad_quality_stay_out_of_the_sums(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """NaN, a value out of the sensor's range and a fault count as rows only."""
    recorder.commit(batch(now, ("a", now, nan), ("a", now + 1, 5000.0), ("a", now + 2, 7.0)))
    recorder.commit(batch(now, ("a", now + 3, 8.0), quality=2))
    row = conn.execute(
        "select sum(n), sum(n_good), sum(sum), min(min), max(max) from observation_minute"
    ).fetchone()
    assert row == (4, 1, 7.0, 7.0, 7.0)
    qualities = [q for (q,) in conn.execute("select quality from observation order by 1")]
    assert qualities == [0, 2, 3, 4]
    same = recorder.commit(batch(now, ("a", now, nan)))
    assert (same.absorbed, same.corrected) == (1, 0)


def test_late_rows_repair_their_minute_and_mark_their_hour(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """A row of two days ago reaches the minute at once and the hour at the builder's next turn."""
    late = now - 2 * DAY
    recorder.commit(batch(now, ("a", late, 4.0), ("a", now, 1.0)))
    rollups.build_closed_hours(conn)
    assert one(conn, "select count(*) from observation_hour_dirty") == 1
    recorder.commit(batch(now, ("a", late + 1, 6.0)))
    assert rollups.build_dirty_hours(conn) == 1
    hour = conn.execute("select n, sum, min, max, last from observation_hour").fetchall()
    assert hour == [(2, 10.0, 4.0, 6.0, 6.0)]
    assert rollups.build_dirty_hours(conn) == 0
    assert broken_invariants(conn) == []


def test_a_correction_in_a_closed_hour_rebuilds_it(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """The hour agrees with its minutes after the builder's turn."""
    late = now - 3 * HOUR
    recorder.commit(batch(now, ("a", late, 4.0)))
    while rollups.build_dirty_hours(conn):
        pass
    recorder.commit(batch(now, ("a", late, 5.0)))
    rollups.build_dirty_hours(conn)
    assert one(conn, "select sum from observation_hour") == 5.0


def test_a_batch_whose_commit_was_not_answered_is_known_again(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """The retry of the very same batch after a lost answer writes nothing twice."""
    held = batch(now, ("a", now, 4.0))
    held.letters.append(Letter("f", held.arrivals[0], "bad_value"))
    recorder.commit(held)
    recorder.close()
    again = recorder.commit(held)
    assert (again.number, again.rows) == (1, None)
    assert one(conn, "select count(*) from dead_letter") == 1
    assert one(conn, "select count(*) from ingest_batch") == 1


def test_numbers_go_on_after_a_reconnect(conn: Db, recorder: Recorder, now: Micros) -> None:
    """A lost connection leaves no hole in the numbers of the writer."""
    recorder.commit(batch(now, ("a", now, 1.0)))
    conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'ioc-ingest' and datname = current_database()"
    )
    held = batch(now, ("a", now + 1, 2.0))
    with pytest.raises(psycopg.OperationalError):
        recorder.commit(held)
    recorder.close()
    assert recorder.commit(held).number == 2
    assert broken_invariants(conn) == []


def test_pending_things_are_bounded_and_nothing_is_lost_silently(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """Beyond the limit a stranger's message is a dead letter with that reason."""
    done = recorder.commit(batch(now, ("a", now, 1.0), ("b", now, 1.0), ("c", now, 1.0)))
    assert (done.inserted, done.new_things) == (2, 2)
    assert one(conn, "select reason from dead_letter") == "pending_full"
    later = recorder.commit(batch(now, ("a", now + 1, 1.0), ("c", now + 1, 1.0)))
    assert later.inserted == 1
    assert one(conn, "select count(*) from dead_letter") == 2


def test_what_nobody_classified_is_kept(conn: Db, recorder: Recorder, now: Micros) -> None:
    """A raw name that no feed file explains is a datastream of its own, named as sent."""
    recorder.commit(batch(now, ("a", now, 1.0), name="rSSI"))
    row = conn.execute("select name, property, code, unit from datastream").fetchone()
    assert row == ("rSSI", "unclassified", "/rSSI", "")
    assert one(conn, "select result from observation") == 1.0


def test_one_raw_name_in_two_units_is_two_datastreams(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """Nothing is mixed: the unit as sent is a part of what a datastream is known by."""
    recorder.commit(batch(now, ("a", now, 1.0), name="", unit="Cel"))
    recorder.commit(batch(now, ("a", now, 2.0), name="", unit="%RH"))
    codes = [code for (code,) in conn.execute("select code from datastream order by id")]
    assert codes == ["/ [Cel]", "/ [%RH]"]


def test_two_raw_names_of_one_property_have_addresses_of_their_own(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """The first datastream of a property has its code, the next is addressed by its raw name."""
    spec = {"x": DatastreamSpec("pm25"), "y": DatastreamSpec("pm25")}
    registry = Registry(
        {"f": FeedSpec("f", "F", "F", "environment", 60, 300, datastreams=spec)},
        Province().place, CATALOGUE, pending_per_feed=9,
    )  # fmt: skip
    recorder = Recorder(recorder._url, "w2", registry, Grader)
    recorder.commit(batch(now, ("a", now, 1.0), name="y"))
    recorder.commit(batch(now, ("a", now, 1.0), name="x"))
    recorder.close()
    rows = conn.execute("select name, code, property from datastream order by id").fetchall()
    assert rows == [("y", "pm25", "pm25"), ("x", "/x", "pm25")]


def test_a_thing_with_a_counter_in_its_names_is_stopped(
    conn: Db, recorder: Recorder, now: Micros, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its datastreams a thing's new names are dead letters; the known ones go on."""
    monkeypatch.setattr(channels, "STREAMS_PER_THING", 2)
    for n in range(3):
        recorder.commit(batch(now, ("a", now + n, 1.0), name=f"c{n}"))
    assert one(conn, "select reason from dead_letter") == "too_many_datastreams"
    assert recorder.commit(batch(now, ("a", now + 9, 1.0), name="c1")).inserted == 1


def test_admission_keeps_the_history_of_a_pending_thing(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """The observations made while it was pending are its own afterwards."""
    recorder.commit(batch(now, ("a", now, 1.0)))
    thing = one(conn, "select id from thing")
    assert things.admit(conn, thing, by="lan", name="Trạm A")
    assert not things.admit(conn, thing, by="lan")
    assert one(conn, "select name || state || admitted_by from thing") == "Trạm Aadmittedlan"
    assert recorder.commit(batch(now, ("a", now + 1, 2.0))).new_things == 0
    assert one(conn, "select count(*) from observation") == 2


def test_a_place_outside_is_kept_and_reported(conn: Db, database_url: str, now: Micros) -> None:
    """Values are stored, the position is marked outside, a dead letter says so once."""
    outline = (((106.0, 10.0), (107.0, 10.0), (107.0, 11.0), (106.0, 11.0), (106.0, 10.0)),)
    registry = Registry(SPECS, Province(outline).place, CATALOGUE, pending_per_feed=9)
    recorder = Recorder(database_url, "w", registry, Grader)
    for n in range(2):
        held = batch(now, ("far", now + n, 1.0), ("odd", now + n, 1.0))
        held.sightings["f", "far"] = Sighting("far", "Xa", 120.0, 11.0)
        held.sightings["f", "odd"] = Sighting("odd", None, 10.0, 200.0)
        recorder.commit(held)
    recorder.close()
    assert one(conn, "select count(*) from observation") == 4
    assert one(conn, "select outline from location") == Outline.OUTSIDE
    reasons = [r for (r,) in conn.execute("select reason from dead_letter order by id")]
    assert reasons.count("location_outside") == 1
    assert set(reasons) == {"location_outside", "bad_location"}
    assert one(conn, "select name from thing where external_id = 'far'") == "Xa"


def test_known_things_are_seeded_in_bulk(conn: Db, now: Micros) -> None:
    """4,500 things cost far less than 4,500 times one, and again is no error."""
    assert now
    seeds = [
        ThingSeed(
            "f", f"s{n}", f"Trạm {n}", f"T{n}", "environment",
            Place(106.0, 11.0, Outline.INSIDE, None), 60, 300,
            {"v": DatastreamSpec("pm25", "µg/m³")},
        )
        for n in range(4500)
    ]  # fmt: skip
    import time

    few = 150
    begun = time.perf_counter()
    for seed in seeds[:few]:
        things.upsert_things(conn, [seed])
    singly = time.perf_counter() - begun
    conn.execute("truncate thing cascade")
    begun = time.perf_counter()
    ids = things.upsert_things(conn, seeds)
    assert time.perf_counter() - begun < singly * len(seeds) / few / 2
    assert things.upsert_things(conn, seeds) == ids
    assert one(conn, "select count(*) from datastream") == 4500


def test_strangers_that_nobody_admits_are_forgotten(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """After their time the thing and all it sent are gone; admitted things stay."""
    recorder.commit(batch(now, ("a", now, 1.0), ("b", now, 1.0)))
    things.admit(conn, one(conn, "select id from thing where external_id = 'b'"), by="x")
    conn.execute("update thing set created_at = now() - interval '31 days'")
    assert retention.expire_pending(conn, 30) == 1
    assert [n for (n,) in conn.execute("select external_id from thing")] == ["b"]
    assert broken_invariants(conn) == ["counts of batches"]  # batches tell what was taken in


def test_old_values_and_letters_go(conn: Db, recorder: Recorder, now: Micros) -> None:
    """Raw values beyond 90 days and dead letters beyond their days are removed."""
    held = batch(now, ("a", now - 95 * DAY, 1.0), ("a", now, 1.0))
    held.letters.append(Letter("f", Arrival("t", b"", Micros(now - 95 * DAY)), "empty"))
    recorder.commit(held)
    assert retention.drop_old_observations(conn) >= 1
    assert one(conn, "select count(*) from observation") == 1
    assert retention.drop_old_letters(conn, 90) == 1


def test_the_latest_value_is_the_newest_not_the_last(
    conn: Db, recorder: Recorder, now: Micros
) -> None:
    """What the live state is rebuilt from follows phenomenon time and skips timeless replays."""
    recorder.commit(batch(now, ("a", now, 5.0)))
    recorder.commit(batch(now, ("a", now - MINUTE, 3.0)))
    ghost = batch(now, ("a", now + SECOND, 9.0))
    ghost.flags = [2 | 16]
    recorder.commit(ghost)
    assert [row[2] for row in observations.latest(conn)] == [5.0]


def test_any_refusal_can_be_stored(conn: Db, recorder: Recorder, now: Micros) -> None:
    """Odd text in a detail and a payload beyond 1 MiB cannot stop the writer."""
    big = Arrival("t", b"x" * (2 << 20), now)
    held = Batch(Slots(), messages=1, letters=[Letter(None, big, "too_large", "a\0b\ud800")])
    recorder.commit(held)
    (letter,) = dead_letters.list_(conn, None)
    assert (len(letter.payload), letter.size, letter.detail) == (1 << 20, 2 << 20, "a\\0b?")


def test_the_catalogue_file_is_upserted(conn: Db, now: Micros, tmp_path: Path) -> None:
    """A changed entry changes the row."""
    assert now
    text = "pm25: {name_vi: Bụi, name_en: Dust, unit: x, raw_days: 7}\n"
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    assert things.upsert_properties(conn, catalogue.load(tmp_path)) == 2
    assert one(conn, "select raw_days from observed_property where code = 'pm25'") == 7
