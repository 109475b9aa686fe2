"""The writer's memory of the registry: (feed, device's id, raw name, unit) -> datastream.

Everything that appears for the first time is created in the transaction of the batch that holds
it, in bulk; what a rolled-back transaction created is not remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from psycopg import Connection

from ioc import units
from ioc.catalogue import UNCLASSIFIED, Catalogue
from ioc.domain import names as naming
from ioc.domain.errors import PayloadError
from ioc.domain.intake import FeedSpec, Key, Sighting, Slots
from ioc.domain.location import Outline, Place
from ioc.domain.quality import Limits
from ioc.rows import Bools, Floats, Ints
from ioc.storage.things import SEED_LOCATIONS, SHORT, Named, count_pending, location_row

Db = Connection[tuple[Any, ...]]
Placer: TypeAlias = Callable[[float, float], Place]
Created: TypeAlias = tuple[int, str, str, str, str, float, float, float | None, float | None]

_UNKNOWN: Final = -1
# A Sparkplug device or a PLC has hundreds of tags; beyond this a name holds a counter.
STREAMS_PER_THING: Final = 2_000


class Ref(NamedTuple):
    """A datastream, and the way from what is sent to what is stored."""

    id: int
    factor: float = 1.0
    offset: float = 0.0
    odd_unit: bool = False  # sent in a unit that cannot be converted: stored as sent, suspect


@dataclass(slots=True)
class Learned:
    """What one transaction added to the registry; kept by `Registry.keep` after its commit."""

    things: dict[Named, int] = field(default_factory=dict)
    refs: dict[Key, Ref] = field(default_factory=dict)
    created: int = 0
    full: set[Named] = field(default_factory=set)  # no room for another pending thing
    crowded: set[Named] = field(default_factory=set)  # no room for another datastream of the thing
    unfit: dict[Key, str] = field(default_factory=dict)  # names no store can hold, and the reason
    misplaced: dict[Named, PayloadError] = field(default_factory=dict)
    placed: set[Named] = field(default_factory=set)


@dataclass(slots=True)
class _Table:
    """What is known of each slot, as arrays; `ids` -1: nothing yet."""

    ids: Ints
    factors: Floats
    offsets: Floats
    odd: Bools

    @classmethod
    def empty(cls, size: int) -> _Table:
        unknown = np.full(size, _UNKNOWN, np.int64)
        return cls(unknown, np.ones(size), np.zeros(size), np.zeros(size, np.bool_))

    def put(self, slot: int, ref: Ref) -> None:
        self.ids[slot], self.factors[slot], self.offsets[slot], self.odd[slot] = ref

    def take(self, slots: Ints) -> _Table:
        return _Table(self.ids[slots], self.factors[slots], self.offsets[slots], self.odd[slots])

    def grown(self, size: int) -> _Table:
        bigger = _Table.empty(size)
        for name in ("ids", "factors", "offsets", "odd"):
            getattr(bigger, name)[: len(self.ids)] = getattr(self, name)
        return bigger


Table: TypeAlias = _Table


class Registry:
    """What the writer knows by heart. One owner: the thread that writes."""

    def __init__(
        self,
        feeds: Mapping[str, FeedSpec],
        place: Placer,
        catalogue: Catalogue,
        *,
        pending_per_feed: int,
    ) -> None:
        self._feeds = feeds
        self._place = place
        self._catalogue = catalogue
        self._pending_per_feed = pending_per_feed
        self._things: dict[Named, int] = {}
        self._unplaced: set[Named] = set()
        self._refs: dict[Key, Ref] = {}
        self._streams: Counter[Named] = Counter()
        self.limits: dict[int, Limits] = {}  # of the datastreams that have any
        self._forget_slots()

    def _forget_slots(self) -> None:
        self._slots: Slots | None = None
        self._generation = -1
        self._bound = 0
        self._table = _Table.empty(0)

    def load(self, conn: Db) -> None:
        """Read everything again: at each new connection and after things were deleted."""
        self._forget_slots()
        self.limits = {}
        things = conn.execute(_THINGS).fetchall()
        self._things = {(feed, name): thing for feed, name, thing, _ in things}
        self._unplaced = {(feed, name) for feed, name, _, placed in things if not placed}
        self._refs = {
            (feed, thing, name, sent): self._ref(*rest)
            for feed, thing, name, sent, *rest in conn.execute(_DATASTREAMS)
        }
        self._streams = Counter(key[:2] for key in self._refs)

    def look_up(self, slots: Slots, wanted: Ints) -> Table:
        """Return what is known of each wanted slot, as arrays as long as `wanted`."""
        if slots is not self._slots or slots.generation != self._generation:
            self._forget_slots()
            self._slots, self._generation = slots, slots.generation
        if len(slots.keys) > len(self._table.ids):
            self._table = self._table.grown(max(1024, 2 * len(slots.keys)))
        for slot in range(self._bound, len(slots.keys)):
            ref = self._refs.get(slots.keys[slot])
            if ref is not None:
                self._table.put(slot, ref)
        self._bound = len(slots.keys)
        return self._table.take(wanted)

    def learn(
        self, conn: Db, missing: Iterable[Key], sightings: Mapping[Named, Sighting]
    ) -> Learned:
        """Create what is missing inside the caller's transaction.

        A key that is not in the answer is in `unfit`, or belongs to a thing in `full` or `crowded`.
        """
        learned = Learned()
        wanted = sorted(_storable(missing, learned))
        if wanted:
            names = sorted({key[:2] for key in wanted} - self._things.keys())
            self._create(conn, names, sightings, learned)
            known = self._things | learned.things if learned.things else self._things
            fitting = self._fitting((key for key in wanted if key[:2] in known), learned)
            self._datastreams(conn, fitting, known, learned)
        self._locate(conn, sightings, learned)
        return learned

    def keep(self, learned: Learned, slots: Slots) -> None:
        """Remember what a committed transaction created."""
        self._things |= learned.things
        self._refs |= learned.refs
        self._streams.update(key[:2] for key in learned.refs)
        self._unplaced |= learned.things.keys()
        self._unplaced -= learned.placed
        for key, ref in learned.refs.items():
            self._table.put(slots.of(key), ref)

    def _ref(
        self,
        stream: int,
        code: str,
        unit: str,
        sent: str,
        low: float | None,
        high: float | None,
    ) -> Ref:
        known = self._catalogue.get(code)
        limits = Limits(low, high) if known is None else known.limits(low, high)
        if limits != Limits():
            self.limits[stream] = limits
        factor, offset, odd = _way(sent, known.unit if known is not None else unit)
        return Ref(stream, factor, offset, odd and code != UNCLASSIFIED)

    def _create(
        self,
        conn: Db,
        names: Sequence[Named],
        sightings: Mapping[Named, Sighting],
        learned: Learned,
    ) -> None:
        room = {
            feed: self._pending_per_feed - count_pending(conn, feed)
            for feed in {feed for feed, _ in names}
            if not self._feeds[feed].admit
        }
        there = _existing(conn, names) if room and min(room.values()) < len(names) else set()
        fresh: list[Named] = []
        taken: Counter[str] = Counter()
        for name in names:
            feed = name[0]
            if feed in room and name not in there:
                if taken[feed] >= room[feed]:
                    learned.full.add(name)
                    continue
                taken[feed] += 1
            fresh.append(name)
        if not fresh:
            return
        rows = [_thing_row(self._feeds[name[0]], name[1], sightings.get(name)) for name in fresh]
        learned.created = conn.execute(_NEW_THINGS, _columns(rows)).rowcount
        for feed, name, thing in conn.execute(_THING_IDS, _columns(fresh)):
            learned.things[feed, name] = thing

    def _fitting(self, keys: Iterable[Key], learned: Learned) -> list[Key]:
        """Return the keys for which their things have room."""
        fitting, new = [], Counter[Named]()
        for key in keys:
            name = key[:2]
            new[name] += 1
            if self._streams[name] + new[name] > STREAMS_PER_THING:
                learned.crowded.add(name)
            else:
                fitting.append(key)
        return fitting

    def _datastreams(
        self, conn: Db, keys: Sequence[Key], known: Mapping[Named, int], learned: Learned
    ) -> None:
        """Create datastreams, twice: a code that another writer took meanwhile is chosen anew."""
        left = list(keys)
        for _ in range(2):
            if not left:
                return
            rows = [self._datastream_row(known[key[:2]], key) for key in left]
            conn.execute(_NEW_DATASTREAMS, _columns(rows))
            found = {
                (thing, name, sent): self._ref(*rest)
                for thing, name, sent, *rest in conn.execute(
                    _DATASTREAM_IDS, _columns([row[:3] for row in rows])
                )
            }
            for key, row in zip(left, rows, strict=True):
                if row[:3] in found:
                    learned.refs[key] = found[row[:3]]
            left = [key for key in left if key not in learned.refs]

    def _datastream_row(self, thing: int, key: Key) -> tuple[Any, ...]:
        feed, _, name, sent = key
        spec = self._feeds[feed]
        one = spec.describe(name)
        known = self._catalogue.get(one.property or UNCLASSIFIED)
        code = UNCLASSIFIED if known is None or one.property is None else one.property
        unit = sent or one.unit or ""
        factor, offset, odd = (1.0, 0.0, True) if known is None else _way(unit, known.unit)
        if known is not None and code != UNCLASSIFIED and not odd:
            unit = known.unit
        low, high = (
            None if limit is None else limit * factor + offset
            for limit in (one.valid_min, one.valid_max)
        )
        return (
            thing,
            name,
            sent,
            code,
            unit,
            spec.expected_period_s,
            spec.stale_after_s,
            low,
            high,
        )

    def _locate(self, conn: Db, sightings: Mapping[Named, Sighting], learned: Learned) -> None:
        """Store a position for things that have none; an operator's position is never moved."""
        rows = []
        for name, sight in sightings.items():
            thing = learned.things.get(name)
            if thing is None and name in self._unplaced:
                thing = self._things.get(name)
            if thing is None or sight.lon is None or sight.lat is None:
                continue
            try:
                place = self._place(sight.lon, sight.lat)
            except PayloadError as error:
                learned.misplaced[name] = error
                continue
            rows.append(location_row(thing, place))
            learned.placed.add(name)
            if place.outline is Outline.OUTSIDE:
                learned.misplaced[name] = PayloadError(
                    "location_outside", f"lon {sight.lon}, lat {sight.lat}"
                )
        if rows:
            conn.execute(SEED_LOCATIONS, _columns(rows))


