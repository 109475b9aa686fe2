"""`ioc layers …`: map files into layers, and back.

The importer is imported where it is used: GDAL and its friends take a second, which `ioc check`
and all the others need not wait for.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import psycopg
import redis
import typer

from ioc import exports, vn2000
from ioc.cli.context import By, settings
from ioc.domain.errors import ConfigError, LayerFileError
from ioc.domain.layer import handed_over
from ioc.exports import Format
from ioc.storage import features, pool
from ioc.text import DEFAULT, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from layers.importing import Ground
    from layers.report import Report

app = typer.Typer(no_args_is_help=True, help="map layers: import, undo, list")


@app.command("import")
def import_(  # noqa: PLR0913  each is an option of the command
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    by: By,
    layer: Annotated[str, typer.Option(help="which layer; INNER=NAME chooses in the file")] = "",
    crs: Annotated[str, typer.Option(help="auto or EPSG:n")] = "auto",
    encoding: Annotated[str, typer.Option(help="auto, utf-8, tcvn3 or vni")] = "auto",
    fields: Annotated[list[str] | None, typer.Option("--map", metavar="COL=FIELD")] = None,
    *,
    dry_run: Annotated[bool, typer.Option(help="change nothing; needs no database")] = False,
    yes: Annotated[bool, typer.Option(help="agree to what is asked")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Read a map file into a layer: 0 done, 1 the file is refused, 3 a person must decide."""
    from layers import importing
    from layers.importing import Request

    request = Request(file, layer, crs, encoding, _mapping(fields), dry_run, yes, by)
    report = _run(lambda base: importing.run(request, base), dry_run=dry_run, quiet=as_json)
    _end(report, file, as_json=as_json)


