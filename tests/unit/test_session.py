"""One life of the evaluator over ports that are written down: what is new is judged whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ioc.alerting.ports import Past
from ioc.alerting.session import Session
from ioc.alerting.share import NAP, Share, Store
from ioc.domain.alert import Kind, Sample
from ioc.domain.evaluation import Batch, Candidate, Row, Saved, Verdict, Writer
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DatastreamId, ThingId
from ioc.domain.partition import PARTITIONS, partition
from ioc.rules import definition
from ioc.rules.definition import RuleFile

NOW = Micros(1_780_000_000 * SECOND)
NEW = DatastreamId(7)
RULE = definition.parse(
    {
        "id": "high",
        "name": {"vi": "Cao", "en": "High"},
        "observed_property": "pm25",
        "op": ">",
        "levels": [{"severity": "high", "limit": 50}],
        "operator_action": {"vi": "Xem", "en": "Look"},
    }
)


@dataclass
class World:
    """A database and a bus whose first batch brings a datastream nobody has seen."""

    batches_to_come: list[Batch] = field(default_factory=list)
    known: list[Candidate] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)  # above which id datastreams were asked for
    free: list[int] = field(default_factory=lambda: list(range(PARTITIONS)))
    surplus: list[int] = field(default_factory=list)

    def newest(self, *_: object) -> Mapping[DatastreamId, Micros]:
        return {}

    def since(self, *_: object) -> Mapping[DatastreamId, Past]:
        return {}

    def writers(self) -> tuple[list[Writer], Micros]:
        return [], NOW

    def rules(self) -> list[tuple[RuleFile, int]]:
        return [(RULE, 1)]

    def newest_datastream(self) -> int:
        return max((one.datastream for one in self.known), default=0)

    def candidates(
        self, _properties: Sequence[str], partitions: Collection[int], after: int
    ) -> list[Candidate]:
        self.asked.append(after)
        return [
            one
            for one in self.known
            if one.datastream > after and partition(one.datastream) in partitions
        ]

    def on(self, _partitions: Collection[int]) -> set[DatastreamId]:
        return set()

    def states(self, _datastreams: Collection[DatastreamId]) -> list[Saved]:
        return []

    def offsets(self, partitions: Collection[int]) -> dict[int, dict[int, int]]:
        return {one: {1: 0} for one in partitions}

    def commit(self, verdict: Verdict, _partitions: Collection[int]) -> bool:
        self.verdicts.append(verdict)
        return bool(verdict.announcements)

    def settle(self) -> tuple[Collection[int], Collection[int]]:
        taken, self.free = self.free, []
        return taken, self.surplus

    def release(self, partitions: Collection[int]) -> None:
        self.free, self.surplus = list(partitions), []

    def registry_changed(self) -> bool:
        return False  # the notice is on its way

    def tell(self, *, alerts_changed: bool) -> None: ...

    def read(self, *_: object) -> list[Batch]:
        found, self.batches_to_come = self.batches_to_come, []
        return found


def session_of(world: World) -> Session:
    return Session(Store(world, world, world, world, world), world, world, lambda: NOW)


def stream(number: int) -> Candidate:
    simulated = False
    key, thing = DatastreamId(number), ThingId(1)
    return Candidate(key, thing, "pm25", "environment", "f", "s", simulated, 60, 300)


def batch(number: int, *datastreams: int, values: Sequence[float] = (40.0, 60.0, 40.0)) -> Batch:
    rows = [
        Row(DatastreamId(d), Sample(Micros(NOW + (number * 10 + n) * SECOND), v))
        for d in datastreams
        for n, v in enumerate(values)
    ]
    return Batch(1, number, tuple(rows))


def told(world: World) -> list[tuple[DatastreamId, Kind]]:
    return [
        (one.subject.datastream, one.change.kind)
        for done in world.verdicts
        for one in done.announcements
    ]


def test_an_episode_in_the_first_batch_of_a_datastream_is_announced() -> None:
    """It is bound before its first values are judged, whenever the registry's notice comes."""
    world = World()
    session = session_of(world)
    session.turn()
    world.known.append(stream(NEW))
    world.batches_to_come.append(batch(1, NEW))
    session.turn()
    assert told(world) == [(NEW, Kind.RAISE), (NEW, Kind.RTN)]


def test_finding_what_is_new_asks_for_nothing_else() -> None:
    """A batch of an unknown datastream reads the datastreams above those known, once."""
    world = World(known=[stream(n) for n in range(1, 51)])
    session = session_of(world)
    session.turn()
    world.asked.clear()
    for number in range(1, 6):
        world.known.append(stream(50 + number))
        world.batches_to_come = [batch(number, 50 + number, 3)]
        session.turn()
    assert world.asked == [50, 51, 52, 53, 54]
    assert len(told(world)) == 20


def test_what_sleeps_is_woken_by_its_first_sample_or_in_time() -> None:
    """At the start nothing quiet is built; a sample wakes its own datastream, turns the others."""
    world = World(known=[stream(n) for n in range(1, 2 * NAP)])
    share = Share({*range(PARTITIONS)}, Store(world, world, world, world, world), lambda _: None)
    share.evaluator.offsets = {1: 0}
    share.begin()
    assert not share.evaluator.bounds
    share.offer(batch(1, 60))
    assert list(share.evaluator.bounds) == [("high", 60)]
    assert share.rouse()
    assert not share.rouse()
    assert len(share.evaluator.bounds) == 2 * NAP - 1


def test_a_partition_that_is_given_up_and_taken_again_is_judged_once() -> None:
    """What was handed over is nobody's until it is taken; then it is again in the same share."""
    world = World(known=[stream(n) for n in range(1, 41)])
    session = session_of(world)
    session.turn()
    world.surplus = [0, 1, 2, 3]
    session.settle()
    assert {partition(one) for one in session.shares[0].evaluator.routes} <= {4, 5, 6, 7}
    session._settle_at = 0
    session.turn()
    assert [share.partitions for share in session.shares] == [{*range(PARTITIONS)}]
    world.batches_to_come = [batch(1, *range(1, 41))]
    session.turn()
    assert len(told(world)) == 2 * 40
