"""What version 1 answers with; every instant is ISO 8601 in UTC."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ioc.domain.instant import to_datetime
from ioc.domain.mask import Mask
from ioc.domain.observation import Flag, Quality
from ioc.web.queries import DeadLetterRow, ObservationRow

T = TypeVar("T")


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """Items and the cursor of the next page; null at the end."""

    items: list[T]
    next: str | None


class ThingOut(_Row):
    id: int
    feed: str
    external_id: str
    name: str
    short_name: str
    kind: str
    state: str
    simulated: bool
    lon: float | None
    lat: float | None
    commune: str | None
    commune_how: str | None
    outline: str | None


class DatastreamOut(_Row):
    id: int
    thing_id: int
    property: str
    name_vi: str
    name_en: str
    unit: str
    expected_period_s: float
    stale_after_s: float
    time: datetime | None
    result: float | None
    quality: int | None


class StatusOut(_Row):
    """`state` counts since `since`; `said` is the newest word, held until it has lasted."""

    datastream: int
    property: str
    state: str
    since: datetime
    said: str
    said_since: datetime
    detail: str
    changes: int


class ThingDetailOut(_Row):
    thing: ThingOut
    feed_title_vi: str
    feed_title_en: str
    datastreams: list[DatastreamOut]
    statuses: list[StatusOut]


class ObservationOut(BaseModel):
    phenomenon_time: datetime
    result: float | None
    quality: str
    flags: list[str]
    received: datetime
    detail: str | None  # of a state: what it came with (tamper, no signal)

    @classmethod
    def of(cls, row: ObservationRow) -> ObservationOut:
        return cls(
            phenomenon_time=row.phenomenon_time,
            result=row.result,
            quality=Quality(row.quality).name.lower(),
            flags=[flag.name.lower() for flag in Flag(row.flags) if flag.name],
            received=row.received,
            detail=row.detail,
        )


class StepOut(_Row):
    """A minute or an hour; numbers are of good values, null without any."""

    start: datetime
    n: int
    n_good: int
    mean: float | None
    min: float | None
    max: float | None
    last: float | None


class LayerOut(_Row):
    """A published layer; its features are at /geo/{name}/{version}.geojson."""

    name: str
    version: str
    features: int
    attribution: str
    created_at: datetime


class AlertOut(_Row):
    id: UUID
    rule: str
    rule_version: int
    datastream_id: int
    thing_id: int
    property: str
    kind: str
    severity: int
    occurrence: int
    active: bool
    stale: bool
    late: bool
    corrected: bool
    simulated: bool
    raised_at: datetime
    detected_at: datetime
    result: float | None
    limit_value: float | None
    peak: float | None
    acked_at: datetime | None
    acked_by: str | None
    returned_at: datetime | None
    closed_at: datetime | None
    state: str  # ISA-18.2, derived
    latched: bool
    mask: str | None
    masked_until: datetime | None
    assignee: str | None
    handling: str
    handling_due: datetime | None
    handling_by: str | None
    handled_at: datetime | None


class AlertEventOut(_Row):
    """One line of an alert's log; `event_time` is when it happened, `recorded_at` when we knew."""

    occurrence: int
    kind: str
    n: int
    event_time: datetime
    recorded_at: datetime
    actor: str | None
    payload: dict[str, Any]


class AlertDetailOut(_Row):
    alert: AlertOut
    events: list[AlertEventOut]


class MaskOut(_Row):
    """A mask that has not ended; `holding` counts the open alerts that it holds back."""

    id: int
    kind: str
    matcher: dict[str, Any]
    about: str = ""
    starts: datetime
    ends: datetime
    reason: str
    by_user: str
    approved_by: str | None
    one_shot: bool
    created_at: datetime | None = None
    holding: int = 0

    @classmethod
    def of(cls, mask: Mask) -> MaskOut:
        return cls(
            id=mask.id,
            kind=mask.kind.value,
            matcher=mask.matcher.given,
            starts=to_datetime(mask.starts),
            ends=to_datetime(mask.ends),
            reason=mask.reason,
            by_user=mask.by,
            approved_by=mask.approved_by,
            one_shot=mask.one_shot,
        )


class FeedOut(_Row):
    name: str
    title_vi: str
    title_en: str
    expected_period_s: float
    simulated: bool
    things: int
    pending: int
    dead_letters: int
    newest_dead_letter: datetime | None


class DeadLetterOut(BaseModel):
    """`payload` is base64 of at most the first 8 kB; `size` is the whole payload's."""

    id: int
    feed: str | None
    topic: str
    payload: str
    size: int
    reason: str
    detail: str
    received: datetime
    retried_at: datetime | None
    retry_reason: str | None

    @classmethod
    def of(cls, row: DeadLetterRow) -> DeadLetterOut:
        return cls(
            id=row.id,
            feed=row.feed,
            topic=row.topic,
            payload=b64encode(row.payload).decode(),
            size=row.size,
            reason=row.reason,
            detail=row.detail,
            received=row.received,
            retried_at=row.retried_at,
            retry_reason=row.retry_reason,
        )


class AcknowledgementOut(_Row):
    id: UUID
    acked_by: str | None
    acked_at: datetime | None
