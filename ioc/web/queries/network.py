"""The network, its suspected cuts and coverage, for pages and API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ioc.domain.coverage import Hamlet
from ioc.domain.instant import Micros
from ioc.domain.location import Point
from ioc.domain.network.cut import Analysis, SinglePoint
from ioc.domain.network.joining import join
from ioc.domain.network.suspicion import Silence, Suspect, rank, together
from ioc.storage import cuts, network
from ioc.storage.cuts import Known
from ioc.storage.script import Script, run_async
from ioc.web.database import Database

_MOST_CANDIDATES = 5  # of one silence: who is in doubt looks at the first ones


@dataclass(frozen=True, slots=True)
class Net:
    """One version of the network, ready for questions; single points are ranked once."""

    version: str
    analysis: Analysis
    points: list[SinglePoint]
    by_code: dict[str, int]


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What stands, and the best explanations of what is silent now."""

    standing: list[Known]
    candidates: list[Suspect]
    silent: int


@dataclass(slots=True)
class NetworkQueries:
    """The reading half; keeps the network of one version in memory, some 15 MB."""

    database: Database
    _net: Net | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def net(self) -> Net:
        """Return the network as the layers are now; built anew in a thread when one changed."""
        async with self._lock:
            version = await self._read(network.version())
            if self._net is None or self._net.version != version:
                plan = await self._read(network.plan())
                self._net = await asyncio.to_thread(lambda: _ready(version, Analysis(join(plan))))
            return self._net

    async def hamlets(self) -> tuple[list[Hamlet], list[Point]]:
        """Return the hamlets, and where base stations stand."""
        return await self._read(network.hamlets()), await self._read(network.masts())

    async def suspicions(self, net: Net, now: Micros) -> Suspicions:
        """Return what is suspected, and what else would explain who is silent."""
        sites = net.analysis.network.sites
        numbers = {site.thing: n for n, site in enumerate(sites) if site.thing is not None}
        known = await self._read(cuts.standing())
        heard = await self._read(cuts.heard(list(numbers), now))
        silences = [Silence(numbers[t], since) for t, since in heard.silent.items()]
        answers = {numbers[t]: time for t, time in heard.answers.items()}
        found = await asyncio.to_thread(_candidates, net.analysis, silences, answers)
        return Suspicions(known, found, len(silences))

    async def _read(self, script: Script[Any]) -> Any:  # noqa: ANN401  the script's own
        async with self.database.connection() as conn:
            return await run_async(conn, script)


def _ready(version: str, analysis: Analysis) -> Net:
    by_code = {segment.code: n for n, segment in enumerate(analysis.network.segments)}
    return Net(version, analysis, analysis.single_points(), by_code)


def _candidates(
    analysis: Analysis, silences: Sequence[Silence], answers: dict[int, Micros]
) -> list[Suspect]:
    groups = sorted(together(silences), key=len, reverse=True)
    if not groups:
        return []
    begin = max(one.since for one in groups[0])
    well = {site for site, time in answers.items() if time > begin}
    return rank(analysis, {one.site for one in groups[0]}, well)[:_MOST_CANDIDATES]
