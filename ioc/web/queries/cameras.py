"""What the camera page reads: which cameras work now, and how well owners kept their promise.

Never a picture. The state of now is read each few seconds; the month's history, some millions of
rows, at most each ten minutes, for all screens together.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

from ioc.clock import Clock
from ioc.domain.instant import SECOND, Micros, from_datetime, from_seconds, to_datetime
from ioc.domain.intake import STATUS_PROPERTIES
from ioc.domain.uptime import (
    NO_AXIS,
    Axis,
    CameraState,
    Run,
    Span,
    Uptime,
    Words,
    camera_state,
    outages,
    spans,
    uptime,
)
from ioc.storage.script import Script, run_async
from ioc.web.database import Database
from ioc.web.identity import limits
from ioc.web.queries.brief import Kept
from ioc.web.queries.scope import WITHIN

_HISTORY_S: Final = 600.0
_AT_ONCE: Final = 60  # datastreams of one question: 500,000 rows of a month, about a second
_AXES: Final[Mapping[str, str]] = {
    STATUS_PROPERTIES["camera"]: "status",
    "signal_status": "signal",
    "recording_status": "recording",
}
# The owner is what the inventory says, else whose feed it is.
_CAMERAS: Final[LiteralString] = (
    "select t.id, t.name, coalesce(nullif(t.properties ->> 'owner', ''), (select"
    " nullif(f.properties ->> 'owner', '') from layer_feature f where f.layer = 'camera'"
    " and f.code = t.external_id and f.until is null limit 1), e.title_vi), l.commune_code,"
    " l.commune_name, t.feed from thing t join feed e on e.name = t.feed"
    " left join location l on l.thing_id = t.id"
    " where t.kind = 'camera' and t.state = 'admitted'" + WITHIN + " order by t.name, t.id"
)
_NEWEST: Final[LiteralString] = """
select t.id, d.id, d.property, d.stale_after_s, o.phenomenon_time, o.result::int
from thing t join datastream d on d.thing_id = t.id and d.property = any(%s)
left join lateral (select phenomenon_time, result from observation where datastream_id = d.id
  and quality = 0 and flags & 18 <> 18 and result <> 'NaN' order by phenomenon_time desc limit 1) o
  on true
where t.kind = 'camera' and t.state = 'admitted'
"""
# One row for each word that was said without a silence between.
_RUNS: Final[LiteralString] = """
with word as (
  select o.datastream_id as stream, phenomenon_time as time, result::int as code, d.stale_after_s,
    lag(phenomenon_time) over w as before, lag(result::int) over w as was
  from observation o join datastream d on d.id = o.datastream_id
  where o.datastream_id = any(%(streams)s) and quality = 0 and flags & 18 <> 18
    and result <> 'NaN' and phenomenon_time >= %(begin)s
    and phenomenon_time < %(end)s
  window w as (partition by o.datastream_id order by phenomenon_time)
), run as (
  select stream, time, code, count(*) filter (where was is distinct from code
    or time > before + make_interval(secs => stale_after_s))
    over (partition by stream order by time) as number from word
)
select stream, min(time), max(time), min(code) from run group by stream, number order by 1, 2
"""
_WORK: Final[LiteralString] = """
select matcher, starts, coalesce(ended_at, ends) from mask
where kind in ('maintenance', 'out_of_service') and starts < %s and coalesce(ended_at, ends) > %s
"""


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of the register."""

    id: int
    name: str
    owner: str
    commune: str | None
    commune_name: str | None
    feed: str

    def covered(self, matcher: Mapping[str, Any]) -> bool:
        """Tell whether announced work of the whole camera covers it."""
        facts = {"thing": self.id, "commune": self.commune, "feed": self.feed}
        return bool(matcher) and all(facts.get(name) == value for name, value in matcher.items())


@dataclass(frozen=True, slots=True)
class Word:
    """The newest word of one datastream."""

    stream: int
    axis: str
    stale_after: int
    time: Micros | None
    code: int | None

    def counts(self, now: Micros) -> int | None:
        """Return the code, None once it is old."""
        if self.time is None or now >= self.time + self.stale_after:
            return None
        return self.code


@dataclass(frozen=True, slots=True)
class History:
    """A month so far: what each camera's words were, and the announced work."""

    begin: Micros
    axes: Mapping[int, Axis]  # by datastream
    work: Sequence[tuple[Mapping[str, Any], Micros, Micros]]


