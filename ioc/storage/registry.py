"""The writer's memory of the registry: (feed, device's id, raw name, unit) -> datastream.

A device that took the place of another (`thing_alias`) leads to the other's thing, and so to its
datastreams, before a thing of its own id is looked for.

Everything that appears for the first time is created in the transaction of the batch that holds
it, in bulk; what a rolled-back transaction created is not remembered.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from psycopg import Connection

from ioc import units
from ioc.catalogue import UNCLASSIFIED, Catalogue
from ioc.domain import names as naming
from ioc.domain.errors import PayloadError
from ioc.domain.intake import DatastreamSpec, FeedSpec, Key, Sighting, Slots
from ioc.domain.location import Outline, Place
from ioc.domain.quality import Limits
from ioc.rows import Ints
from ioc.storage import thing_alias
from ioc.storage.channels import Channels, Told
from ioc.storage.declared import spec_of
from ioc.storage.parents import Parents
from ioc.storage.slot_table import Ref, Table
from ioc.storage.things import SEED_LOCATIONS, SHORT, Named, count_pending, location_row

Db = Connection[tuple[Any, ...]]
Placer: TypeAlias = Callable[[float, float], Place]
Created: TypeAlias = tuple[int, str, str, str, str, float, float, float | None, float | None]


@dataclass(slots=True)
class Learned:
    """What one transaction added to the registry; kept by `Registry.keep` after its commit."""

    things: dict[Named, int] = field(default_factory=dict)
    refs: dict[Key, Ref] = field(default_factory=dict)
    told: list[tuple[int, str, str, Told]] = field(default_factory=list)  # what was created
    created: int = 0
    full: set[Named] = field(default_factory=set)  # no room for another pending thing
    crowded: set[Named] = field(default_factory=set)  # no room for another datastream of the thing
    unfit: dict[Key, str] = field(default_factory=dict)  # names no store can hold, and the reason
    misplaced: dict[Named, PayloadError] = field(default_factory=dict)
    placed: set[Named] = field(default_factory=set)
    parents: dict[int, int] = field(default_factory=dict)


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
        self._channels = Channels()
        self._parents = Parents()
        self._declared: dict[tuple[int, str], DatastreamSpec] = {}  # by thing and raw name
        self.limits: dict[int, Limits] = {}  # of the datastreams that have any
        self.feed_names: Sequence[str] = tuple(feeds)
        self._feed_of = np.zeros(0, np.int64)  # by datastream id
        self._forget_slots()

    def _forget_slots(self) -> None:
        self._slots: Slots | None = None
        self._generation = -1
        self._bound = 0
        self._table = Table.empty(0)

    def load(self, conn: Db) -> None:
        """Read everything again: at each new connection and after somebody changed it."""
        self._forget_slots()
        self.limits = {}
        things = conn.execute(_THINGS).fetchall()
        aliases = thing_alias.all_(conn)
        self._things = {(feed, name): thing for feed, name, thing, *_ in things} | aliases
        self._declared = {
            (thing, name): spec_of(one)
            for _, _, thing, _, streams, *_ in things
            for name, one in (streams or {}).items()
        }
        placed = {thing for _, _, thing, has_place, *_ in things if has_place}
        self._parents = Parents((one[2], *one[5:]) for one in things)
        self._unplaced = {name for name, thing in self._things.items() if thing not in placed}
        names: defaultdict[int, list[Named]] = defaultdict(list)
        for named, thing in self._things.items():
            names[thing].append(named)
        self._refs, self._channels = {}, Channels()
        for thing, name, sent, *rest in conn.execute(_DATASTREAMS):
            if not names[thing]:
                continue  # retired, and continued by another
            ref = self._ref(self._spoken(names[thing][0][0], thing, name, sent), *rest)
            self._channels.put(thing, name, sent, Told(ref, rest[2]))
            for feed, device in names[thing]:
                self._refs[feed, device, name, sent] = ref
        self._place_feeds(self._refs)

    def feeds_of(self, datastreams: Ints) -> Ints:
        """Return the position in `feed_names` of each datastream this writer has seen."""
        return self._feed_of[datastreams]

    def _place_feeds(self, refs: Mapping[Key, Ref]) -> None:
        highest = max((ref.id for ref in refs.values()), default=0)
        if highest >= len(self._feed_of):
            more = 2 * highest + 1024 - len(self._feed_of)
            self._feed_of = np.concatenate((self._feed_of, np.zeros(more, np.int64)))
        at = {name: position for position, name in enumerate(self.feed_names)}
        for key, ref in refs.items():
            self._feed_of[ref.id] = at.get(key[0], 0)

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
            there = (key for key in wanted if key[:2] in known)
            found = self._channels.sort(there, known, self._described)
            learned.refs |= found.continued
            learned.crowded |= found.crowded
            self._datastreams(conn, found.fresh, known, learned)
        self._locate(conn, sightings, learned)
        learned.parents = self._parents.learn(conn, sightings, learned.things, self._things)
        return learned

    def keep(self, learned: Learned, slots: Slots) -> None:
        """Remember what a committed transaction created."""
        self._things |= learned.things
        self._parents.keep(learned.parents)
        self._refs |= learned.refs
        for created in learned.told:
            self._channels.put(*created)
        self._place_feeds(learned.refs)
        self._unplaced |= learned.things.keys()
        self._unplaced -= learned.placed
        for key, ref in learned.refs.items():
            self._table.put(slots.of(key), ref)

    def _described(self, feed: str, thing: int, name: str) -> DatastreamSpec:
        """Return what is known of a raw name: what a person said of the thing, else of its feed."""
        own = self._declared.get((thing, name))
        spec = self._feeds.get(feed)
        return own or (DatastreamSpec() if spec is None else spec.describe(name))

    def _spoken(self, feed: str, thing: int, name: str, sent: str) -> str:
        """Return the unit in which a datastream's values come: as sent, else as described."""
        return sent or self._described(feed, thing, name).unit or ""

    def _ref(
        self,
        sent: str,
        stream: int,
        code: str,
        unit: str,
        low: float | None,
        high: float | None,
    ) -> Ref:
        known = self._catalogue.get(code)
        limits = Limits(low, high) if known is None else known.limits(low, high)
        if limits != Limits():
            self.limits[stream] = limits
        factor, offset, odd = units.way(sent, known.unit if known is not None else unit)
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

    def _datastreams(
        self, conn: Db, keys: Sequence[Key], known: Mapping[Named, int], learned: Learned
    ) -> None:
        """Create datastreams, twice: a code that another writer took meanwhile is chosen anew."""
        left = list(keys)
        for _ in range(2):
            if not left:
                return
            rows = [self._datastream_row(known[key[:2]], key) for key in left]
            feeds = dict(zip((row[:3] for row in rows), (key[0] for key in left), strict=True))
            conn.execute(_NEW_DATASTREAMS, _columns(rows))
            found = {}
            spots = _columns([row[:3] for row in rows])
            for thing, name, sent, *rest in conn.execute(_DATASTREAM_IDS, spots):
                spoken = self._spoken(feeds[thing, name, sent], thing, name, sent)
                found[thing, name, sent] = ref = self._ref(spoken, *rest)
                learned.told.append((thing, name, sent, Told(ref, rest[2])))
            for key, row in zip(left, rows, strict=True):
                if row[:3] in found:
                    learned.refs[key] = found[row[:3]]
            left = [key for key in left if key not in learned.refs]

    def _datastream_row(self, thing: int, key: Key) -> tuple[Any, ...]:
        feed, _, name, sent = key
        spec = self._feeds[feed]
        one = self._described(feed, thing, name)
        known = self._catalogue.get(one.property or UNCLASSIFIED)
        code = UNCLASSIFIED if known is None or one.property is None else one.property
        unit = self._spoken(feed, thing, name, sent)
        factor, offset, odd = (1.0, 0.0, True) if known is None else units.way(unit, known.unit)
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
select t.feed, t.external_id, t.id, l.thing_id is not null, t.properties -> 'datastreams',
  t.parent_id, t.parent_learned
