"""`ioc rules backtest`: what a rule would have done, from the history in the database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from psycopg import Connection

from ioc.cli.context import settings
from ioc.clock import SystemClock
from ioc.domain.backtest import Result
from ioc.domain.errors import ConfigError
from ioc.domain.instant import DAY, Micros, from_datetime
from ioc.rules import definition, document, report, trial
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import Core
from ioc.rules.trial import Pace
from ioc.storage import history, pool
from ioc.storage.history import Stream
from ioc.text import say

Db = Connection[tuple[Any, ...]]

_HERE: Final = ZoneInfo("Asia/Ho_Chi_Minh")


def backtest(
    file: Annotated[Path, typer.Argument(metavar="RULE.yaml")],
    start: Annotated[
        str | None, typer.Option("--from", help="default: 30 days before --to")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="default: now")] = None,
    datastreams: Annotated[
        list[str] | None,
        typer.Option("--datastream", help="thing/code or id; default: all the rule selects"),
    ] = None,
    only: Annotated[str | None, typer.Option("--rule", help="id, of a file with several")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Show what a rule would have done: episodes, count, time, alerts a day, coverage."""
    rule = _rule(file, only)
    until = SystemClock().now() if end is None else _instant("--to", end)
    since = Micros(until - 30 * DAY) if start is None else _instant("--from", start)
    if since >= until:
        raise ConfigError(say("backtest.empty_period"))
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        chosen = _chosen(conn, rule, datastreams or [])
        results = {name: _run(conn, rule, one, since, until) for name, one in chosen.items()}
    found = report.whole(rule.id, results, {name: one.datastream for name, one in chosen.items()})
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else _text(found))


def _rule(file: Path, only: str | None) -> Core:
    """Return the one rule of a file that is meant; ConfigError says how to name it."""
    whole = document.read(file)
    rules = definition.read_all(whole, whole.value, Core)
    chosen = [rule for rule in rules if only in (None, rule.id)]
    if len(chosen) != 1:
        ids = ", ".join(rule.id for rule in rules)
        raise ConfigError(say("backtest.which_rule", file=file, ids=ids or "–"))
    return chosen[0]


def _instant(option: str, written: str) -> Micros:
    """Return an instant; without an offset it is the time of Viet Nam."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise ConfigError(say("backtest.no_time", option=option, written=written)) from error
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=_HERE))


def _chosen(
    conn: Connection[tuple[Any, ...]], rule: Core, named: Sequence[str]
) -> dict[str, Stream]:
    """Return the datastreams by name; ConfigError when one is not there or not alone."""
    if named:
        found = [_named(one, history.named(conn, one)) for one in named]
    elif rule.observed_property is None:
        raise ConfigError(say("backtest.which_datastream"))
    else:
        every = history.observing(conn, rule.observed_property)
        found = [one for one in every if trial.selected(rule, one)]
    if not found:
        raise ConfigError(say("backtest.none", property=rule.observed_property))
    short = Counter(_name(one) for one in found)
    return {n if short[n := _name(one)] == 1 else f"{one.feed}/{n}": one for one in found}


def _named(name: str, found: Sequence[Stream]) -> Stream:
    if len(found) != 1:
        key = "backtest.not_found" if not found else "backtest.not_alone"
        raise ConfigError(say(key, name=name, ids=", ".join(str(one.datastream) for one in found)))
    return found[0]


def _name(one: Stream) -> str:
    return f"{one.external_id}/{one.code}"


def _run(conn: Db, rule: Core, one: Stream, start: Micros, end: Micros) -> Result:
    pace = Pace(one.expected_period_s, one.stale_after_s)
    columns = history.read(conn, [one.datastream], trial.needed_from(rule, pace, start), end)
    found = columns[one.datastream]
    arrays = Arrays.of(found.times, found.results, found.good)
    prepared = trial.prepare(rule, pace, arrays, start, end)
    return trial.run(trial.levels_of(rule, 1, pace), prepared, start, end)


def _text(found: Mapping[str, Any]) -> str:
    """Return what a person reads: each datastream with its episodes, then all together."""
    lines = [say("backtest.head", rule=found["rule"], start=found["from"], end=found["to"])]
    for one in found["datastreams"]:
        lines += [_sum(one["datastream"], one), *(_line(episode) for episode in one["episodes"])]
    if len(found["datastreams"]) > 1:
        lines.append(_sum(say("backtest.together"), found))
    return "\n".join(lines)


def _sum(name: str, one: Mapping[str, Any]) -> str:
    return say(
        "backtest.sum",
        name=name,
        count=one["count"],
        hours=f"{one['total_s'] / 3600:.2f}",
        longest=f"{one['longest_s'] / 3600:.2f}",
        day=f"{one['alerts_a_day']:.2f}",
        load=f"{100 * one['load']:.1f}",
        share=f"{100 * one['share']:.2f}",
        coverage=f"{100 * one['coverage']:.1f}",
        near=one["near_misses"],
    )


def _line(one: Mapping[str, Any]) -> str:
    end = one["end"] or say("backtest.goes_on")
    return "\t".join(["", one["start"], end, f"{one['level']} {one['severity']}", str(one["peak"])])
