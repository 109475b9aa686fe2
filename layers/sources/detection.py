"""Which format a file is in: by its first bytes, so that a name opens no reader that it should not.

GDAL opens what the content says: a ".geojson" that is a VRT would read any file of this machine.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from zipfile import is_zipfile

from ioc.domain.errors import LayerFileError
from layers.sources import MAX_FILE, Source
from layers.sources.grid import CsvFile, XlsxFile
from layers.sources.packed import unpack
from layers.sources.parquet import ParquetFile
from layers.sources.vector import VectorFile

_HEAD: Final = 65_536
_SHAPE: Final = b"\x00\x00\x27\x0a"
_TEXT: Final = frozenset({".csv", ".txt", ".tsv"})
_XML_TRICKS: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_PARTS: Final = frozenset({".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".xml", ".qpj"})
_PARTS_OF_TAB: Final = frozenset({".dat", ".map", ".id", ".ind", ".mid"})


def open_file(path: Path, folder: Path) -> tuple[Source, ...]:
    """Return what can be imported of a file; archives are unpacked into `folder`, an empty one.

    A plain file is one source, a zip is one for each file in it that is a format of ours.
    LayerFileError says what is wrong with it.
    """
    _sized(path)
    if not is_zipfile(path):
        return (_plain(path),)
    members = unpack(path, folder)
    names = {member.name for member in members}
    if "[Content_Types].xml" in names:
        return (XlsxFile(path),)
    wanted = [m for m in members if m.suffix.lower() not in _PARTS | _PARTS_OF_TAB]
    found = tuple(_plain(member) for member in sorted(wanted) if _known(member))
    if not found:
        raise LayerFileError("zip_empty")
    return found


def _sized(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise LayerFileError("no_file") from error
    if not path.is_file():
        raise LayerFileError("no_file")
    if size == 0:
        raise LayerFileError("empty_file")
    if size > MAX_FILE:
        raise LayerFileError("too_large", limit=MAX_FILE >> 20)


def _known(path: Path) -> bool:
    if path.stat().st_size == 0:
        return False
    try:
        _plain(path)
    except LayerFileError as error:
        if error.reason != "unknown_format":
            raise
        return False
    return True


def _plain(path: Path) -> Source:
    """Return the reader of a file that is no archive."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PAR1"):
        return ParquetFile(path)
    driver = _binary(head, path) or _text(head, path)
    if driver is not None:
        return VectorFile(path, driver)
    if path.suffix.lower() in _TEXT:
        return CsvFile(path)
    raise LayerFileError("unknown_format", name=path.name)


def _binary(head: bytes, path: Path) -> str | None:
    if head.startswith(b"SQLite format 3\x00") and path.suffix.lower() == ".gpkg":
        return "GPKG"
    if head.startswith(b"fgb"):
        return "FlatGeobuf"
    if head.startswith(b"AutoCAD Binary DXF"):
        return "DXF"
    if head.startswith(_SHAPE) and path.suffix.lower() == ".shp":
        _complete(path)
        return "ESRI Shapefile"
    if head.startswith(b"AC10"):
        raise LayerFileError("no_dwg")
    if path.suffix.lower() in (".shx", ".dbf"):
        raise LayerFileError("shape_alone")
    return None


def _text(head: bytes, path: Path) -> str | None:
    suffix = path.suffix.lower()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix in (".geojson", ".json") and start.startswith(b"{"):
        return "GeoJSON"
    if suffix == ".kml" and start.startswith(b"<"):
        return _kml(path)
    if suffix == ".dxf" and re.match(rb"0\s+SECTION|999\s", start):
        return "DXF"
    if suffix == ".mif" and start[:7].lower() == b"version":
        return "MapInfo File"
    if suffix == ".tab" and start[:6].lower() == b"!table":
        return _tab(path, head)
    return None


def _kml(path: Path) -> str:
    """Refuse entities: they can name files of this machine, or grow without end."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:200]:
        raise LayerFileError("xml_encoding")
    if _XML_TRICKS.search(content):
        raise LayerFileError("xml_entities")
    if b"<kml" not in content and b":kml" not in content:
        raise LayerFileError("unknown_format", name=path.name)
    return "LIBKML"


def _tab(path: Path, head: bytes) -> str:
    """Refuse tables that only point to other files."""
    if not _sibling(path, ".dat"):
        raise LayerFileError("tab_alone")
    if re.search(rb'(?im)^\s*(file|open\s+table)\s+"', head):
        raise LayerFileError("unknown_format", name=path.name)
    return "MapInfo File"


def _complete(path: Path) -> None:
    for suffix in (".shx", ".dbf"):
        if not _sibling(path, suffix):
            raise LayerFileError("shape_incomplete", missing=path.with_suffix(suffix).name)


def _sibling(path: Path, suffix: str) -> bool:
    return path.with_suffix(suffix).exists() or path.with_suffix(suffix.upper()).exists()
