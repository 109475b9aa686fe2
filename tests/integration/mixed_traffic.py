"""What a province really publishes, good and bad together, and the truth to compare with.

Each message is made once with what must become of it: rows by key, rows that only their value tells
apart (no time of their own), or one dead letter. Nothing is random but the order.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from tests.integration.ingest_rig import broken_invariants, one
from tests.unit.sparkplug_edge import EdgeNode

Db = Connection[tuple[Any, ...]]
Key = tuple[str, str, str, int]  # feed, thing, datastream, µs

FEEDS: Final = """
- name: timed
  title: {vi: Có giờ, en: Timed}
  codec: json
  topic: "m/timed/{thing}"
  expected_period_s: 60
  kind: environment
  admit: true
  options:
    time: t
    time_format: epoch_us
    location: {lon: lon, lat: lat}
    values:
      pm25: {path: v}
- name: timeless
  title: {vi: Không giờ, en: Timeless}
  codec: json
  topic: "m/timeless/{thing}"
  expected_period_s: 60
  kind: environment
  admit: true
  options:
    values:
      pm25: {path: v}
- name: tasmota
  title: {vi: Tasmota, en: Tasmota}
  codec: tasmota
  topic: "tele/{device}/SENSOR"
  expected_period_s: 60
  kind: environment
  admit: true
- name: senml
  title: {vi: SenML, en: SenML}
  codec: senml
  topic: "senml/{path*}"
  expected_period_s: 60
  kind: environment
  admit: true
- name: chirpstack
  title: {vi: ChirpStack, en: ChirpStack}
  codec: chirpstack
  topic: "application/{app}/device/{dev}/event/{event}"
  expected_period_s: 60
  kind: water
  admit: true
  options: {encoding: json}
- name: sparkplug
  title: {vi: Sparkplug, en: Sparkplug}
  codec: sparkplug
  topic: "spBv1.0/{path*}"
  expected_period_s: 60
  kind: gateway
  admit: true
