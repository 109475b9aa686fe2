"""What the layers worker publishes, and when: the same content is the same version."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import pytest

from ioc.domain.instant import SECOND, Micros
from ioc.domain.layer import BASE_LAYERS, POINT_LAYERS, LayerJob, PointFeature, Published
from layers import publish
from layers.report import Outcome, Report
from layers.shipped import shipped
from layers.worker import DEBOUNCE, HEARTBEAT, POLL, JobStoppedError, Worker

A = PointFeature(7, "rain", "Trạm đo mưa xã Lộc Thạnh", "Mưa Lộc Thạnh", 106.1234567, 11.7654321)
B = PointFeature(3, "bts", "BTS", "BTS", 107.0, 11.0, "© OpenStreetMap contributors")
EMPTY = b'{"type": "FeatureCollection", "features": []}'


def test_points_are_lon_lat_features_with_the_things_id() -> None:
    """Live state joins by the feature's id; positions are rounded to a metre; credit is given."""
    made = publish.points([A, B])
    document = orjson.loads(made.body)
    assert [feature["id"] for feature in document["features"]] == [3, 7]
    assert document["features"][1]["geometry"]["coordinates"] == [106.12346, 11.76543]
    assert (made.features, made.attribution) == (2, "© OpenStreetMap contributors")
    assert document["attribution"] == made.attribution


def test_same_content_is_the_same_version() -> None:
    """Order of rows changes nothing, a name or a centimetre beyond rounding does."""
    first = publish.points([A, B])
    assert publish.points([B, A]) == first
    assert publish.points([B]).version != first.version
    moved = PointFeature(7, A.kind, A.name, A.short, A.lon + 0.0001, A.lat)
    assert publish.points([moved, B]).version != first.version


@pytest.mark.parametrize("layer", BASE_LAYERS)
def test_shipped_layers_can_be_published(layer: str) -> None:
    """Each base layer that ships has features and says to whom it is owed."""
    made = publish.base(shipped(layer))
    assert made.features > 0
    assert made.attribution
    assert len(gzip.compress(made.body)) < 1_000_000


@pytest.mark.parametrize(
    "document", [b"", b"[]", b'{"type": "Feature"}', b'{"type": "FeatureCollection"}', b"{"]
)
def test_what_is_no_layer_is_refused(document: bytes) -> None:
    """A file that is no FeatureCollection is a ValueError, never a layer without features."""
    with pytest.raises(ValueError, match=r".+"):
        publish.base(document)