@lru_cache(4096)  # a device may send any text as a unit
def _way(sent: str, wanted: str) -> tuple[float, float, bool]:
    """Return factor, offset and whether the sent unit makes no sense here."""
    try:
        change = units.conversion(sent or None, wanted)
    except units.UnitError:
        return 1.0, 0.0, True
    return (1.0, 0.0, False) if change is None else (change.factor, change.offset, False)


def _storable(keys: Iterable[Key], learned: Learned) -> Iterator[Key]:
    for key in keys:
        reason = naming.unfit(key)
        if reason is None:
            yield key
        else:
            learned.unfit[key] = reason


def _thing_row(spec: FeedSpec, external_id: str, sight: Sighting | None) -> tuple[Any, ...]:
    label = naming.label(sight.label if sight else None) or external_id
    return (
        spec.name,
        external_id,
        label,
        label[:SHORT].rstrip(),
        spec.kind,
        spec.admit,
        spec.simulated,
    )


def _existing(conn: Db, names: Sequence[Named]) -> set[Named]:
    return {(feed, name) for feed, name, _ in conn.execute(_THING_IDS, _columns(names))}


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_THINGS: Final = """
select t.feed, t.external_id, t.id, l.thing_id is not null
from thing t left join location l on l.thing_id = t.id
"""