"""

THINGS: Final = 40
FAR_THINGS: Final = 300
_LOCAL: Final = timezone(timedelta(hours=7))
_DAY_US: Final = 86_400_000_000
BIRTHS_EVERY: Final = 25  # messages of the gateway: a host that lost its state hears of it soon


def write_feeds(folder: Path) -> None:
    """Write the feeds of this traffic into a configuration folder."""
    (folder / "feeds").mkdir()
    (folder / "feeds" / "mixed.yaml").write_text(FEEDS, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Made:
    """One message to publish at QoS 1."""

    topic: str
    payload: bytes


@dataclass
class Traffic:
    """Makes messages and remembers what must become of them."""

    seed: int = 1
    megabyte_every: int = 1000
    rows: dict[Key, float] = field(default_factory=dict)
    untimed: dict[tuple[str, str, str], Counter[float]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    letters: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    gateway: dict[Key, bytes] = field(default_factory=dict)  # stored, or a dead letter
    count: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._base = time.time_ns() // 1000 - 60_000_000  # a minute ago: minutes and hours close
        self._recent: list[Made] = []
        self._edge = EdgeNode("T", "GW", {"": {}, "D": {"a": 0.0}})
        self._told = self._far = 0
        self._kinds: list[Callable[[int], Iterator[Made]]] = []
        for kind, weight in (
            (self._timed, 500), (self._timeless, 200), (self._tasmota, 60), (self._senml, 60),
            (self._chirpstack, 60), (self._sparkplug, 40), (self._broken, 10), (self._binary, 5),
            (self._future, 5), (self._past, 5), (self._booted, 10), (self._nan, 10),
            (self._outside, 5), (self._again, 20), (self._clock_back, 10),
        ):  # fmt: skip
            self._kinds += [kind] * weight

    def messages(self, count: int) -> list[Made]:
        """Return the next messages, `count` or a few more."""
        found: list[Made] = []
        while len(found) < count:
            n = self.count
            self.count += 1
            if n % self.megabyte_every == self.megabyte_every // 2:
                found += self._megabyte(n)
            found += self._random.choice(self._kinds)(n)
        return found

    def _json(self, feed: str, n: int, value: Any, **more: Any) -> Made:
        body = {"v": value, "n": n, **more}
        return Made(f"m/{feed}/s{n % THINGS}", json.dumps(body).encode())

    def _timed(self, n: int) -> Iterator[Made]:
        made = self._json("timed", n, float(n), t=self._base + n)
        self.rows["timed", f"s{n % THINGS}", "v", self._base + n] = float(n)
        self._recent = [*self._recent[-20:], made]
        yield made

    def _timeless(self, n: int) -> Iterator[Made]:
        self.untimed["timeless", f"s{n % THINGS}", "v"][float(n)] += 1
        yield self._json("timeless", n, n)

    def _again(self, n: int) -> Iterator[Made]:
        """Send a timed message twice: a device that missed its acknowledgement."""
        del n
        if self._recent:
            yield self._random.choice(self._recent)

    def _clock_back(self, n: int) -> Iterator[Made]:
        at = self._base - 3_600_000_000 - n
        self.rows["timed", f"s{n % THINGS}", "v", at] = float(n)
        yield self._json("timed", n, float(n), t=at)

    def _booted(self, n: int) -> Iterator[Made]:
        self.untimed["timed", f"s{n % THINGS}", "v"][float(n)] += 1
        yield self._json("timed", n, float(n), t=5_000_000 + n)

    def _nan(self, n: int) -> Iterator[Made]:
        self.rows["timed", f"s{n % THINGS}", "v", self._base + n] = math.nan
        yield self._json("timed", n, math.nan, t=self._base + n)

    def _megabyte(self, n: int) -> Iterator[Made]:
        at = self._base - 7_200_000_000 - n
        self.rows["timed", f"s{n % THINGS}", "v", at] = float(n)
        yield self._json("timed", n, float(n), t=at, pad="x" * 1_000_000)

    def _outside(self, n: int) -> Iterator[Made]:
        """Say to be in Paris: told at a thing's first message, which gives it its place."""
        thing = f"far{self._far % FAR_THINGS}"
        body = {"v": n, "t": self._base + n, "lon": 2.35, "lat": 48.85}
        made = Made(f"m/timed/{thing}", json.dumps(body).encode())
        self.rows["timed", thing, "v", self._base + n] = float(n)
        if self._far < FAR_THINGS:
            self.letters["location_outside", made.payload] += 1
        self._far += 1
        yield made

    def _broken(self, n: int) -> Iterator[Made]:
        yield self._refused("bad_json", Made(f"m/timed/s{n % THINGS}", b'{"v": %d, "t":' % n))

    def _binary(self, n: int) -> Iterator[Made]:
        content = b"\x89PNG\r\n\x1a\n\0\1" + n.to_bytes(4, "big")
        yield self._refused("binary", Made(f"m/timed/s{n % THINGS}", content))

    def _future(self, n: int) -> Iterator[Made]:
        made = self._json("timed", n, n, t=self._base + 30 * _DAY_US)
        yield self._refused("time_future", made)

    def _past(self, n: int) -> Iterator[Made]:
        yield self._refused("time_past", self._json("timed", n, n, t=self._base - 30 * _DAY_US))

    def _refused(self, reason: str, made: Made) -> Made:
        self.letters[reason, made.payload] += 1
        return made

    def _tasmota(self, n: int) -> Iterator[Made]:
        at = self._base // 1_000_000 - n // THINGS  # whole seconds are all that Tasmota tells
        local = datetime.fromtimestamp(at, _LOCAL).strftime("%Y-%m-%dT%H:%M:%S")
        body = {"Time": local, "SHT": {"Temperature": n / 2, "Humidity": float(n)}, "TempUnit": "C"}
        device = f"t{n % THINGS}"
        self.rows["tasmota", device, "SHT/Temperature", at * 1_000_000] = n / 2
        self.rows["tasmota", device, "SHT/Humidity", at * 1_000_000] = float(n)
        yield Made(f"tele/{device}/SENSOR", json.dumps(body).encode())

    def _senml(self, n: int) -> Iterator[Made]:
        at = self._base // 1_000_000 - n // THINGS
        thing = f"urn:dev:ow:{n % THINGS}:"
        pack = [
            {"bn": thing, "bt": at, "n": "t", "u": "Cel", "v": n / 4},
            {"n": "h", "u": "%RH", "v": n},
        ]
        self.rows["senml", thing, "t", at * 1_000_000] = n / 4
        self.rows["senml", thing, "h", at * 1_000_000] = float(n)
        yield Made(f"senml/{n % THINGS}", json.dumps(pack).encode())

    def _chirpstack(self, n: int) -> Iterator[Made]:
        device = f"24e124136b50{n % THINGS:04x}"
        at = self._base + n
        body = {
            "deduplicationId": f"00000000-0000-4000-8000-{n:012x}",
            "time": datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds"),
            "deviceInfo": {"devEui": device, "deviceName": device, "applicationName": "a"},
            "fCnt": n, "fPort": 85, "data": "AQ==", "object": {"distance": float(n)},
        }  # fmt: skip
        self.rows["chirpstack", device, "distance", at] = float(n)
        yield Made(f"application/a/device/{device}/event/up", json.dumps(body).encode())

    def _sparkplug(self, n: int) -> Iterator[Made]:
        now = self._base // 1000 + self._told
        if self._told % BIRTHS_EVERY == 0:
            for sent in self._edge.births(now - 1):
                yield Made(sent.topic, sent.payload)
        self._told += 1
        sent = self._edge.data("D", "a", float(n), now)
        self.gateway["sparkplug", "T/GW/D", "a", now * 1000] = sent.payload
        yield Made(sent.topic, sent.payload)


