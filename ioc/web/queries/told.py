"""Who would be told of an alert now, or at 02:00: the plan that the dispatcher follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ioc import policies
from ioc.clock import Clock
from ioc.domain.alert import Severity
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.policy import Facts
from ioc.web.database import Database
from ioc.web.queries.rules import StationRow

_NIGHT: Final = 2  # o'clock: when nobody is in the office
_ESCALATIONS: Final = range(3)  # at once, then as it stays unanswered


@dataclass(frozen=True, slots=True)
class Told:
    """One who is told; `unanswered`: only once nobody has answered so often."""

    who: str
    policy: str
    how: str
    unanswered: int
    target: str  # its name in the plan, by which it can be tried


@dataclass(frozen=True, slots=True)
class Telling:
    """What the plan says; not `configured`: there is none that tells anybody anything."""

    configured: bool
    items: tuple[Told, ...]


class Plans:
    """The plan in the database, read at each question."""

    def __init__(self, database: Database, clock: Clock, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    async def told(
        self, station: StationRow, severity: Severity, rule: str, when: Literal["now", "night"]
    ) -> Telling:
        """Return who hears of an alert of this severity at a station, in the plan's order."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select definition::text from notify_plan order by version desc limit 1"
            )
            row = await cursor.fetchone()
        if row is None:
            return Telling(configured=False, items=())
        arranged = policies.parse(row[0], self._zone)
        instant = self._clock.now() if when == "now" else self._night()
        found: dict[str, Told] = {}
        for unanswered in _ESCALATIONS:
            facts = Facts(severity, station.kind, station.commune_code, rule, unanswered)
            for one in arranged.plan.resolve(facts, instant):
                target = arranged.targets[one.target]
                who = target.person or target.name
                told = Told(who, one.policy, target.channel, unanswered, target.name)
                found.setdefault(one.target, told)
        return Telling(bool(arranged.plan.policies), tuple(found.values()))

    def _night(self) -> Micros:
        """Return the coming 02:00 of the province."""
        now = to_datetime(self._clock.now()).astimezone(ZoneInfo(self._zone))
        night = now.replace(hour=_NIGHT, minute=0, second=0, microsecond=0)
        return from_datetime(night if night > now else night + timedelta(days=1))
