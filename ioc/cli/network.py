"""`ioc network …`: what a cut takes away, weak points, suspected cuts; as the page tells them."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from ioc.cli.context import settings
from ioc.clock import SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import join
from ioc.domain.network.plan import SiteKind
from ioc.domain.network.suspicion import Silence, guesses
from ioc.storage import cuts, network, pool
from ioc.storage.script import run
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="fibre network: cuts and what they take away")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object instead of lines")]


@app.command()
def impact(
    segment: Annotated[list[str] | None, typer.Argument(metavar="SEGMENT…")] = None,
    at: Annotated[tuple[float, float] | None, typer.Option(metavar="LON LAT")] = None,
    radius_km: Annotated[float, typer.Option(min=0, max=20)] = 0.05,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what goes offline when these segments, or all around a place, are cut."""
    analysis = _analysis()
    codes = {one.code: n for n, one in enumerate(analysis.network.segments)}
    if unknown := [code for code in segment or () if code not in codes]:
        raise ConfigError(say("network.no_segment", codes=", ".join(unknown)))
    if not segment and at is None:
        raise ConfigError(say("web.problem.no_cut"))
    named = [codes[code] for code in segment or ()]
    found = analysis.impact(named or (analysis.within(at, radius_km) if at else ()))
    sites = analysis.network.sites
    lost, kept = ([sites[n].code for n in some] for some in (found.lost, found.survivors))
    if as_json:
        _print(
            {
                "segments": [analysis.network.segments[n].code for n in found.segments],
                "lost": lost,
                "survivors": kept,
                "communes": [
                    {
                        "code": c.code,
                        "name": c.name,
                        "lost": c.lost,
                        "of": c.of,
                        "cut_off": c.cut_off,
                    }
                    for c in found.communes
                ],
            }
        )
        return
    for number in found.lost:
        typer.echo(f"{sites[number].kind}\t{sites[number].code}\t{sites[number].name}")
    typer.echo(f"{say('network.lost')}: {len(lost)}; {say('network.survivors')}: {len(kept)}")


@app.command("single-points")
def single_points(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20, *, as_json: AsJson = False
) -> None:
    """Rank the segments and nodes whose failure alone takes sites away."""
    analysis = _analysis()
    found = analysis.single_points()
    rows = [
        {
            "title": analysis.title(one),
            "node": one.place is not None,
            "segments": [analysis.network.segments[n].code for n in one.segments],
            "counts": {kind.value: n for kind, n in one.counts.items()},
            "weight": one.weight,
        }
        for one in found[:limit]
    ]
    if as_json:
        _print({"total": len(found), "items": rows})
        return
    for one in found[:limit]:
        counts = "\t".join(str(one.counts[kind]) for kind in SiteKind)
        typer.echo(f"{one.weight}\t{counts}\t{analysis.title(one)}")


@app.command()
def suspects(*, as_json: AsJson = False) -> None:
    """Tell which cuts are suspected, and which the silence of now would let one suspect."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        analysis = Analysis(join(run(conn, network.plan())))
        sites = enumerate(analysis.network.sites)
        numbers = {site.thing: n for n, site in sites if site.thing is not None}
        standing = run(conn, cuts.standing())
        heard = run(conn, cuts.heard(list(numbers), SystemClock().now()))
    silences = [Silence(numbers[t], since) for t, since in heard.silent.items()]
    answers = {numbers[t]: time for t, time in heard.answers.items()}
    found = guesses(analysis, silences, answers)
    if as_json:
        _print(
            {
                "standing": [
                    {"title": one.name, "segments": list(one.standing.segments)}
                    | {"points": len(one.standing.points), "since": one.opened}
                    for one in standing
                ],
                "guesses": [
                    {
                        "title": analysis.stretch(one.segments),
                        "segments": [analysis.network.segments[n].code for n in one.segments],
                        "explained": len(one.explained),
                        "wrongly": len(one.wrongly),
                        "unheard": one.unheard,
                    }
                    for one in found
                ],
            }
        )
        return
    for known in standing:
        typer.echo(f"{len(known.standing.points)}\t{known.name}")
    if not standing:
        typer.echo(say("network.suspects_none"))


def _analysis() -> Analysis:
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        analysis = Analysis(join(run(conn, network.plan())))
    if not analysis.network.cores:
        raise ConfigError(say("web.problem.no_core"))
    return analysis


def _print(value: object) -> None:
    typer.echo(orjson.dumps(value))
