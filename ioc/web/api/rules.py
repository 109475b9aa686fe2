"""Rules over HTTP: what the rule pages ask, and what any program may."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request

from ioc.domain.instant import to_datetime
from ioc.rules import definition
from ioc.rules.definition import RuleFile
from ioc.web.api.rule_shapes import (
    ContextIn,
    DetailOut,
    DoneOut,
    HistoryIn,
    LimitOut,
    OptionsOut,
    PreviewIn,
    PropertyOut,
    RollbackIn,
    RuleOut,
    RulesOut,
    SaveIn,
    StationOut,
    StationsOut,
    states_of,
)
from ioc.web.api.rule_trials import ContextOut, HistoryOut, OverlapOut, PreviewOut, ToldOut
from ioc.web.commands import NotFoundError
from ioc.web.queries.rules import StationRow
from ioc.web.rule_commands import Draft, read
from ioc.web.security import caller_address
from ioc.web.services import Services

_SLUG: Final = r"^[a-z0-9-]{1,63}$"
Key = Annotated[str, Path(pattern=_SLUG)]
Number = Annotated[int, Path(ge=1, le=10**9)]
Code = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


def add(api: APIRouter, services: Services) -> None:
    """Add every route about rules."""
    _questions(api, services)
    _lists(api, services)
    _changes(api, services)


def _lists(api: APIRouter, services: Services) -> None:
    queries, book = services.rules.queries, services.rules.book

    @api.get("/rules")
    async def rules() -> RulesOut:
        return RulesOut(items=[RuleOut.of(row) for row in await queries.rules()])

    @api.get("/rules/{key}")
    async def rule(key: Key) -> DetailOut:
        found = await queries.rule(key)
        if found is None:
            raise NotFoundError(key)
        return DetailOut.of(found)

    @api.get("/rule-options")
    async def options() -> OptionsOut:
        zone = ZoneInfo(services.settings.province.zone)
        today = to_datetime(services.clock.now()).astimezone(zone).date()
        return OptionsOut(
            properties=[
                PropertyOut(
                    code=row.code,
                    name=row.name,
                    unit=row.unit,
                    decimals=row.decimals,
                    kind=row.kind,
                    how=book.properties[row.code].average.how,
                    states=states_of(row.states),
                )
                for row in await queries.properties()
                if row.code in book.properties
            ],
            limits=[LimitOut.of(one, today) for one in book.limits],
        )

    @api.get("/rule-options/stations")
    async def stations(property: Code) -> StationsOut:  # noqa: A002  the word in the address
        found = await queries.stations(property)
        return StationsOut(items=[StationOut.of(row) for row in found])


def _questions(api: APIRouter, services: Services) -> None:
    """Add what an editor asks while a rule is being made; nothing is written."""
    queries, rehearsals = services.rules.queries, services.rules.rehearsals

    @api.post("/rules/history")
    async def history(wanted: HistoryIn) -> HistoryOut:
        station = await _station(services, wanted.datastream)
        window = None if wanted.window is None else wanted.window.window()
        drawn = await rehearsals.draw(station, wanted.input, window, wanted.columns)
        known = services.rules.book.properties.get(station.observed_property)
        return HistoryOut.of(drawn, 1 if known is None else known.decimals)

    @api.post("/rules/preview")
    async def preview(wanted: PreviewIn) -> PreviewOut:
        begun = perf_counter()
        rule = read(wanted.rule)
        station = await _station(services, wanted.datastream)
        head = await queries.in_force(wanted.against) if wanted.against else None
        before = None if head is None else definition.parse(head.definition)
        if before is not None and not _takes(before, station):
            before = None  # nothing to compare with at this station
        found = await rehearsals.rehearse(station, rule, before, keep=not wanted.group)
        took = (perf_counter() - begun) * 1000
        return PreviewOut.of(found, None if head is None else head.current, took)

    @api.post("/rules/context")
    async def context(wanted: ContextIn) -> ContextOut:
        rule = read(wanted.rule)
        station = await _station(services, wanted.datastream)
        severity = min(definition.SEVERITIES[level.severity] for level in rule.levels)
        found = await services.rules.plans.told(station, severity, rule.id, wanted.when)
        return ContextOut(
            overlaps=await _overlaps(services, rule),
            configured=found.configured,
            items=[ToldOut.model_validate(one, from_attributes=True) for one in found.items],
        )


def _changes(api: APIRouter, services: Services) -> None:
    commands = services.rule_commands

    @api.post("/rules")
    async def save(request: Request, wanted: SaveIn) -> DoneOut:
        address = caller_address(request.scope, request.headers)
        return _done(await commands.save(Draft(**wanted.model_dump()), address=address))

    @api.post("/rules/{key}/rollback")
    async def rollback(request: Request, key: Key, wanted: RollbackIn) -> DoneOut:
        address = caller_address(request.scope, request.headers)
        return _done(await commands.rollback(key, wanted.version, wanted.reason, address=address))

    @api.post("/rules/{key}/versions/{number}/approve")
    async def approve(request: Request, key: Key, number: Number) -> DoneOut:
        address = caller_address(request.scope, request.headers)
        return _done(await commands.decide(key, number, approve=True, address=address))

    @api.post("/rules/{key}/versions/{number}/reject")
    async def reject(request: Request, key: Key, number: Number) -> DoneOut:
        address = caller_address(request.scope, request.headers)
        return _done(await commands.decide(key, number, approve=False, address=address))


def _done(done: Any) -> DoneOut:  # noqa: ANN401  Done, which pydantic reads by attribute
    return DoneOut.model_validate(done, from_attributes=True)


async def _station(services: Services, datastream: int) -> StationRow:
    station = await services.rules.queries.station(datastream)
    if station is None:
        raise NotFoundError(str(datastream))
    return station


def _takes(rule: RuleFile, station: StationRow) -> bool:
    own = rule.observed_property == station.observed_property
    return own and rule.selector.takes(station.feed, station.kind, station.external_id)


async def _overlaps(services: Services, rule: RuleFile) -> list[OverlapOut]:
    """Return the rules that watch the same property at some of the same stations."""
    queries = services.rules.queries
    stations = [one for one in await queries.stations(rule.observed_property) if _takes(rule, one)]
    found = []
    for version, stored in await queries.of_property(rule.observed_property):
        other = definition.parse(stored)
        common = sum(_takes(other, one) for one in stations)
        if common and other.id != rule.id:
            found.append(
                OverlapOut(id=other.id, name=other.title, version=version, stations=common)
            )
    return found