@app.command("pull")
def pull(
    source: Annotated[str, typer.Argument(help="a file of config/sources, without .yaml")],
    by: By,
    *,
    dry_run: Annotated[bool, typer.Option(help="change nothing; needs no database")] = False,
    yes: Annotated[bool, typer.Option(help="agree to what is asked")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Read a layer from another system: 0 done, 1 refused or away, 3 a person must decide."""
    from layers import pulling

    found = pulling.load(settings().config_dir / "sources", source)

    def take_in(base: Ground) -> Report:
        return pulling.pull(found, base, by=by, dry_run=dry_run, yes=yes)

    report = _run(take_in, dry_run=dry_run, quiet=as_json)
    _end(report, Path(source), as_json=as_json)


def _end(report: Report, file: Path, *, as_json: bool) -> None:
    """Say what came of an import, and exit with it."""
    if as_json:
        typer.echo(orjson.dumps(report.json()))
    else:
        _tell(report)
    if report.refused:
        _keep_refused(file, report)
    raise typer.Exit(report.exit_code)


@app.command("undo")
def undo(layer: str, by: By) -> None:
    """Bring back what the layer was before its last import."""
    from layers import undoing

    hidden = _hidden(layer)
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        try:
            published = undoing.undo(features.Shelf(conn), layer, hidden, by)
        except LayerFileError as error:
            typer.echo(_sentence(error), err=True)
            raise typer.Exit(1) from None
    if published is not None:
        _announce(layer, published.version)
    count = 0 if published is None else published.features
    typer.echo(say("layers.undone", layer=layer, features=count))


@app.command("export")
def export(
    layer: str,
    form: Annotated[Format, typer.Option("--format", help="of the file")] = Format.GPKG,
    crs: Annotated[str, typer.Option(help="EPSG:n; GeoJSON is always in WGS 84")] = "EPSG:4326",
    out: Annotated[Path | None, typer.Option(help="the file; else LAYER.FORMAT here")] = None,
) -> None:
    """Write what is imported of a layer to a file that comes back through import."""
    system = _system(crs)
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        rows = features.Shelf(conn).features(layer)
    if not rows:
        typer.echo(say("layers.export_nothing", layer=layer), err=True)
        raise typer.Exit(1)
    secret = _hidden(layer)
    placed = ((row.shape, handed_over(row, secret)) for row in rows)
    target = out or Path(f"{layer}.{form}")
    exports.write(form, exports.given(layer, placed), target, system)
    typer.echo(say("layers.exported", count=len(rows), file=target))


def _system(text: str) -> vn2000.System:
    try:
        return vn2000.of_epsg(int(text.upper().removeprefix("EPSG:")))
    except ValueError:
        raise ConfigError(say("layers.refused.no_system", name=text)) from None


@app.command("refused")
def refused(
    layer: str,
    out: Annotated[Path | None, typer.Option(help="the file; else it is printed")] = None,
) -> None:
    """Write the rows that the last import of a layer did not take, with the reasons, as CSV."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        found = features.refused(conn, layer)
    if found is None:
        typer.echo(say("layers.refused_none", layer=layer), err=True)
        raise typer.Exit(1)
    if out is None:
        typer.echo(found.decode("utf-8-sig"), nl=False)
    else:
        out.write_bytes(found)


@app.command("list")
def list_() -> None:
    """Show each imported layer: number, features, version, file, who and when."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        found = features.history(conn)
    if not found:
        typer.echo(say("layers.nothing"), err=True)
    for one in found:
        when = one.at.isoformat(timespec="seconds")
        source = one.file or f"← {one.restores}"
        typer.echo(
            f"{one.layer}\t{one.number}\t{one.features}\t{one.version or ''}"
            f"\t{source}\t{one.by}\t{when}"
        )


def _run(take_in: Callable[[Ground], Report], *, dry_run: bool, quiet: bool) -> Report:
    from layers import ground
    from layers.report import Outcome

    def tell(stage: str) -> None:
        if not quiet:
            typer.echo(say(f"layers.stage_{stage}"), err=True)

    url = settings().database_url
    with _connection(url, needed=not dry_run) as conn:
        shelf = None if conn is None else features.Shelf(conn)
        base = ground.of(settings().config_dir, settings().province.code, shelf, tell)
        report = take_in(base)
    if shelf is None:
        report.note("no_database_dry")
    if report.outcome is Outcome.COMMITTED and report.version is not None:
        _announce(report.layer, report.version)
    return report


def _connection(url: str, *, needed: bool) -> Any:  # noqa: ANN401
    """Return a context with a connection; a dry run does without one."""
    if needed:
        return pool.connect_or_refuse(url, name="cli")
    try:
        return pool.connect(url, name="cli") if url else nullcontext()
    except psycopg.OperationalError:
        return nullcontext()


def _announce(layer: str, version: str) -> None:
    """Tell open screens; one that hears nothing finds the version at its next look."""
    url = settings().redis_url
    if not url:
        return
    notice = orjson.dumps({"kind": "layer", "layer": layer, "version": version})
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.publish(f"{settings().redis_prefix}notice", notice)
    except redis.RedisError as error:
        typer.echo(f"redis: {error}", err=True)


def _mapping(pairs: list[str] | None) -> dict[str, str]:
    found = {}
    for pair in pairs or []:
        column, _, field = pair.rpartition("=")
        if not column or not field:
            raise ConfigError(say("layers.bad_map", text=pair))
        found[column] = field
    return found


def _hidden(layer: str) -> frozenset[str]:
    from ioc import layer_schema as schema

    known = schema.load(settings().config_dir / "layers")
    return known[layer].hidden if layer in known else frozenset()


def _sentence(error: LayerFileError) -> str:
    return say(f"layers.refused.{error.reason}", DEFAULT, **error.values)


def _tell(report: Report) -> None:
    """Print what happened in the words of the person who sent the file."""
    from ioc import layer_schema as schema
    from layers.report import Outcome

    known = schema.load(settings().config_dir / "layers").get(report.layer)
    title = known.title["vi"] if known else ""
    head = {
        Outcome.COMMITTED: "layers.done",
        Outcome.DRY_RUN: "layers.dry_run",
        Outcome.UNDECIDED: "layers.undecided",
        Outcome.REFUSED: "layers.refused_file_kept",
    }[report.outcome]
    version = report.version or ""
    typer.echo(say(head, title=title, layer=report.layer, version=version, reason=report.error))
    if report.outcome is Outcome.UNDECIDED and report.error:
        typer.echo(f"? {report.error}")
    typer.echo(say("layers.counts", DEFAULT, **report.counts))
    _tell_reading(report)
    for line in report.questions:
        typer.echo(f"? {line}")
    for line in report.warnings:
        typer.echo(f"! {line}")


def _tell_reading(report: Report) -> None:
    choice, guess = report.choice, report.encoding
    if choice is not None:
        how = say(f"layers.how.{choice.how}")
        typer.echo(say("layers.crs", title=choice.system.title, how=how))
        shown = choice.candidates if choice.how == "guessed" or not choice.fits else ()
        for one in shown:
            system, share = one.system, f"{one.inside_share:.0%}"
            typer.echo(
                say(
                    "layers.candidate",
                    epsg=system.epsg,
                    title=system.title,
                    axes=one.axes,
                    share=share,
                )
            )
    if guess is not None:
        typer.echo(say("layers.encoding", name=guess.name, share=f"{guess.confidence:.0%}"))
    for column, field in report.columns.items():
        typer.echo(say("layers.column", column=column, field=field or say("layers.unused")))


def _keep_refused(file: Path, report: Report) -> None:
    """Leave the refused rows where the person works, as a file for the one who made the data."""
    from layers.report import refused_csv

    target = Path(f"{file.stem}-{say('layers.refused_file.suffix')}.csv")
    try:
        target.write_bytes(refused_csv(report.refused))
    except OSError as error:
        typer.echo(f"{target}: {error.strerror}", err=True)
    else:
        typer.echo(say("layers.refused_rows", file=target), err=True)