_ROWS: Final = """
select t.feed, t.external_id, d.name, (extract(epoch from o.phenomenon_time) * 1000000)::bigint,
  o.result, o.flags & 48 <> 0
from observation o join datastream d on d.id = o.datastream_id join thing t on t.id = d.thing_id
where d.name <> '@status' and not d.derived -- indices are ours, nobody published them
"""


def differences(conn: Db, traffic: Traffic, *, exact: bool = True) -> list[str]:
    """Compare the database with the truth; [] when all is there, once.

    `exact` False after a broker crash: what has no time of its own may be there twice.
    """
    timed: dict[Key, float] = {}
    untimed: dict[tuple[str, str, str], Counter[float]] = defaultdict(Counter)
    for feed, thing, name, at, result, by_us in conn.execute(_ROWS):
        if by_us:
            untimed[feed, thing, name][result] += 1
        else:
            timed[feed, thing, name, at] = result
    letters = Counter(
        (reason, bytes(payload))
        for reason, payload in conn.execute(
            "select reason, payload from dead_letter where feed is distinct from 'sparkplug'"
        )
    )
    return [
        *_compared("timed rows", traffic.rows, timed),
        *_counted("rows without a time", _flat(traffic.untimed), _flat(untimed), exact=exact),
        *_counted("dead letters", traffic.letters, letters, exact=exact),
        *_unaccounted(conn, traffic, timed),
        *_corrections(conn),
        *broken_invariants(conn),
    ]


def _compared(what: str, wanted: dict[Key, float], found: dict[Key, float]) -> Iterator[str]:
    lost = [key for key in wanted if key not in found]
    wrong = [k for k in wanted if k in found and repr(found[k]) != repr(wanted[k])]
    strange = [key for key in found if key not in wanted and key[0] != "sparkplug"]
    for name, keys in (("lost", lost), ("wrong", wrong), ("strange", strange)):
        if keys:
            yield f"{what}: {len(keys)} {name}, like {keys[0]}"


def _flat(counts: dict[tuple[str, str, str], Counter[float]]) -> Counter[Any]:
    return Counter({(*key, value): n for key, c in counts.items() for value, n in c.items()})


def _counted(what: str, wanted: Counter[Any], found: Counter[Any], *, exact: bool) -> Iterator[str]:
    for name, counts in (("lost", wanted - found), ("doubled", found - wanted)):
        if counts and (exact or name == "lost" or any(key not in wanted for key in counts)):
            yield f"{what}: {counts.total()} {name}, like {str(next(iter(counts)))[:200]}"


def _unaccounted(conn: Db, traffic: Traffic, timed: dict[Key, float]) -> Iterator[str]:
    letters = {
        bytes(payload)
        for (payload,) in conn.execute("select payload from dead_letter where feed = 'sparkplug'")
    }
    lost = [k for k, sent in traffic.gateway.items() if k not in timed and sent not in letters]
    if lost:
        yield f"gateway: {len(lost)} neither stored nor refused, like {lost[0]}"


def _corrections(conn: Db) -> Iterator[str]:
    corrected = one(
        conn,
        "select count(*) from observation_correction c"
        " join datastream d on d.id = c.datastream_id where not d.derived",
    )
    if corrected:
        yield f"{corrected} corrections, where no device corrected anything"
