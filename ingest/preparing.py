"""What a batch of messages means: feed, codec, time, one column entry a value. No connection.

Most messages of a province are small JSON objects of one shape. Where a codec offers a quick
reader, such a message costs one typed decode and six appends; whatever is unusual in it (a missing
channel, a text, a wild time, a retained copy) takes the whole way and comes out the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Final

import structlog

from ingest import feeds
from ingest.codec import Command, Ignored, Message, Outcome, Status
from ingest.feeds import Source
from ioc.domain import times
from ioc.domain.errors import PayloadError
from ioc.domain.intake import STATUS, Arrival, Batch, Letter, Remembered, Slots, digest
from ioc.domain.observation import STATE_CODES, Decoded, Flag, Quality

MAX_PAYLOAD: Final = 1 << 20  # 1 MiB: what a dead letter keeps whole; beyond it nobody's sensor
# Numbers of datastreams and lanes of topics: beyond this somebody puts a counter in a name, and
# both start over. 300,000 of them are about 150 MB.
MAX_SLOTS: Final = 300_000
_ARRIVAL_STANDS_IN: Final = int(Flag.TIME_RECEIVED | Flag.TIME_CORRECTED)
_RETAINED: Final = int(Flag.RETAINED)
_SIMULATED: Final = int(Flag.SIMULATED)

log = structlog.get_logger()


@dataclass(slots=True)
class _Lane:
    """Where a topic leads, resolved once; `source` None: no feed has it."""

    source: Source | None
    parts: Mapping[str, str]
    read: Callable[[bytes], tuple[int, Sequence[float]]] | None = None
    read_one: Callable[[bytes], tuple[int, float]] | None = None
    streams: tuple[int, ...] = ()
    stream: int = 0  # the only one
    flags: int = 0
    past: int = 0
    future: int = 0


class Preparer:
    """Turns messages into batches. For one thread; codecs may remember what they saw.

    `retained` gives what the broker keeps of the feeds whose codecs remember.
    """

    def __init__(
        self, sources: Mapping[str, Source], retained: Callable[[], Iterable[Arrival]] = tuple
    ) -> None:
        self._sources = sources
        self._retained = retained
        self._missed = False
        self._router = feeds.router(sources)
        self._slots = Slots()
        self._lanes: dict[str, _Lane] = {}
        self._feed_of: dict[str, str] = {}

    def prepare(self, arrivals: list[Arrival]) -> Batch:  # noqa: PLR0915  the hottest loop here
        """Decode messages into one batch; what cannot be read becomes letters of it."""
        if len(self._slots.keys) > MAX_SLOTS or len(self._lanes) > MAX_SLOTS:
            self._slots.clear()
            self._lanes.clear()
            self._feed_of.clear()
        if self._missed:
            self._missed = False
            self._begin()
        batch = Batch(self._slots, arrivals, messages=len(arrivals))
        lanes = self._lanes
        for origin, arrival in enumerate(arrivals):
            topic, payload, received, _, _, retain, _ = arrival
            lane = lanes.get(topic) or self._lane(topic)
            try:
                if retain:
                    self._whole(batch, origin, lane)
                elif lane.read_one is not None:
                    time, value = lane.read_one(payload)
                    if not received - lane.past <= time <= received + lane.future:
                        raise ValueError  # noqa: TRY301  the whole way tells what is wrong
                    batch.streams.append(lane.stream)
                    batch.times.append(time)
                    batch.results.append(value)
                    batch.qualities.append(0)
                    batch.flags.append(lane.flags)
                    batch.origins.append(origin)
                elif lane.read is not None:
                    time, values = lane.read(payload)
                    if not received - lane.past <= time <= received + lane.future:
                        raise ValueError  # noqa: TRY301  the whole way tells what is wrong
                    batch.streams.extend(lane.streams)
                    batch.times.extend([time] * len(values))
                    batch.results.extend(values)
                    batch.qualities.extend([0] * len(values))
                    batch.flags.extend([lane.flags] * len(values))
                    batch.origins.extend([origin] * len(values))
                else:
                    self._whole(batch, origin, lane)
            except ValueError:  # not of the quick shape
                self._whole(batch, origin, lane)
        return batch

    def missed(self) -> None:
        """Say that messages may have been missed before the next ones; for any thread."""
        self._missed = True

    def _begin(self) -> None:
        """Let codecs begin anew.

        A codec that cannot get over it forgets; the others hear again what the broker retains, so
        that announcements come before the values that need them. Nothing of it is stored here.
        """
        for source in self._sources.values():
            if source.codec.forget is not None:
                source.codec.forget()
        for arrival in self._retained():
            lane = self._lanes.get(arrival.topic) or self._lane(arrival.topic)
            if lane.source is not None and lane.source.codec.recalls:
                self._recall(lane.source, lane.parts, arrival)

    def _recall(self, source: Source, parts: Mapping[str, str], arrival: Arrival) -> None:
        """Let a codec remember a message; what it says of it was said when the message came."""
        if len(arrival.payload) > MAX_PAYLOAD:
            return
        try:
            source.codec.decode(
                Message(arrival.topic, parts, arrival.payload, arrival.received, retain=True)
            )
        except PayloadError:
            pass
        except Exception:  # a broken codec must not stop the other feeds
            log.exception("codec_failed", feed=source.spec.name, topic=arrival.topic)

    def feed_of(self, topic: str) -> str:
        """Return the feed a topic belongs to, "" for none."""
        try:
            return self._feed_of[topic]
        except KeyError:
            route = self._router.match(topic)
            return "" if route is None else route.feed

    def counted(self, arrivals: Sequence[Arrival]) -> Mapping[str, int]:
        """Count prepared messages by feed."""
        return Counter(map(self._feed_of.__getitem__, [arrival[0] for arrival in arrivals]))

    def _lane(self, topic: str) -> _Lane:
        route = self._router.match(topic)
        self._feed_of[topic] = "" if route is None else route.feed
        if route is None:
            return self._lanes.setdefault(topic, _Lane(None, {}))
        source = self._sources[route.feed]
        lane = _Lane(source, route.parts)
        quick = source.codec.quick
        if quick is not None:
            try:
                thing = quick.thing(route.parts)
            except PayloadError:  # the whole way says why
                return self._lanes.setdefault(topic, lane)
            lane.read, lane.read_one = quick.read, quick.read_one
            lane.streams = tuple(
                self._slots.of((source.spec.name, thing, name, unit or ""))
                for name, unit in quick.datastreams
            )
            lane.stream = lane.streams[0]
            lane.flags = int(Flag.SIMULATED if source.spec.simulated else Flag.NONE)
            lane.past, lane.future = source.past_limit, source.future_limit
        return self._lanes.setdefault(topic, lane)

    def _whole(self, batch: Batch, origin: int, lane: _Lane) -> None:
        arrival, source = batch.arrivals[origin], lane.source
        if source is None:
            batch.letters.append(Letter(None, arrival, "no_feed"))
            return
        feed = source.spec.name
        if len(arrival.payload) > MAX_PAYLOAD:
            detail = f"{len(arrival.payload)} bytes"
            batch.letters.append(Letter(feed, arrival, "too_large", detail))
            return
        message = Message(
            arrival.topic,
            lane.parts,
            arrival.payload,
            arrival.received,
            arrival.retain,
            arrival.dup,
        )
        try:
            decoding = source.codec.decode(message)
        except PayloadError as error:
            batch.letters.append(Letter(feed, arrival, error.reason, error.detail))
            return
        except Exception as error:  # a broken codec must not stop the other feeds
            log.exception("codec_failed", feed=feed, topic=arrival.topic)
            batch.letters.append(Letter(feed, arrival, "codec_failed", repr(error)[:200]))
            return
        for sight in decoding.sightings:
            batch.sightings[feed, sight.thing] = sight
        refusals: list[PayloadError] = []
        stands_in = False
        for outcome in decoding.outcomes:
            try:
                stands_in |= self._add(batch, origin, source, outcome)
            except PayloadError as error:
                refusals.append(error)
            except (TypeError, ValueError) as error:  # no number, no time: a broken codec again
                refusals.append(PayloadError("codec_failed", repr(error)[:200]))
        batch.letters.extend(_letters(feed, arrival, refusals))
        if stands_in and arrival.packet_id is not None:
            batch.remembered.append(Remembered(arrival.packet_id, digest(arrival)))

    def _add(self, batch: Batch, origin: int, source: Source, outcome: Outcome) -> bool:
        """Add one outcome; True when the moment of arrival stands in for its time."""
        match outcome:
            case Decoded():
                return self._append(batch, origin, source, outcome)
            case Status(thing, state, detail, time, flags):
                code = float(STATE_CODES[state])
                value = Decoded(thing, STATUS, time, code, None, Quality.GOOD, flags)
                batch.details[len(batch.streams)] = detail
                return self._append(batch, origin, source, value)
            case Command(topic, payload):
                batch.commands.append((topic, payload))
            case PayloadError():
                raise outcome
            case Ignored():
                pass
        return False

    def _append(self, batch: Batch, origin: int, source: Source, value: Decoded) -> bool:
        arrival = batch.arrivals[origin]
        time, stands_in = times.judge(
            value.time,
            arrival.received,
            past_limit=source.past_limit,
            future_limit=source.future_limit,
        )
        # Plain integers: an operator of an enum takes a microsecond, and a row has five of them.
        # A time relative to the arrival counts as the arrival's.
        flags = int.__or__(stands_in, value.flags)
        if arrival.retain:
            flags |= _RETAINED
        if source.spec.simulated:
            flags |= _SIMULATED
        key = (source.spec.name, value.thing, value.datastream, value.unit or "")
        row = self._slots.of(key), index(time), float(value.result), index(value.quality)
        batch.streams.append(row[0])
        batch.times.append(row[1])
        batch.results.append(row[2])
        batch.qualities.append(row[3])
        batch.flags.append(flags)
        batch.origins.append(origin)
        return flags & _ARRIVAL_STANDS_IN != 0


def _letters(feed: str, arrival: Arrival, refusals: list[PayloadError]) -> list[Letter]:
    """Make one letter a reason of a message: sixty bad records are not sixty copies of it."""
    by_reason: dict[str, list[str]] = {}
    for refusal in refusals:
        by_reason.setdefault(refusal.reason, []).append(refusal.detail)
    return [
        Letter(feed, arrival, reason, f"{len(all_)}: {all_[0]}" if len(all_) > 1 else all_[0])
        for reason, all_ in by_reason.items()
    ]
