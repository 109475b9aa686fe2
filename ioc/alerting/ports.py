"""What the evaluator needs of the world, one to three methods each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """Committed observations, as far as the consumer's offset reaches."""

    def newest(self, ids: Sequence[DatastreamId]) -> Mapping[DatastreamId, Micros]:
        """Return the newest phenomenon time of each datastream that has any."""
        ...

    def since(self, starts: Mapping[DatastreamId, Micros | None]) -> Mapping[DatastreamId, Past]:
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

    def candidates(self, properties: Sequence[str]) -> list[Candidate]:
        """Return admitted datastreams of these observed properties."""
        ...


class Ledger(Protocol):
    """What has been decided."""

    def offsets(self) -> dict[int, int]:
        """Return the last batch evaluated of each writer; a new writer is adopted first."""
        ...

    def states(self) -> list[Saved]:
        """Return every stored state."""
        ...

    def commit(self, verdict: Verdict) -> bool:
        """Write a verdict in one transaction; return whether an alert changed."""
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
