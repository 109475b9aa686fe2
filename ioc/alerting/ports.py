"""What the evaluator needs of the world, one to three methods each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from ioc.domain.alert import Sample
from ioc.domain.evaluation import Batch, Candidate, Saved, Verdict, Writer
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId
from ioc.rules.definition import RuleFile


class Past(NamedTuple):
    """A datastream's history up to the offset, in order of arrival."""

    before: Sample | None  # the newest at or before the asked start
    rows: Sequence[Sample]  # everything after it, old versions of corrected rows included


class History(Protocol):
    """Committed observations, as far as the offsets `done` of the writers reach."""

    def newest(
        self, ids: Sequence[DatastreamId], done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Micros]:
        """Return the newest phenomenon time of each datastream that has any."""
        ...

    def since(
        self, starts: Mapping[DatastreamId, Micros | None], done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Past]:
        """Return what came after each start (None: everything)."""
        ...


class Batches(Protocol):
    """Batches by their numbers, whatever Redis knows of them."""

    def writers(self) -> tuple[list[Writer], Micros]:
        """Return all writers in one snapshot, and the database's clock in it."""
        ...

    def read(self, writer: int, after: int, upto: int) -> list[Batch]:
        """Return the first committed batches in (after, upto], in order, a bounded number."""
        ...


class Registry(Protocol):
    """Rules and what they may bind."""

    def rules(self) -> list[tuple[RuleFile, int]]:
        """Return enabled rules with their current version."""
        ...

    def newest_datastream(self) -> int:
        """Return the highest id of any datastream, 0 without one; ids only grow."""
        ...

    def candidates(
        self, properties: Sequence[str], partitions: Collection[int], after: int
    ) -> list[Candidate]:
        """Return admitted datastreams of these properties and partitions with higher ids."""
        ...


class States(Protocol):
    """The process axis as it was last stored."""

    def on(self, partitions: Collection[int]) -> set[DatastreamId]:
        """Return the datastreams for which something is in alarm or on the way there."""
        ...

    def states(self, datastreams: Collection[DatastreamId]) -> list[Saved]:
        """Return every stored state of these datastreams."""
        ...


class Ledger(Protocol):
    """What has been decided."""

    def offsets(self, partitions: Collection[int]) -> Mapping[int, dict[int, int]]:
        """Return the last batch evaluated of each writer, by partition; new ones are adopted."""
        ...

    def commit(self, verdict: Verdict, partitions: Collection[int]) -> bool:
        """Write a verdict in one transaction; return whether an alert changed."""
        ...


class Leases(Protocol):
    """Which partitions are ours. Raises when one was lost: then our memory of it is void."""

    def settle(self) -> tuple[Collection[int], Collection[int]]:
        """Say that we live; take what is our share; return (taken, to be given back)."""
        ...

    def release(self, partitions: Collection[int]) -> None:
        """Give partitions back; all about them is committed."""
        ...


class Stream(Protocol):
    """The bus: fast, and allowed to fail; nothing depends on it."""

    def read(self, timeout_s: float) -> list[Batch]:
        """Return batches that were announced, waiting for the first; [] when silent or down."""
        ...

    def registry_changed(self) -> bool:
        """Return whether somebody said that rules or things changed since the last call."""
        ...

    def tell(self, *, alerts_changed: bool) -> None:
        """Say that the evaluator lives, and whether alerts must be read again."""
        ...
