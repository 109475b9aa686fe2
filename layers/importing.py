"""One file into one layer: the stages in their order. The CLI and the worker run this.

Nothing is written before the last stage, and that is one transaction of the shelf: an import that
is refused, undecided or killed changes nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import orjson
import shapely

from ioc import vn2000
from ioc.domain.errors import LayerFileError
from ioc.domain.layer import Feature, LayerImport, Refused, Standing
from ioc.domain.zones import LOCAL
from ioc.layer_schema import Schema, meant
from ioc.text import DEFAULT, say
from layers import crs, datum, diff, geometry, mapping, preview, publish, reading, rowing
from layers.boundary import Boundary
from layers.encoding import Encoding
from layers.reading import Rows
from layers.report import Outcome, Report, refused_csv
from layers.shelf import Shelf
from layers.sources import Source, Table
from layers.sources.detection import open_file

_SURE: Final = 0.9  # confidence in an encoding below which a person looks first
_MANY_REMOVED: Final = 0.2  # of the layer: probably a part of the file
_MANY_REFUSED: Final = 0.5  # of the file
_CODES_COMPARED: Final = 2_000  # of both versions, for the forgotten shift
# Reasons that a person can answer; all others refuse the file.
_ANSWERABLE: Final = frozenset({"which_layer", "several_layers"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for. `layer`: "bts", or "INNER=bts" to choose among a file's layers.

    `based_on`: the import that the person was shown the difference to; another one now refuses.
    `preview`: keep a part of the file to be looked at on a map.
    """

    path: Path
    layer: str = ""
    crs: str = "auto"
    encoding: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    yes: bool = False
    by: str = ""
    based_on: int | None = None
    preview: bool = False