from thing t left join location l on l.thing_id = t.id
"""

_DATASTREAMS: Final = """
select d.thing_id, d.name, d.sent_unit, d.id, d.property, d.unit, d.valid_min,
  d.valid_max
from datastream d
"""

_NEW_THINGS: Final = """
insert into thing (feed, external_id, name, short_name, kind, state, simulated, admitted_at,
                   admitted_by)
select u.feed, u.external_id, u.name, u.short_name, u.kind,
  case when u.admit then 'admitted' else 'pending' end, u.simulated,
  case when u.admit then now() end, case when u.admit then 'feed' end
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[])
  as u (feed, external_id, name, short_name, kind, admit, simulated)
where not exists (
  select from thing_alias a where a.feed = u.feed and a.external_id = u.external_id)
on conflict (feed, external_id) do nothing
"""

_THING_IDS: Final = """
select u.feed, u.name, coalesce(a.thing_id, t.id) from unnest(%s::text[], %s::text[]) u (feed, name)
left join thing_alias a on a.feed = u.feed and a.external_id = u.name
left join thing t on t.feed = u.feed and t.external_id = u.name
where coalesce(a.thing_id, t.id) is not null
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
select d.thing_id, d.name, d.sent_unit, d.id, d.property, d.unit, d.valid_min,
  d.valid_max
from datastream d join unnest(%s::int[], %s::text[], %s::text[]) as u (thing, name, sent)
  on d.thing_id = u.thing and d.name = u.name and d.sent_unit = u.sent
"""