@dataclass(frozen=True, slots=True)
class Standing:
    """One camera now: its state since when (None: not known), and its month."""

    camera: Camera
    state: CameraState
    since: Micros | None
    month: Uptime


class CameraQueries:
    """The reading half of the camera page."""

    def __init__(self, database: Database, clock: Clock, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._history = Kept(_HISTORY_S, self._read_history)

    async def standing(self) -> tuple[list[Standing], Micros]:
        """Return every camera within the scope of who asks, and since when its month counts."""
        cameras, words = await self._read(_now(limits()))
        history = await self._history.get()
        now = self._clock.now()
        found = await asyncio.to_thread(_judge, cameras, words, history, now)
        return found, history.begin

    async def _read_history(self) -> History:
        now = self._clock.now()
        begin = _month(to_datetime(now), self._zone)
        _, words = await self._read(_now({"areas": None, "domains": None}))
        streams = {word.stream: word.stale_after for of in words.values() for word in of}
        axes: dict[int, Axis] = {}
        for part in _parts(sorted(streams)):
            runs = await self._read(_runs(part, begin, now))
            axes |= {stream: Axis(of, streams[stream]) for stream, of in runs.items()}
        return History(begin, axes, await self._read(_work(begin, now)))

    async def _read(self, script: Script[Any]) -> Any:  # noqa: ANN401  the script's own
        async with self._database.connection() as conn:
            return await run_async(conn, script)


def _now(values: dict[str, Any]) -> Script[tuple[list[Camera], dict[int, list[Word]]]]:
    cameras = [Camera(*row) for row in (yield _CAMERAS, values)]
    rows = yield _NEWEST, (list(_AXES),)
    words: dict[int, list[Word]] = defaultdict(list)
    for thing, stream, name, stale, time, code in rows:
        said = None if time is None else from_datetime(time)
        words[thing].append(Word(stream, _AXES[name], from_seconds(stale), said, code))
    return cameras, words


def _runs(streams: list[int], begin: Micros, end: Micros) -> Script[dict[int, list[Run]]]:
    span = {"streams": streams, "begin": to_datetime(begin) - timedelta(days=1)}
    rows = yield _RUNS, span | {"end": to_datetime(end)}
    found: dict[int, list[Run]] = defaultdict(list)
    for stream, first, last, code in rows:
        found[stream].append(Run(from_datetime(first), from_datetime(last), code))
    return found


def _work(begin: Micros, end: Micros) -> Script[list[tuple[Mapping[str, Any], Micros, Micros]]]:
    rows = yield _WORK, (to_datetime(end), to_datetime(begin))
    return [(matcher, from_datetime(a), from_datetime(b)) for matcher, a, b in rows]


def _judge(
    cameras: Sequence[Camera],
    words: Mapping[int, Sequence[Word]],
    history: History,
    now: Micros,
) -> list[Standing]:
    return [_one(camera, words.get(camera.id, ()), history, now) for camera in cameras]


def _one(camera: Camera, words: Sequence[Word], history: History, now: Micros) -> Standing:
    codes = {word.axis: word.counts(now) for word in words}
    state = camera_state(codes.get("status"), codes.get("signal"), codes.get("recording"))
    past = {word.axis: history.axes.get(word.stream, NO_AXIS) for word in words}
    begin = min(history.begin, Micros(now - SECOND))
    found = spans(Words(past.get("status", NO_AXIS), past.get("signal", NO_AXIS),
                        past.get("recording", NO_AXIS)), begin, now)  # fmt: skip
    work = [(a, b) for matcher, a, b in history.work if camera.covered(matcher)]
    return Standing(camera, state, _since(state, found, words, now), uptime(found, work))


def _since(
    state: CameraState, found: Sequence[Span], words: Sequence[Word], now: Micros
) -> Micros | None:
    """Return since when a state stands: of a fault the beginning of the whole outage."""
    broken = outages(found)
    if broken and broken[-1].end == now and found[-1].state is state:
        return broken[-1].begin
    if found[-1].state is state:
        return found[-1].begin
    # Newer than the history: the word itself says it, or how long nobody said anything.
    times = [word.time for word in words if word.axis == "status" and word.time is not None]
    return max(times, default=None)


def _month(now: datetime, zone: ZoneInfo) -> Micros:
    """Return the first instant of the month, by the province's calendar."""
    local = now.astimezone(zone)
    return from_datetime(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def _parts(streams: list[int]) -> list[list[int]]:
    return [streams[at : at + _AT_ONCE] for at in range(0, len(streams), _AT_ONCE)]
