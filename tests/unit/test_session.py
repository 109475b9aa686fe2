"""One life of the evaluator over ports that are written down: what is new is judged whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ioc.alerting.ports import Past
from ioc.alerting.session import Session
from ioc.domain.alert import Kind, Sample
from ioc.domain.evaluation import Batch, Candidate, Row, Saved, Verdict, Writer
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DatastreamId, ThingId
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

    def newest(self, _ids: Sequence[DatastreamId]) -> Mapping[DatastreamId, Micros]:
        return {}

    def since(self, _starts: Mapping[DatastreamId, Micros | None]) -> Mapping[DatastreamId, Past]:
        return {}

    def writers(self) -> tuple[list[Writer], Micros]:
        return [], NOW

    def rules(self) -> list[tuple[RuleFile, int]]:
        return [(RULE, 1)]

    def newest_datastream(self) -> int:
        return max((one.datastream for one in self.known), default=0)

    def candidates(self, _properties: Sequence[str]) -> list[Candidate]:
        return list(self.known)

    def offsets(self) -> dict[int, int]:
        return {1: 0}

    def states(self) -> list[Saved]:
        return []

    def commit(self, verdict: Verdict) -> bool:
        self.verdicts.append(verdict)
        return bool(verdict.announcements)

    def registry_changed(self) -> bool:
        return False  # the notice is on its way

    def tell(self, *, alerts_changed: bool) -> None: ...

    def read(self, *_: object) -> list[Batch]:
        found, self.batches_to_come = self.batches_to_come, []
        return found


def test_an_episode_in_the_first_batch_of_a_datastream_is_announced() -> None:
    """It is bound before its first values are judged, whenever the registry's notice comes."""
    world = World()
    session = Session(world, world, world, world, world, lambda: NOW)
    session.begin()
    world.known.append(
        Candidate(NEW, ThingId(1), "pm25", "environment", "f", "s", False, 60, 300)  # noqa: FBT003
    )
    values = (40.0, 60.0, 40.0)
    rows = [Row(NEW, Sample(Micros(NOW + n * SECOND), v)) for n, v in enumerate(values)]
    world.batches_to_come.append(Batch(1, 1, tuple(rows)))
    session.turn()
    kinds = [one.change.kind for done in world.verdicts for one in done.announcements]
    assert kinds == [Kind.RAISE, Kind.RTN]
