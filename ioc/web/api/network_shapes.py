"""What the answers about network and coverage are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from ioc.domain.coverage import CELL_KM, Grid, Hamlet, Line, Report, Suggestion, Tally
from ioc.domain.network.cut import Analysis, Impact
from ioc.domain.network.plan import SiteKind
from ioc.web.queries.network import Net, Suspicions


class SiteOut(BaseModel):
    code: str
    kind: SiteKind
    name: str
    lon: float
    lat: float
    commune: str
    thing: int | None


def _sites(analysis: Analysis, numbers: Iterable[int]) -> list[SiteOut]:
    found = []
    for number in numbers:
        site = analysis.network.sites[number]
        found.append(
            SiteOut(
                code=site.code,
                kind=site.kind,
                name=site.name,
                lon=site.at[0],
                lat=site.at[1],
                commune=site.commune_name,
                thing=site.thing,
            )
        )
    order = list(SiteKind)
    return sorted(found, key=lambda one: (order.index(one.kind), one.name))


class NetworkOut(BaseModel):
    """How the network was joined: what to know before believing an answer."""

    segments: int
    sites: int
    sites_linked: int
    cores: list[str]
    tolerance_m: float
    ends_by_code: int
    ends_by_place: int
    loose_ends: int
    ducts_without_cable: int

    @classmethod
    def of(cls, net: Net) -> NetworkOut:
        network, joined = net.analysis.network, net.analysis.network.joined
        return cls(
            segments=len(network.segments),
            sites=len(network.sites),
            sites_linked=len(net.analysis.reached()),
            cores=[node.name or node.code for node, _ in network.nodes if node.core],
            tolerance_m=joined.tolerance_m,
            ends_by_code=joined.ends_by_code,
            ends_by_place=joined.ends_by_place,
            loose_ends=joined.loose_ends,
            ducts_without_cable=joined.ducts_without_cable,
        )


class CommuneOut(BaseModel):
    code: str
    name: str
    lost: int
    of: int
    cut_off: bool


class ImpactOut(BaseModel):
    """What a cut takes away; `survivors` live on another way round a ring."""

    title: str
    segments: list[str]
    counts: dict[SiteKind, int]
    lost: list[SiteOut]
    survivors: list[SiteOut]
    communes: list[CommuneOut]

    @classmethod
    def of(cls, analysis: Analysis, impact: Impact) -> ImpactOut:
        lost = _sites(analysis, impact.lost)
        return cls(
            title=analysis.stretch(impact.segments) if impact.segments else "",
            segments=[analysis.network.segments[n].code for n in impact.segments],
            counts={kind: sum(one.kind is kind for one in lost) for kind in SiteKind},
            lost=lost,
            survivors=_sites(analysis, impact.survivors),
            communes=[
                CommuneOut(code=c.code, name=c.name, lost=c.lost, of=c.of, cut_off=c.cut_off)
                for c in impact.communes
            ],
        )


class SinglePointOut(BaseModel):
    title: str
    node: bool
    segments: list[str]
    counts: dict[SiteKind, int]
    weight: int
    lon: float
    lat: float


class SinglePointsOut(BaseModel):
    """Segments and nodes whose failure alone takes sites away, the worst first."""

    total: int
    items: list[SinglePointOut]

    @classmethod
    def of(cls, net: Net, limit: int) -> SinglePointsOut:
        analysis = net.analysis
        items = []
        for point in net.points[:limit]:
            path = analysis.network.segments[point.segments[0]].path
            middle = path[len(path) // 2]
            lon, lat = middle if point.place is None else analysis.network.places[point.place]
            items.append(
                SinglePointOut(
                    title=analysis.title(point),
                    node=point.place is not None,
                    segments=[analysis.network.segments[n].code for n in point.segments],
                    counts=point.counts,
                    weight=point.weight,
                    lon=lon,
                    lat=lat,
                )
            )
        return cls(total=len(net.points), items=items)


class StandingOut(BaseModel):
    title: str
    segments: list[str]
    since: datetime
    points: int
    doubted: bool
    alert: UUID | None


class CandidateOut(BaseModel):
    title: str
    segments: list[str]
    explained: int
    wrongly: int
    unheard: int
    score: int


class SuspectsOut(BaseModel):
    """Suspected cuts, and what best explains the largest silence of now."""

    silent: int
    standing: list[StandingOut]
    candidates: list[CandidateOut]

    @classmethod
    def of(cls, analysis: Analysis, found: Suspicions) -> SuspectsOut:
        codes = [segment.code for segment in analysis.network.segments]
        return cls(
            silent=found.silent,
            standing=[
                StandingOut(
                    title=one.name,
                    segments=list(one.standing.segments),
                    since=one.opened,
                    points=len(one.standing.points),
                    doubted=one.standing.doubted is not None,
                    alert=one.alert,
                )
                for one in found.standing
            ],
            candidates=[
                CandidateOut(
                    title=analysis.stretch(one.segments),
                    segments=[codes[n] for n in one.segments],
                    explained=len(one.explained),
                    wrongly=len(one.wrongly),
                    unheard=one.unheard,
                    score=one.score,
                )
                for one in found.candidates
            ],
        )


class TallyOut(BaseModel):
    covered: int
    partial: int
    none: int
    unknown: int
    known: int
    with_signal: int
    none_share: float | None
    partial_share: float | None
    reached_share: float | None

    @classmethod
    def of(cls, tally: Tally) -> TallyOut:
        return cls(**{name: getattr(tally, name) for name in cls.model_fields})


class CoverageLineOut(BaseModel):
    key: str
    name: str
    hamlets: TallyOut
    people: TallyOut
    without_power: int
    out_of_reach: int | None = None  # people, by distance alone: a suggestion

    @classmethod
    def of(cls, line: Line, grid: Grid | None = None) -> CoverageLineOut:
        people = None if grid is None else round(grid.communes.get(line.key, 0))
        return cls(
            out_of_reach=people,
            key=line.key,
            name=line.name,
            hamlets=TallyOut.of(line.hamlets),
            people=TallyOut.of(line.people),
            without_power=line.without_power,
        )


class SuggestionOut(BaseModel):
    """A hamlet to go and see, by distance alone; never a class of its own."""

    code: str
    name: str
    commune: str
    says: str
    signal_likely: bool
    mast_km: float | None


MOST_CELLS = 3_000  # drawn; some 60 kB. The fullest, so what is left out is the least


class GridOut(BaseModel):
    """People by square of `cell_m`, spread around hamlets; those out of reach as lon, lat, people.

    A suggestion by distance alone: no terrain, no height, no band.
    """

    cell_m: float
    people: int
    out_of_reach: int
    out_share: float | None
    cells: list[tuple[float, float, float]]

    @classmethod
    def of(cls, grid: Grid) -> GridOut:
        return cls(
            cell_m=CELL_KM * 1000,
            people=round(grid.people),
            out_of_reach=round(grid.out_of_reach),
            out_share=grid.out_share,
            cells=[
                (round(one.at[0], 5), round(one.at[1], 5), round(one.people, 1))
                for one in grid.cells[:MOST_CELLS]
            ],
        )


class CoverageOut(BaseModel):
    """Hamlets by class: `none` is counted of all, `partial` of those with any signal."""

    all: CoverageLineOut
    communes: list[CoverageLineOut]
    operators: list[CoverageLineOut]
    without_population: int
    suggestion_reach_km: float
    suggestions: list[SuggestionOut]
    grid: GridOut

    @classmethod
    def of(
        cls,
        report: Report,
        suggested: Sequence[Suggestion],
        grid: Grid,
        hamlets: Mapping[str, Hamlet],
        reach_km: float,
    ) -> CoverageOut:
        return cls(
            all=CoverageLineOut.of(report.all),
            communes=[CoverageLineOut.of(line, grid) for line in report.communes],
            operators=[CoverageLineOut.of(line) for line in report.operators],
            without_population=report.without_population,
            suggestion_reach_km=reach_km,
            suggestions=[
                SuggestionOut(
                    code=one.code,
                    name=hamlets[one.code].name,
                    commune=hamlets[one.code].commune_name,
                    says=one.says,
                    signal_likely=one.likely,
                    mast_km=None if one.away_km is None else round(one.away_km, 2),
                )
                for one in suggested
            ],
            grid=GridOut.of(grid),
        )