@dataclass
class World:
    """Every port of the worker, in memory."""

    points_: list[PointFeature] = field(default_factory=lambda: [A, B])
    current: dict[str, Published] = field(default_factory=dict)
    joins: dict[str, Published] = field(default_factory=dict)
    jobs: list[LayerJob] = field(default_factory=list)
    ended: list[tuple[int, str, bool]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    beats: list[int] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    results: list[Mapping[str, object] | None] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    asked: list[tuple[int, Outcome]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def points(self, *, bts: bool) -> list[PointFeature]:
        return [point for point in self.points_ if (point.kind == "bts") is bts]

    def fingerprint(self) -> str:
        return repr(self.points_)

    def put(self, layer: str, made: Published) -> bool:
        new = self.current.get(layer) != made
        self.current[layer] = made
        return new

    def rejoined(self) -> list[tuple[str, str]]:
        found = [(layer, made.version) for layer, made in self.joins.items()]
        self.current.update(self.joins)
        self.joins.clear()
        return found

    def claim(self) -> LayerJob | None:
        return self.jobs.pop(0) if self.jobs else None

    def finish(self, job: LayerJob, result: Mapping[str, object] | None = None) -> None:
        self.ended.append((job.id, "", True))
        self.results.append(result)

    def give_back(self, job: LayerJob, error: str, *, final: bool) -> None:
        self.ended.append((job.id, error, final))

    def layer(self, layer: str, version: str) -> None:
        assert self.current[layer].version == version
        self.told.append(layer)

    def heartbeat(self, now: Micros) -> None:
        self.beats.append(now)

    def take_in(self, job: LayerJob) -> Report:
        assert job.kind == "import"
        if not self.reports:
            raise JobStoppedError(job.id)
        report = self.reports.pop()
        if report.version is not None:
            self.current[report.layer] = Published(report.version, b"", 0, "")
        return report

    def undo(self, job: LayerJob) -> Published | None:
        return self.current.get(str(job.argument["layer"]))

    def answer(self, job: LayerJob, report: Report) -> None:
        self.asked.append((job.id, report.outcome))

    def cancelled(self, job: LayerJob) -> None:
        self.ended.append((job.id, "cancelled", True))

    def over(self, job: LayerJob) -> None:
        self.dropped.append(job.id)

    def sweep(self) -> None: ...

    def shipped(self, layer: str) -> bytes:
        found = self.files.get(layer, EMPTY)
        if found == b"away":
            raise OSError("disk away")
        return found


def worker(world: World) -> Worker:
    made = Worker(world, world, world, world, world.shipped, world)
    made.start()
    world.told.clear()
    return made


def at(seconds: float) -> Micros:
    return Micros(round(1_000_000 * SECOND + seconds * SECOND))


def test_everything_is_there_after_the_start() -> None:
    """A fresh database shows its map at once; a broken file costs its own layer only."""
    world = World(files={"water": b"broken", "zones": b"away"})
    worker(world)
    assert set(world.current) == {*BASE_LAYERS, *POINT_LAYERS} - {"water", "zones"}


def test_a_burst_of_changes_is_one_publication() -> None:
    """Notices within the debounce are one publication; a layer that did not change is silent."""
    world = World()
    one = worker(world)
    one.turn(at(0))
    world.points_.append(PointFeature(9, "rain", "C", "C", 107.0, 11.0))
    for tenth in range(10):
        one.registry_changed(at(tenth / 10))
        one.turn(at(tenth / 10))
    assert world.told == []
    one.turn(at(DEBOUNCE / SECOND))
    one.turn(at(DEBOUNCE / SECOND + 1))
    assert world.told == ["things"]


def test_imported_layers_follow_the_registry() -> None:
    """A thing that comes or goes publishes the imported layers anew whose places they are."""
    world = World()
    one = worker(world)
    world.joins["camera"] = Published("ab", b"", 0, "")
    one.registry_changed(at(1))
    one.turn(Micros(at(1) + DEBOUNCE))
    assert world.told == ["camera"]


def test_a_change_that_nobody_told_is_found() -> None:
    """Without Redis the registry is looked at every half minute."""
    world = World()
    one = worker(world)
    one.turn(at(0))
    world.points_.clear()
    one.turn(at(POLL / SECOND - 1))
    assert world.told == []
    one.turn(at(POLL / SECOND))
    one.turn(at((POLL + DEBOUNCE) / SECOND))
    assert sorted(world.told) == ["bts", "things"]


def test_signs_of_life_are_regular() -> None:
    """Screens expect a sign every five seconds."""
    world = World()
    one = worker(world)
    for second in range(13):
        one.turn(at(second))
    assert [b - a for a, b in zip(world.beats, world.beats[1:], strict=False)] == [HEARTBEAT] * 3


@pytest.mark.parametrize(
    ("job", "says", "final"),
    [
        (LayerJob(1, "publish", {"layer": "nobody"}), "nobody", True),
        (LayerJob(1, "paint"), "paint", True),
        (LayerJob(1, "publish", {"layer": "water"}), "FeatureCollection", True),
        (LayerJob(1, "publish", {"layer": "zones"}), "disk away", False),
        (LayerJob(1, "publish", {"layer": "communes"}), "", True),
        (LayerJob(1, "publish"), "FeatureCollection", True),
    ],
)
def test_outcome_of_a_job(job: LayerJob, says: str, final: bool) -> None:  # noqa: FBT001
    """What can never succeed is over with its reason, what may is given back; neither stops us."""
    world = World(files={"water": b"{}", "zones": b"away"}, jobs=[job])
    one = worker(world)
    before = dict(world.current)
    one.turn(at(0))
    ((number, error, over),) = world.ended
    assert (number, over) == (1, final)
    assert says in error
    assert bool(says) == bool(error)
    assert world.current == before


@pytest.mark.parametrize(
    ("outcome", "version", "told"),
    [
        (Outcome.COMMITTED, "0f", ["tower"]),
        (Outcome.REFUSED, None, []),
        (Outcome.UNDECIDED, None, []),
    ],
)
def test_an_import_is_a_job(outcome: Outcome, version: str | None, told: list[str]) -> None:
    """What came of a file is the job's result, refused or not; screens hear of a new version."""
    world = World(jobs=[LayerJob(4, "import", {"path": "a.gpkg"})])
    world.reports.append(Report(layer="tower", outcome=outcome, version=version))
    one = worker(world)
    one.turn(at(0))
    assert (world.ended, world.told) == ([(4, "", True)], told)
    assert world.results[0] is not None
    assert world.results[0]["version"] == version


def test_an_uploaded_file_asks_before_it_is_over() -> None:
    """A look at an upload asks and keeps its file; the import after the yes ends both."""
    world = World()
    made = worker(world)
    argument = {"upload": "ab/a.csv"}
    world.reports.append(Report(layer="tower", outcome=Outcome.DRY_RUN))
    world.jobs.append(LayerJob(1, "import", argument))
    made.turn(Micros(0))
    assert (world.asked, world.dropped, world.ended) == ([(1, Outcome.DRY_RUN)], [], [])
    world.reports.append(Report(layer="tower", outcome=Outcome.COMMITTED, version="v1"))
    world.jobs.append(LayerJob(1, "import", argument))
    made.turn(Micros(1))
    assert (world.dropped, world.ended) == ([1], [(1, "", True)])


def test_a_stopped_job_ends_and_lets_its_file_go() -> None:
    """Whoever cancels a running import gets neither a version nor a file that stays."""
    world = World()
    made = worker(world)
    world.jobs.append(LayerJob(3, "import", {"upload": "ab/a.csv"}))
    made.turn(Micros(0))
    assert world.ended == [(3, "cancelled", True)]
    assert (world.dropped, world.asked, world.told) == ([3], [], [])