def asked(argument: Mapping[str, object], by: str = "") -> Request:
    """Return the request of a job's argument; ValueError for one that is none."""
    try:
        return msgspec.convert({"by": by, **argument}, Request, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ValueError(f"no import: {error}") from error


def _path(kind: type, value: object) -> Path:
    if kind is not Path or not isinstance(value, str):
        raise ValueError(f"no path: {value!r}")
    return Path(value)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an import stands on."""

    schemas: Mapping[str, Schema]
    boundary: Boundary
    shelf: Shelf
    province: str = ""  # its code
    tell: Callable[[str], None] = lambda _stage: None  # the stage that begins


def run(request: Request, ground: Ground) -> Report:
    """Import a file and say what came of it; never raises for what is wrong with the file."""
    report = Report(dry_run=request.dry_run)
    try:
        made = _made(request, ground, report)
        if request.dry_run:
            report.outcome = Outcome.DRY_RUN
        elif report.questions and not request.yes:
            report.outcome = Outcome.UNDECIDED
        else:
            ground.tell("commit")
            _commit(request, ground, made, report)
    except LayerFileError as error:
        answerable = error.reason in _ANSWERABLE
        report.outcome = Outcome.UNDECIDED if answerable else Outcome.REFUSED
        report.error = say(f"layers.refused.{error.reason}", DEFAULT, **error.values)
    return report


def _made(request: Request, ground: Ground, report: Report) -> _Made:
    """Return what the file makes of its layer; the table itself is let go of here."""
    ground.tell("reading")
    with tempfile.TemporaryDirectory(prefix="ioc-layer-") as folder:
        schema, table = _read(request, ground, Path(folder), report)
    report.layer = schema.name
    report.counts["read"] = len(table)
    if not len(table):
        raise LayerFileError("no_rows")
    for note in table.notes:
        report.note("reader", text=note)
    ground.tell("columns")
    columns, report.encoding = reading.translated(table, request.encoding)
    report.columns = dict.fromkeys(columns)  # told also where none of them is understood
    kind = mapping.fingerprint(schema.name, columns)
    remembered = ground.shelf.remembered(kind)
    rows = reading.rows(table, columns, schema, request.mapping, remembered)
    report.columns = rows.chosen
    if not reading.coded(rows):
        report.note("name_is_code")
    ground.tell("places")
    _place(request, ground, schema, rows, table, report)
    _judge_rows(rows, report)
    ground.tell("difference")
    made = _difference(ground, schema, rows, report, kind)
    if request.based_on not in (None, made.standing.number):
        raise LayerFileError("meanwhile")
    if request.preview:
        gone = ground.shelf.features(schema.name, list(made.diff.removed[: preview.MOST_REMOVED]))
        report.shown += preview.difference(made.features, made.diff, gone)
    _ask(report, rows)
    return made


def _read(request: Request, ground: Ground, folder: Path, report: Report) -> tuple[Schema, Table]:
    """Return the table that is meant, and the layer it is for."""
    inner, _, name = request.layer.rpartition("=")
    if name and name not in ground.schemas:
        raise LayerFileError("no_layer", name=name, known=", ".join(ground.schemas))
    found = [(s, one) for s in open_file(request.path, folder) for one in s.inner()]
    report.inner = [one for _, one in found]
    if inner:
        found = [(source, one) for source, one in found if one == inner]
        if not found:
            raise LayerFileError("no_layers")
    source, table = _one(found, ground.schemas, name)
    schema = ground.schemas.get(name) or meant(ground.schemas, [table, request.path.stem])
    if schema is None:
        raise LayerFileError("which_layer", known=", ".join(ground.schemas))
    return schema, source.read(table)


def _one(
    found: list[tuple[Source, str]], schemas: Mapping[str, Schema], name: str
) -> tuple[Source, str]:
    if not found:
        raise LayerFileError("no_rows")
    if len(found) > 1:
        told = [(one, meant(schemas, [one[1]])) for one in found]
        fitting = [one for one, schema in told if schema and schema.name == name]
        if len(fitting) != 1:
            raise LayerFileError("several_layers", names=", ".join(one for _, one in found))
        return fitting[0]
    return found[0]


# ---------------------------------------------------------------- places


def _place(
    request: Request,
    ground: Ground,
    schema: Schema,
    rows: Rows,
    table: Table,
    report: Report,
) -> None:
    """Bring the geometries into WGS 84 and refuse those that do not fit the layer."""
    reasons = geometry.sound(rows.geometry)
    rows.refuse(reasons != "", reasons[reasons != ""], "geometry")
    sound = np.flatnonzero(reasons == "")
    if not len(sound):
        raise LayerFileError("no_geometry", name=table.name)
    report.choice = choice = _system(request, ground, schema, rows, table, sound)
    if request.preview:
        report.shown = preview.candidates(_middles(rows, sound), choice)
    if not choice.fits:
        best = choice.candidates[0] if choice.candidates else None
        if best is None or not best.possible:
            raise LayerFileError("outside_province")
        raise LayerFileError("wrong_system", epsg=best.system.epsg, title=best.system.title)
    moved = crs.reproject(rows.geometry[sound], choice.system, choice.axes)
    fit = geometry.fit(moved, schema.geometry, ground.boundary, anywhere=schema.anywhere)
    rows.geometry[sound] = fit.shapes
    bad = fit.reasons != ""
    rows.refuse(sound[bad], fit.reasons[bad], "geometry")
    if fit.mended:
        report.note("mended", count=fit.mended)
    if fit.stacked:
        report.note("stacked", count=fit.stacked)
    taken = rows.geometry[rows.taken]
    if schema.coverage and not geometry.is_coverage(taken):
        report.note("no_coverage")
    if not schema.anywhere and (beyond := geometry.outside_outline(taken, ground.boundary)):
        report.note("near_border", count=beyond)


def _system(
    request: Request,
    ground: Ground,
    schema: Schema,
    rows: Rows,
    table: Table,
    sound: Any,  # noqa: ANN401
) -> crs.Choice:
    xy = _middles(rows, sound)
    declared = crs.of_wkt(table.wkt)
    if declared is None and rows.degrees:
        declared = vn2000.of_epsg(vn2000.WGS84)
    given = None
    if request.crs != "auto":
        given = _given(request.crs)
    evidence = crs.Evidence(
        ground.boundary.outline,
        ground.boundary.near,
        rowing.agreement(rows, sound, xy, ground.boundary),
        LOCAL.get(ground.province, ()),
    )
    return crs.choose(xy, evidence, declared=declared, given=given, anywhere=schema.anywhere)


def _middles(rows: Rows, sound: Any) -> vn2000.Coordinates:  # noqa: ANN401
    middle = shapely.centroid(rows.geometry[sound])
    return np.column_stack((shapely.get_x(middle), shapely.get_y(middle)))


def _given(text: str) -> vn2000.System:
    authority, _, code = text.upper().rpartition(":")
    if authority not in ("", "EPSG") or not code.isdecimal():
        raise LayerFileError("no_system", name=text)
    try:
        return vn2000.of_epsg(int(code))
    except ValueError:
        raise LayerFileError("no_system", name=text) from None


def _judge_rows(rows: Rows, report: Report) -> None:
    """Write down the rows that are not taken; LayerFileError when none is left."""
    codes = rows.values["code"]
    report.refused = [
        Refused(
            row=rows.first + int(index),
            code=codes[index] or "",
            field=rows.fields[index],
            reason=say(f"layers.reason.{rows.reasons[index]}"),
        )
        for index in np.flatnonzero(rows.reasons != "")
    ]
    report.counts["refused"] = len(report.refused)
    if not len(rows.taken):
        raise LayerFileError("all_refused", reason=report.refused[0].reason)


# ---------------------------------------------------------------- difference


@dataclass(frozen=True, slots=True)
class _Made:
    """What is to be committed. `fingerprint`: of the kind of file."""

    schema: Schema
    fingerprint: str
    features: dict[str, Feature]
    diff: diff.Diff
    standing: Standing
    kept: list[str]


def _difference(
    ground: Ground, schema: Schema, rows: Rows, report: Report, fingerprint: str
) -> _Made:
    built = rowing.features(rows, ground.boundary, schema)
    for key, count in built.notes.items():
        report.note(key, count=count)
    new = {feature.code: feature for feature in built.features}
    standing = ground.shelf.standing(schema.name)
    report.based_on = standing.number
    kept = [one.code for one in report.refused if one.code in standing.digests]
    kept = [code for code in dict.fromkeys(kept) if code not in new]
    found = diff.compare(standing.digests, {c: f.digest for c, f in new.items()}, kept)
    report.counts |= {
        "added": len(found.added),
        "changed": len(found.changed),
        "removed": len(found.removed),
        "unchanged": found.unchanged,
    }
    if kept:
        report.note("kept", count=len(kept))
    if len(found.removed) > _MANY_REMOVED * max(len(standing.digests), 1):
        report.ask("many_removed", count=len(found.removed), of=len(standing.digests))
    _check_datum(ground, schema, new, report, built.contradictions)
    return _Made(schema, fingerprint, new, found, standing, kept)


def _check_datum(
    ground: Ground,
    schema: Schema,
    new: Mapping[str, Feature],
    report: Report,
    contradictions: rowing.Contradictions,
) -> None:
    """Name the shift of about 225 m where it shows, or say that nothing could show it."""
    before = ground.shelf.places(schema.name, list(new)[:_CODES_COMPARED])
    after = {code: _middle(new[code]) for code in before if code in new}
    verdict, length = datum.compare(before, after)
    if verdict is datum.Datum.SHIFTED:
        report.ask("shifted", metres=round(length))
    elif contradictions.shift_explains:
        report.ask("shift_by_commune", count=contradictions.count)
    elif verdict is datum.Datum.UNKNOWN and report.choice and not report.choice.certain:
        report.note("datum_unknown")


def _middle(feature: Feature) -> tuple[float, float]:
    west, south, east, north = feature.bounds
    return (west + east) / 2, (south + north) / 2


def _ask(report: Report, rows: Rows) -> None:
    """Put the questions that nobody but a person can answer."""
    choice, guess = report.choice, report.encoding
    assert choice is not None
    assert guess is not None
    title = choice.system.title
    if choice.system.suspect:
        report.ask("suspect_datum", title=title)
    if choice.how == "guessed":
        share = choice.candidates[0].inside_share if choice.candidates else 0.0
        report.ask("guessed_system", title=title, epsg=choice.system.epsg, share=f"{share:.0%}")
    if choice.axes == "yx":
        report.ask("swapped_axes")
    if guess.how == "guessed" and guess.confidence < _SURE:
        report.ask("unsure_encoding", name=guess.name, share=f"{guess.confidence:.0%}")
    elif guess.name is not Encoding.UTF_8:
        report.note("old_encoding", name=guess.name.upper(), share=f"{guess.confidence:.0%}")
    if report.counts["refused"] > _MANY_REFUSED * len(rows):
        report.ask("many_refused", count=report.counts["refused"], of=len(rows))
    unused = [column for column, used in report.columns.items() if used is None]
    if unused:
        report.note("unused_columns", names=", ".join(unused))


# ---------------------------------------------------------------- commit


def _commit(request: Request, ground: Ground, made: _Made, report: Report) -> None:
    found = made.diff
    if not (found.added or found.changed or found.removed) and made.standing.number:
        report.outcome, report.version = Outcome.COMMITTED, made.standing.version
        report.note("nothing_new")
        return
    after: Iterable[Feature] = made.features.values()
    if made.kept:
        after = (*after, *ground.shelf.features(made.schema.name, made.kept))
    schema = made.schema
    published = publish.features(list(after), ground.shelf.things(), schema.hidden, schema.name)
    written = tuple(made.features[code] for code in (*found.added, *found.changed))
    ground.shelf.commit(
        LayerImport(
            layer=made.schema.name,
            based_on=made.standing.number,
            written=written,
            ended=(*found.changed, *found.removed),
            published=published,
            by=request.by,
            fingerprint=made.fingerprint,
            mapping=dict(request.mapping),
            facts=orjson.loads(orjson.dumps(_facts(request, report))),
            refused=refused_csv(report.refused) if report.refused else b"",
        )
    )
    report.version = published.version
    report.outcome = Outcome.COMMITTED


def _facts(request: Request, report: Report) -> dict[str, Any]:
    told = report.json()
    kept = ("counts", "crs", "encoding", "columns", "warnings")
    return {"file": request.path.name, **{name: told[name] for name in kept}}
