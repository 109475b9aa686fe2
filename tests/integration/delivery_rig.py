"""Alerts and news of them in a real database, a webhook that listens, dispatchers as processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc import policies
from ioc import settings as configuration
from ioc.alerting.dispatcher import Arrangement, Sender, gather
from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import Notice
from ioc.domain.instant import SECOND, Micros, to_datetime
from ioc.storage import notifications, outbox

Db = Connection[tuple[Any, ...]]
REPOSITORY: Final = Path(__file__).parents[2]
T0: Final = Micros(1_790_000_000 * SECOND)

DEFINITION: Final = {
    "name": {"vi": "Vượt ngưỡng", "en": "Above the limit"},
    "op": ">",
    "legal_ref": "QCVN 05:2023/BTNMT",
    "operator_action": {"vi": "Gọi trạm", "en": "Call the station"},
}


@dataclass
class Hand:
    """A clock that is set by hand."""

    at: Micros = T0

    def now(self) -> Micros:
        return self.at

    def on(self, seconds: float) -> None:
        self.at = Micros(self.at + round(seconds * SECOND))


@dataclass
class Post:
    """A database with things in communes, rules, and whoever is to be told."""

    conn: Db
    config: Path
    data: Path
    clock: Hand = field(default_factory=Hand)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def prepare(self, rules: int = 1) -> None:
        self.conn.execute(
            "insert into feed (name, title_vi, title_en, expected_period_s)"
            " values ('f', 'f', 'f', 10)"
        )
        self.conn.execute(
            "insert into observed_property (code, name_vi, name_en, unit, kind)"
            " values ('pm25', 'Bụi mịn', 'PM2.5', 'µg/m³', 'quantity')"
        )
        for n in range(rules):
            self.conn.execute(
                "insert into rule (id, name, current_version) values (%s, 'r', 1)", (f"r{n}",)
            )
            self.conn.execute(
                "insert into rule_version (rule_id, version, definition, created_by)"
                " values (%s, 1, %s, 'test')",
                (f"r{n}", Jsonb(DEFINITION)),
            )

    def arrange(self, text: str) -> None:
        """Let config/notify.yaml say this, and put it into effect."""
        shutil.copy(REPOSITORY / "config" / "ioc.toml", self.config / "ioc.toml")
        (self.config / "notify.yaml").write_text(text, encoding="utf-8")
        outbox.sync_plan(self.conn, policies.load(self.config, outbox.ZONE).file, "test")

    def alert(
        self,
        severity: Severity = Severity.HIGH,
        *,
        commune: int = 26068,
        rule: int = 0,
        simulated: bool = False,
    ) -> UUID:
        """Write one alert that is on, of a thing of its own."""
        (key,) = self.alerts([(int(severity), commune, rule)], simulated=simulated)
        return key

    def alerts(
        self, wanted: Sequence[tuple[int, int, int]], *, simulated: bool = False
    ) -> list[UUID]:
        """Write alerts that are on, each of a thing of its own: (severity, commune, rule)."""
        first = next(self._numbers) * 1_000_000
        names = [f"t{first + n}" for n in range(len(wanted))]
        keys = [uuid4() for _ in wanted]
        things = self._rows(
            "insert into thing (feed, external_id, name, short_name, kind, state)"
            " select 'f', x, 'Trạm ' || x, x, 'environment', 'admitted' from unnest(%s::text[]) x"
            " returning id",
            (names,),
        )
        self.conn.execute(
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) select t, 107, 11, c::text, 'Xã ' || c, 'boundary', 'inside'"
            " from unnest(%s::integer[], %s::integer[]) as x (t, c)",
            (things, [commune for _, commune, _ in wanted]),
        )
        streams = self._rows(
            "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
            " stale_after_s) select t, 'v', 'pm25', 'pm25', 'µg/m³', 10, 60"
            " from unnest(%s::integer[]) t returning id",
            (things,),
        )
        self.conn.execute(
            "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity,"
            " active, raised_at, detected_at, result, limit_value, simulated)"
            " select k, 'r' || r, 1, d, t, s, true, %s, %s, 60, 50, %s from"
            " unnest(%s::uuid[], %s::integer[], %s::integer[], %s::integer[], %s::smallint[])"
            " as x (k, r, d, t, s)",
            (
                *[to_datetime(self.clock.at)] * 2,
                simulated,
                keys,
                [rule for _, _, rule in wanted],
                streams,
                things,
                [severity for severity, _, _ in wanted],
            ),
        )
        return keys

    def _rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        return [row[0] for row in self.conn.execute(query.encode(), values).fetchall()]

    def tell(self, *keys: UUID, kind: Kind = Kind.RAISE, n: int = 0) -> None:
        """Say news of alerts, as the store does with a change."""
        with self.conn.transaction():
            outbox.put(self.conn, [Notice(key, 1, kind, n) for key in keys], self.clock.at)

    def end(self, key: UUID) -> None:
        """Let an alert return, and say so."""
        self.conn.execute(
            "update alert set active = false, returned_at = %s where id = %s",
            (to_datetime(self.clock.at), key),
        )
        self.tell(key, kind=Kind.RTN)

    # ------------------------------------------------------------ dispatching in this process

    def settings(self) -> configuration.Settings:
        return configuration.load(
            {"IOC_CONFIG_DIR": str(self.config), "IOC_DATA_DIR": str(self.data)}
        )

    def gather(self) -> None:
        """Decide once for every target."""
        plan = outbox.plan(self.conn)
        assert plan is not None
        for target in notifications.targets(self.conn):
            gather(self.conn, target, plan, self.clock.at)

    def send(self) -> int:
        """Send all that is due; return how many attempts there were."""
        sender = Sender(Arrangement(self.settings()), Event(), self.clock)
        attempts = 0
        while sender.send_one(self.conn):
            attempts += 1
        return attempts

    def dispatch(self, seconds: float = 5) -> int:
        """Let what is not urgent gather, decide, send; return the number of attempts."""
        self.clock.on(seconds)
        self.gather()
        return self.send()

    # ------------------------------------------------------------ what came of it

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        row = self.conn.execute(query.encode(), values).fetchone()
        assert row is not None
        return row[0]

    def settled(self) -> bool:
        """Tell whether nothing waits any more."""
        return not self.one(
            "select count(*) from outbox where sent_at is null and not dead and withheld is null"
        )

    def settled_in_time(self) -> bool:
        """Let a storm's window pass for all that was decided, and tell whether nothing waits.

        The next list of a storm is up to ten minutes away, and the clock of a process stays.
        """
        for table, moment in (("outbox", "decided_at"), ("notice", "noticed_at")):
            self.conn.execute(f"update {table} set {moment} = {moment} - interval '11 minutes'")
        return self.settled()

    def log(self) -> list[tuple[str, str]]:
        """Return outcome and detail of every attempt."""
        rows = self.conn.execute("select outcome, detail from notify_log order by id").fetchall()
        return [(outcome, detail) for outcome, detail in rows]


class Dispatcher:
    """The dispatcher as a real process."""

    def __init__(self, post: Post, environment: Mapping[str, str]) -> None:
        self._log = post.config / f"dispatcher-{uuid4()}.log"
        self._environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(REPOSITORY),
            "IOC_CONFIG_DIR": str(post.config),
            "IOC_DATA_DIR": str(post.data),
            **environment,
        }
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "ioc.alerting.dispatcher"], env=self._environment, stderr=log
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.popen is not None
        self.popen.send_signal(number)
        return self.popen.wait(30)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""


@contextmanager
def dispatchers(post: Post, n: int, environment: Mapping[str, str]) -> Iterator[list[Dispatcher]]:
    """Run some dispatchers for a while; show their logs when the test fails."""
    found = [Dispatcher(post, environment) for _ in range(n)]
    for one in found:
        one.start()
    try:
        yield found
    finally:
        for one in found:
            if one.popen is not None and one.popen.poll() is None:
                one.end()
            print(one.said())  # noqa: T201  pytest shows it with a failure
