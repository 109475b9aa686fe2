"""The whole live state of a centre in memory, newest wins; no I/O, and time is an argument.

It answers two questions: what changed, and what does it look like as JSON. A thing's JSON is made
once for all clients and kept until it changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from ioc.domain import hold
from ioc.domain.hold import Held
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Flag, Quality
from ioc.domain.staleness import Freshness, freshness

_MS: Final = 1000  # µs
_NEVER_CHANGES: Final = Micros(1 << 62)
_WORST: Final = {Freshness.LIVE: 0, Freshness.LATE: 1, Freshness.SILENT: 2}
_STAND_IN: Final = Flag.TIME_RECEIVED | Flag.TIME_CORRECTED


@dataclass(frozen=True, slots=True)
class Sample:
    """One value as it arrives: µs; `result` None where there is none."""

    stream: int
    time: int
    result: float | None
    quality: int
    flags: int
    received: int


@dataclass(slots=True)
class Stream:
    """A datastream and its newest value; `life` is the newest instant that proves life.

    `measured` False: it speaks when it likes (a thing's own word on its life, a value that nobody
    classified), so its silence says nothing while there are others. `holds`: its words
    count when they have lasted (`held`); the first one this process hears counts at once.
    """

    id: int
    property: str
    expected: int
    stale_after: int
    category: bool
    offline: int | None = None
    measured: bool = True
    holds: bool = False
    newest: Sample | None = None
    life: int | None = None
    held: Held | None = None

    def take(self, sample: Sample) -> bool:
        """Keep the sample unless a newer one is there; tell whether it was kept."""
        if self.newest is not None and sample.time < self.newest.time:
            return False
        self.newest = sample
        # A retained message whose time is that of its arrival proves nothing about now; and no
        # device may look alive longer by a clock that runs ahead.
        if not (sample.flags & Flag.RETAINED and sample.flags & _STAND_IN):
            self.life = max(self.life or 0, min(sample.time, sample.received))
        if self.holds and sample.result is not None and sample.quality == Quality.GOOD:
            said = Micros(min(sample.time, sample.received))
            self.held = hold.heard(self.held, round(sample.result), said)
        return True

    def settle(self, now: Micros) -> bool:
        """Let a word that has lasted count; tell whether one does now."""
        if self.held is None or self.held.due is None or now < self.held.due:
            return False
        self.held = hold.settled(self.held, now)
        return True

    def judge(self, now: Micros) -> Freshness:
        return freshness(
            None if self.life is None else Micros(self.life),
            expected_period=self.expected,
            stale_after=self.stale_after,
            now=now,
        )

    def abnormal(self) -> bool:
        """Tell whether this is a state other than the normal one, reported by a good value."""
        return self.category and self._good() not in (None, 0.0)

    def down(self) -> bool:
        """Tell whether a good value says that the thing cannot be reached."""
        return self.category and self.offline is not None and self._good() == self.offline

    def _good(self) -> float | None:
        sample = self.newest
        return self.shown() if sample is not None and sample.quality == Quality.GOOD else None

    def shown(self) -> float | None:
        """Return the value that screens show: of a state what counts of it."""
        if self.newest is None or self.newest.result is None or self.held is None:
            return None if self.newest is None else self.newest.result
        return float(self.held.state)


@dataclass(slots=True)
class Thing:
    """A thing on the map; `next_change` is when silence alone will change its freshness."""

    id: int
    feed: str
    kind: str
    admitted: bool
    streams: list[Stream] = field(default_factory=list)
    fresh: Freshness = Freshness.NEVER
    next_change: Micros = _NEVER_CHANGES
    severity: int = 0
    acked: bool = True

    def judge(self, now: Micros) -> bool:
        """Judge freshness, and words that have lasted, anew; tell whether anything changed.

        A thing is as fresh as the worst of its measured datastreams that ever spoke (of the others,
        where none did): a sensor that stops must not hide behind the others of its station.
        """
        spoken = [stream for stream in self.streams if stream.life is not None]
        spoken = [stream for stream in spoken if stream.measured] or spoken
        fresh = max(
            (stream.judge(now) for stream in spoken),
            key=_WORST.__getitem__,
            default=Freshness.NEVER,
        )
        changed = sum(stream.settle(now) for stream in self.streams) > 0
        self.next_change = min((_turning(s, now) for s in spoken), default=_NEVER_CHANGES)
        self.next_change = min((self.next_change, *_dues(self.streams)))
        changed |= fresh is not self.fresh
        self.fresh = fresh
        return changed

    def bad(self) -> bool:
        return self.severity > 0 or any(stream.abnormal() for stream in self.streams)

    def entry(self) -> dict[str, object]:
        """Return the thing as `/live` says it."""
        samples = {s.property: (s.shown(), s.newest) for s in self.streams if s.newest is not None}
        times = [sample.time for _, sample in samples.values()]
        return {
            "fresh": self.fresh,
            "severity": self.severity,
            "acked": self.acked,
            "down": any(stream.down() for stream in self.streams),
            "time": max(times) // _MS if times else None,
            "values": {
                name: [shown, sample.time // _MS, sample.quality]
                for name, (shown, sample) in samples.items()
            },
        }


@dataclass(slots=True)
class Feed:
    """A feed; `newest` is the newest instant at which one of its things proved life."""

    name: str
    title: str
    expected: int
    simulated: bool
    limit: int = 0
    newest: int | None = None

    def entry(self, now: Micros) -> dict[str, object]:
        limit = self.limit or 5 * self.expected  # no datastream yet: the default of feed files
        return {
            "name": self.name,
            "title": self.title,
            "newest": None if self.newest is None else self.newest // _MS,
            "limit_s": limit / SECOND,
            "fresh": freshness(
                None if self.newest is None else Micros(self.newest),
                expected_period=self.expected,
                stale_after=limit,
                now=now,
            ),
            "simulated": self.simulated,
        }


@dataclass(frozen=True, slots=True)
class Urgency:
    """What the open alerts of a thing come to: the highest severity, and whether that is acked."""

    severity: int
    acked: bool


class Picture:
    """Every thing, its newest values, and what follows from them."""

    def __init__(self) -> None:
        self.things: dict[int, Thing] = {}
        self.feeds: dict[str, Feed] = {}
        self._streams: dict[int, tuple[Stream, Thing]] = {}
        self._json: dict[int, bytes] = {}
        self._simulated: set[int] = set()
        self.unknown = False  # a value of a datastream the registry did not have yet

    def register(self, feeds: Iterable[Feed], things: Iterable[Thing], now: Micros) -> None:
        """Replace the registry; newest values and severities of what stays are kept."""
        old_streams, old_things = self._streams, self.things
        self.feeds = {feed.name: feed for feed in feeds}
        self.things, self._streams, self._json = {}, {}, {}
        self._simulated, self.unknown = set(), False
        for thing in things:
            self.things[thing.id] = thing
            known = old_things.get(thing.id)
            if known is not None:
                thing.severity, thing.acked = known.severity, known.acked
            for stream in thing.streams:
                self._streams[stream.id] = (stream, thing)
                if stream.id in old_streams:
                    old = old_streams[stream.id][0]
                    stream.newest, stream.life, stream.held = old.newest, old.life, old.held
                self._after(stream, thing)
            thing.judge(now)

    def apply(self, samples: Iterable[Sample], now: Micros) -> set[int]:
        """Take values in; return the shown things that changed."""
        touched: dict[int, Thing] = {}
        for sample in samples:
            found = self._streams.get(sample.stream)
            if found is None:
                self.unknown = True
                continue
            stream, thing = found
            if stream.take(sample):
                self._after(stream, thing)
                touched[thing.id] = thing
        for thing in touched.values():
            thing.judge(now)
            self._json.pop(thing.id, None)
        return {thing.id for thing in touched.values() if thing.admitted}

    def _after(self, stream: Stream, thing: Thing) -> None:
        feed = self.feeds.get(thing.feed)
        if feed is not None:
            # The slowest datastream sets the limit, so that a daily one does not cry all day.
            feed.limit = max(feed.limit, stream.stale_after)
            if stream.life is not None:
                feed.newest = max(feed.newest or 0, stream.life)
        if thing.admitted and stream.newest is not None and stream.newest.flags & Flag.SIMULATED:
            self._simulated.add(stream.id)
        else:
            self._simulated.discard(stream.id)

    def tick(self, now: Micros) -> set[int]:
        """Let silence speak: return the shown things that time alone changed."""
        changed = set()
        for thing in self.things.values():
            if thing.next_change <= now and thing.judge(now):
                self._json.pop(thing.id, None)
                if thing.admitted:
                    changed.add(thing.id)
        return changed

    def urge(self, urgencies: Mapping[int, Urgency]) -> set[int]:
        """Take the open alerts' severities in; return the shown things that changed."""
        changed = set()
        calm = Urgency(0, acked=True)
        for thing in self.things.values():
            urgency = urgencies.get(thing.id, calm)
            if (thing.severity, thing.acked) != (urgency.severity, urgency.acked):
                thing.severity, thing.acked = urgency.severity, urgency.acked
                self._json.pop(thing.id, None)
                if thing.admitted:
                    changed.add(thing.id)
        return changed

    def states(self, ids: Iterable[int]) -> bytes:
        """Return `{"id": {…}, …}` of the given things as JSON."""
        return b"{" + b",".join([self._entry(i) for i in ids if i in self.things]) + b"}"

    def shown(self) -> list[int]:
        return [thing.id for thing in self.things.values() if thing.admitted]

    def _entry(self, thing_id: int) -> bytes:
        found = self._json.get(thing_id)
        if found is None:
            found = b'"%d":%b' % (thing_id, orjson.dumps(self.things[thing_id].entry()))
            self._json[thing_id] = found
        return found

    def counts(self, sees: frozenset[int] | None = None) -> dict[str, object]:
        """Return the wall's numbers; pending things are counted as such and nowhere else.

        `sees`: of these things alone.
        """
        fresh = Counter(dict.fromkeys(Freshness, 0))
        kinds: dict[str, dict[str, int]] = {}
        pending = 0
        for thing in self.things.values():
            if sees is not None and thing.id not in sees:
                continue
            if not thing.admitted:
                pending += 1
                continue
            fresh[thing.fresh] += 1
            kind = kinds.setdefault(thing.kind, {"total": 0, "bad": 0, "silent": 0})
            kind["total"] += 1
            kind["bad"] += thing.bad()
            kind["silent"] += thing.fresh is Freshness.SILENT
        return {"things": {str(k): n for k, n in fresh.items()}, "kinds": kinds, "pending": pending}

    def feed_entries(self, now: Micros) -> list[dict[str, object]]:
        """Return the feeds that have things; a configured one that nothing uses is no news."""
        used = {thing.feed for thing in self.things.values()}
        return [feed.entry(now) for feed in self.feeds.values() if feed.name in used]

    @property
    def simulated(self) -> bool:
        """Tell whether any shown value is simulated."""
        return bool(self._simulated)


def _dues(streams: Iterable[Stream]) -> Iterable[Micros]:
    """Yield when words that are held will count."""
    return (s.held.due for s in streams if s.held is not None and s.held.due is not None)


def _turning(stream: Stream, now: Micros) -> Micros:
    """Return when silence will next change this datastream's freshness."""
    life = stream.life or 0
    late, silent = life + stream.expected * 3 // 2 + 1, life + stream.stale_after + 1
    return Micros(min((at for at in (late, silent) if at > now), default=_NEVER_CHANGES))
