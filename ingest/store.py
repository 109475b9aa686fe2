"""How ingest's store is made: the writer's registry, and which of its errors mean what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg

from ingest import feeds
from ingest.feeds import Source
from ingest.ports import Failures
from ioc import catalogue, geography
from ioc.domain.intake import FeedSpec
from ioc.settings import Settings
from ioc.storage.registry import Registry

FAILURES: Final = Failures(
    away=(
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,  # a standby that is not promoted yet
    ),
    # A limit of the server (an index row that is too long) is an OperationalError by class only.
    refused=(
        psycopg.DataError,
        psycopg.IntegrityError,
        psycopg.errors.ProgramLimitExceeded,
        UnicodeEncodeError,
    ),
)


def registry(settings: Settings, sources: Mapping[str, Source]) -> Registry:
    """Return the writer's registry, empty until its first connection."""
    specs: dict[str, FeedSpec] = {name: source.spec for name, source in sources.items()}
    known = catalogue.load(settings.config_dir / "catalog")
    feeds.refuse_unknown_properties(sources.values(), known)
    return Registry(
        specs,
        geography.province().place,
        known,
        pending_per_feed=settings.retention.pending_per_feed,
    )
