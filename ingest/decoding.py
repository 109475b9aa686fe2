"""What messages become, without any store: what `ioc decode` prints.

One message gives its outcomes in its own order. A value carries what would be stored: times are
judged, units converted, and it is graded as far as that needs no history.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from ingest import feeds
from ingest.codec import Command, Decoding, Ignored, Message, Outcome, Status
from ingest.feeds import Source
from ioc import units
from ioc.catalogue import Catalogue
from ioc.domain import times
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.observation import Decoded, Flag, Quality, time_source
from ioc.domain.quality import Limits, grade
from ioc.text import words

MAX_PAYLOAD: Final = 1 << 20  # 1 MiB: what a dead letter keeps whole; beyond it nobody's sensor
_FOR_EVER: Final = 1 << 62  # µs

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """A message to explain; `received` None: the age of its times is not judged."""

    topic: str
    payload: bytes
    received: Micros | None = None
    retain: bool = False
    feed: str | None = None


class Explainer:
    """Explains messages one after the other; what codecs remember is kept between them."""

    def __init__(self, sources: Mapping[str, Source], catalogue: Catalogue, now: Micros) -> None:
        self._sources = sources
        self._router = feeds.router(sources)
        self._alone = {name: feeds.router({name: one}) for name, one in sources.items()}
        self._catalogue = catalogue
        self._now = now

    def explain(self, message: Input) -> Iterator[Told]:
        """Yield what becomes of a message, one object for each outcome; raises nothing."""
        router = self._router if message.feed is None else self._alone.get(message.feed)
        if router is None:
            yield {"feed": message.feed, **refused(PayloadError("unknown_feed"))}
            return
        route = router.match(message.topic)
        if route is None:
            yield {"feed": message.feed, **refused(PayloadError("no_feed", message.topic))}
            return
        source = self._sources[route.feed]
        received = self._now if message.received is None else message.received
        whole = Message(message.topic, route.parts, message.payload, received, message.retain)
        limit = source.past_limit if message.received is not None else _FOR_EVER
        outcomes = _decode(source, whole).outcomes or [Ignored("unused")]  # no message goes untold
        for outcome in outcomes:
            yield {"feed": route.feed, **self._tell(source, whole, outcome, limit)}

    def _tell(self, source: Source, message: Message, outcome: Outcome, limit: int) -> Told:
        match outcome:
            case Decoded():
                try:
                    return self._observation(source, message, outcome, limit)
                except PayloadError as error:
                    return refused(error)
            case Status(thing, state, detail):
                return {
                    "kind": "status",
                    "thing": thing,
                    "state": state.value,
                    "detail": detail,
                    "retained": message.retain,
                }
            case Command(topic, payload):
                return {"kind": "command", "topic": topic, "payload_b64": _base64(payload)}
            case Ignored(reason):
                return {"kind": "ignored", "reason": words("en")[f"ignored.{reason}"]}
            case PayloadError():
                return refused(outcome)

    def _observation(self, source: Source, message: Message, value: Decoded, limit: int) -> Told:
        time, flags = times.judge(
            value.time, message.received, past_limit=limit, future_limit=source.future_limit
        )
        flags |= value.flags
        spec = source.spec.describe(value.datastream)
        unit = value.unit if value.unit is not None else spec.unit
        known = self._catalogue.get(spec.property or "")
        result, quality, wanted = value.result, value.quality, None
        if known is not None:
            try:
                change = units.conversion(unit, known.unit)
            except units.UnitError:
                quality = Quality.SUSPECT if quality is Quality.GOOD else quality
            else:
                if change is not None:
                    result, wanted = result * change.factor + change.offset, known.unit
        limits = Limits() if known is None else known.limits()
        if spec.valid_min is not None or spec.valid_max is not None:
            # The sensor's own range, in the unit as sent, replaces the property's.
            quality = grade(value.result, quality, spec.valid_min, spec.valid_max)
        low = limits.valid_min if spec.valid_min is None else None
        high = limits.valid_max if spec.valid_max is None else None
        told: Told = {
            "kind": "observation",
            "thing": value.thing,
            "datastream": value.datastream,
            "observed_property": spec.property if known is not None else None,
            "result": value.result if isfinite(value.result) else None,
            "unit": unit,
            "phenomenon_time": _rfc3339(time),
            "time_source": time_source(flags).value,
            "quality": grade(result, quality, low, high).name.lower(),
            "historical": bool(flags & Flag.HISTORICAL),
            "retained": message.retain,
        }
        if wanted is not None and isfinite(result):
            told |= {"result_si": result, "unit_si": wanted}
        return told


def _decode(source: Source, message: Message) -> Decoding:
    """Return the outcomes; a message of which nothing can be read is one refusal."""
    if len(message.payload) > MAX_PAYLOAD:
        return Decoding([PayloadError("too_large", f"{len(message.payload)} bytes")])
    try:
        return source.codec.decode(message)
    except PayloadError as error:
        return Decoding([error])


def refused(error: PayloadError) -> Told:
    """Return a refusal as `ioc decode` prints it."""
    reason = words("en")[f"reason.{error.reason}"]
    return {"kind": "refused", "reason": reason, "code": error.reason, "detail": error.detail}


def _base64(payload: bytes) -> str:
    return b64encode(payload).decode()


def _rfc3339(instant: Micros) -> str:
    return to_datetime(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")