_DATASTREAMS: Final = """
select t.feed, t.external_id, d.name, d.sent_unit, d.id, d.property, d.unit, d.sent_unit,
  d.valid_min, d.valid_max
from datastream d join thing t on t.id = d.thing_id
"""

_NEW_THINGS: Final = """
insert into thing (feed, external_id, name, short_name, kind, state, simulated, admitted_at,
                   admitted_by)
select u.feed, u.external_id, u.name, u.short_name, u.kind,
  case when u.admit then 'admitted' else 'pending' end, u.simulated,
  case when u.admit then now() end, case when u.admit then 'feed' end
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[])
  as u (feed, external_id, name, short_name, kind, admit, simulated)
on conflict (feed, external_id) do nothing
"""

_THING_IDS: Final = """
select t.feed, t.external_id, t.id from thing t
join unnest(%s::text[], %s::text[]) as u (feed, name) on t.feed = u.feed and t.external_id = u.name
"""

# The first datastream of a property takes its code; raw names begin with "/", codes never do.
_NEW_DATASTREAMS: Final = """
insert into datastream (thing_id, name, sent_unit, code, property, unit, expected_period_s,
                        stale_after_s, valid_min, valid_max)
select u.thing, u.name, u.sent,
  case when p.code is not null and p.code <> 'unclassified'
    and row_number() over (partition by u.thing, u.property order by u.name, u.sent) = 1
    and not exists (select 1 from datastream d where d.thing_id = u.thing and d.code = u.property)
  then u.property
  else '/' || u.name || case when u.sent = '' then '' else ' [' || u.sent || ']' end end,
  coalesce(p.code, 'unclassified'), u.unit, u.period, u.stale, u.low, u.high
from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[],
  %s::float8[], %s::float8[])
  as u (thing, name, sent, property, unit, period, stale, low, high)
left join observed_property p on p.code = u.property
on conflict do nothing
"""

_DATASTREAM_IDS: Final = """
select d.thing_id, d.name, d.sent_unit, d.id, d.property, d.unit, d.sent_unit, d.valid_min,
  d.valid_max
from datastream d join unnest(%s::int[], %s::text[], %s::text[]) as u (thing, name, sent)
  on d.thing_id = u.thing and d.name = u.name and d.sent_unit = u.sent
"""
