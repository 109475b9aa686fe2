"""Declared things: CSV (a spreadsheet's export) or YAML -> declarations, or everything wrong.

All or nothing: a file with one bad row declares no thing, so that mending and importing again is
always the same step. `ioc things import FILE [--dry-run]`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.intake import DatastreamSpec
from ioc.domain.thing import MAX_SHORT, Declaration, Fault, Known, faults
from ioc.settings import read_yaml
from ioc.text import Language, say

MAX_BYTES: Final = 16 << 20
MAX_ROWS: Final = 100_000  # a province has a tenth of that
# Headers as people write them, compared without case and with blanks as underscores.
_HEADERS: Final[Mapping[str, str]] = {
    spelling: name
    for name, spellings in {
        "feed": "feed nguồn",
        "id": "id mã mã_thiết_bị external_id",
        "name": "name tên",
        "short_name": "short_name tên_ngắn",
        "kind": "kind loại",
        "lon": "lon kinh_độ longitude",
        "lat": "lat vĩ_độ latitude",
        "commune": "commune xã mã_xã commune_code",
        "datastreams": "datastreams đại_lượng",
        "parent": "parent thuộc thiết_bị_chính",
    }.items()
    for spelling in spellings.split()
}
_REQUIRED: Final = ("feed", "id", "name")
_NUMBER: Final = re.compile(r"-?\d{1,3}([.,]\d{1,12})?")
_STREAM: Final = re.compile(r"(?P<path>[^=\[\]]+)=(?P<code>[^=\[\]]+?)\s*(\[(?P<unit>[^\[\]]*)\])?")


class _Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    property: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None


class _Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a YAML file."""

    feed: str
    id: str
    name: str
    short_name: str | None = None
    kind: str | None = None
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    datastreams: dict[str, str | _Stream] = {}
    parent: str | None = None


_Things = Annotated[list[Any], msgspec.Meta(max_length=MAX_ROWS)]


@dataclass(frozen=True, slots=True)
class Read:
    """What a file declares; `things` is empty where `faults` is not."""

    things: list[Declaration]
    faults: list[Fault]
    rows: list[int]  # of `things`, in the file


def read(path: Path, known: Known) -> Read:
    """Read a .csv, .yaml or .yml file; ConfigError when it cannot be read as one at all.

    Rows are counted as a spreadsheet counts them (the header is row 1), entries of YAML from 1.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MiB: split it")
        if path.suffix.lower() == ".csv":
            rows = list(_from_csv(path.read_text(encoding="utf-8-sig"), path))
        elif path.suffix.lower() in {".yaml", ".yml"}:
            rows = list(_from_yaml(path))
        else:
            raise ConfigError(f"{path}: is neither .csv nor .yaml")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: save it as CSV UTF-8") from error
    return _checked(rows, known)


def explain(fault: Fault, language: Language = "vi") -> str:
    """Return a fault in words."""
    words = say(f"things_file.{fault.code}", language, detail=fault.detail)
    return say("things_file.row", language, row=fault.row, field=fault.field, words=words)


def _checked(rows: Iterable[tuple[int, Declaration | Fault]], known: Known) -> Read:
    things: list[Declaration] = []
    numbers: list[int] = []
    found: list[Fault] = []
    first: dict[tuple[str, str], int] = {}
    for row, one in rows:
        if isinstance(one, Fault):
            found.append(one)
            continue
        found += faults(row, one, known)
        before = first.setdefault((one.feed, one.external_id), row)
        if before != row:
            found.append(Fault(row, "id", "twice", str(before)))
        things.append(one)
        numbers.append(row)
    if not things and not found:
        found.append(Fault(1, "", "no_rows"))
    return Read([], found, []) if found else Read(things, found, numbers)


def _from_csv(text: str, path: Path) -> Iterator[tuple[int, Declaration | Fault]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        names = [_HEADERS.get("_".join(cell.lower().split()), cell) for cell in next(lines, [])]
        named = [name for name in names if name]  # spreadsheets add empty columns
        odd = [name for name in named if name not in _HEADERS.values()]
        missing = [name for name in _REQUIRED if name not in names]
        if odd or missing or len(set(named)) != len(named):
            known = ", ".join(dict.fromkeys(_HEADERS.values()))
            raise ConfigError(
                f"{path}: the first row must name feed, id and name, and may name others of"
                f" {known}, each once; it names {', '.join(named) or 'nothing'}"
            )
        for number, cells in enumerate(lines, 2):
            if number > MAX_ROWS + 1:
                raise ConfigError(f"{path}: more than {MAX_ROWS} rows: split it")
            if any(cell.strip() for cell in cells):
                yield number, _from_row(number, names, cells)
    except csv.Error as error:
        raise ConfigError(f"{path}: row {lines.line_num}: {error}") from error


def _delimiter(text: str) -> str:
    """Return what separates cells: spreadsheets in Vietnamese write semicolons."""
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _from_row(number: int, names: list[str], cells: list[str]) -> Declaration | Fault:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        return Fault(number, "", "too_many_cells", str(len(cells)))
    pairs = zip(names, (cell.strip() for cell in cells), strict=False)
    row = {name: cell for name, cell in pairs if name and cell}
    try:
        lon, lat = (_number(row, name) for name in ("lon", "lat"))
        streams = _streams(row.get("datastreams", ""))
    except _BadCellError as error:
        return Fault(number, error.field, error.code, error.detail)
    name = row.get("name", "")
    return Declaration(
        row.get("feed", ""),
        row.get("id", ""),
        name,
        row.get("short_name") or _short(name),
        row.get("kind"),
        lon,
        lat,
        row.get("commune"),
        streams,
        row.get("parent"),
    )


class _BadCellError(Exception):
    def __init__(self, field: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.field, self.code, self.detail = field, code, detail


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise _BadCellError(name, "no_number", text)
    return float(text.replace(",", "."))


def _streams(text: str) -> dict[str, DatastreamSpec]:
    """Read `PM2,5=pm25 | SO2=so2 [µg/Nm3]`: raw key path = property, unit where none is sent."""
    found: dict[str, DatastreamSpec] = {}
    for part in text.split("|") if text else []:
        matched = _STREAM.fullmatch(part.strip())
        path = matched["path"].strip() if matched else ""
        if matched is None or path in found:
            raise _BadCellError("datastreams", "bad_streams", part.strip())
        found[path] = DatastreamSpec(matched["code"].strip(), matched["unit"])
    return found


def _from_yaml(path: Path) -> Iterator[tuple[int, Declaration | Fault]]:
    try:
        entries = msgspec.convert(read_yaml(path), _Things)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{path}: must be a list of at most {MAX_ROWS} things: {error}"
        ) from error
    for number, entry in enumerate(entries, 1):
        try:
            yield number, _from_entry(msgspec.convert(entry, _Thing))
        except msgspec.ValidationError as error:
            yield number, Fault(number, "", "bad_entry", str(error))


def _from_entry(entry: _Thing) -> Declaration:
    return Declaration(
        entry.feed,
        entry.id,
        entry.name,
        entry.short_name or _short(entry.name),
        entry.kind,
        entry.lon,
        entry.lat,
        entry.commune,
        {
            path: DatastreamSpec(one)
            if isinstance(one, str)
            else DatastreamSpec(one.property, one.unit, one.min, one.max)
            for path, one in entry.datastreams.items()
        },
        entry.parent,
    )


def _short(name: str) -> str:
    return name[:MAX_SHORT].strip()
