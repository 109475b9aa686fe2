"""Columns of a file to fields of a layer, and their texts to values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from math import isfinite
from typing import Any, Final

from ioc.domain.errors import LayerFileError
from ioc.domain.naming import fold
from ioc.layer_schema import Field, Schema

MAX_TEXT: Final = 2_000  # characters of one value; a description, not a document
_CUT: Final = 8  # a Shapefile cuts names to ten bytes, which may be eight letters
_PLACES: Final = ("x", "y")  # fields that are no attribute: where the point is
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")
_NUMBER: Final = re.compile(r"^([+-]?\d[\d.,\s]*?)\s*(?:%|m|km|ha|km2|kw|mbps|gbps|m2|m3)?$")
_GROUPS: Final = re.compile(r"^[+-]?\d{1,3}([.,\s])\d{3}(\1\d{3})*$")
_DAY: Final = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_MONTH: Final = re.compile(r"^(\d{1,2})[/.-](\d{4})$")
_ISO: Final = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?")
_YES: Final = frozenset({"co", "x", "1", "true", "yes", "dung", "dat", "roi", "da_co", "y", "t"})
_NO: Final = frozenset({"khong", "0", "false", "no", "sai", "chua", "khong_co", "n", "f"})
_SPLIT: Final = re.compile(r"[,;/+&|]|\s+(?=[2-5][gG])")


class BadValueError(ValueError):
    """A cell that does not fit its field; the message is a reason's code."""


def columns(
    schema: Schema,
    found: Sequence[str],
    *,
    given: Mapping[str, str],
    remembered: Mapping[str, str],
) -> dict[str, str | None]:
    """Return column -> field, None where a column is not used.

    What a person says goes before what he said for such a file, and both before the names; an
    empty field says that the column is not used.
    LayerFileError for a column that is not there and a field that the layer has not.
    """
    for column, field in given.items():
        if column not in found:
            raise LayerFileError("no_column", column=column, known=", ".join(found))
        if field and schema.field(field) is None and field not in _PLACES:
            known = ", ".join(one.name for one in schema.fields)
            raise LayerFileError("no_field", field=field, layer=schema.name, known=known)
    chosen: dict[str, str | None] = dict.fromkeys(found)
    taken: set[str] = set()
    said_of = {**{c: f for c, f in remembered.items() if c in chosen}, **given}
    unused = {column for column, field in said_of.items() if not field}
    for said in (given, {c: f for c, f in remembered.items() if c in chosen}):
        for column, field in said.items():
            if field and column not in unused and not chosen[column] and field not in taken:
                chosen[column] = field
                taken.add(field)
    for fits in (_exactly, _known, _cut):
        for column in found:
            free = not chosen[column] and column not in unused
            fit = fits(schema, column, taken) if free else None
            if fit is not None:
                chosen[column] = fit
                taken.add(fit)
    return chosen


def fingerprint(layer: str, found: Iterable[str]) -> str:
    """Return what tells a kind of file again: its layer and the names of its columns."""
    return sha256("\x1f".join([layer, *sorted(map(fold, found))]).encode()).hexdigest()[:32]


def _exactly(schema: Schema, column: str, taken: set[str]) -> str | None:
    folded = fold(column)
    return next((f.name for f in schema.fields if f.name == folded and f.name not in taken), None)


def _known(schema: Schema, column: str, taken: set[str]) -> str | None:
    folded = fold(column)
    free = (field for field in schema.fields if field.name not in taken)
    return next((field.name for field in free if folded in field.folded), None)


def _cut(schema: Schema, column: str, taken: set[str]) -> str | None:
    """Return the one field whose name was cut to this."""
    folded = fold(column)
    if len(folded) < _CUT:
        return None
    fitting = [
        field.name
        for field in schema.fields
        if field.name not in taken and any(name.startswith(folded) for name in field.folded)
    ]
    return fitting[0] if len(fitting) == 1 else None


# ---------------------------------------------------------------- values


def reader(field: Field) -> Callable[[Any], Any]:
    """Return what makes a cell the field's value; it raises BadValueError, and None is nothing."""
    return {
        "text": text,
        "number": number,
        "integer": integer,
        "flag": flag,
        "date": day,
        "choice": lambda cell: _choice(field, cell),
        "choices": lambda cell: _choices(field, cell),
    }[field.kind]


def text(cell: object) -> str | None:
    """Return a text without control characters; whole numbers of Excel lose their ".0"."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime):
        cell = cell.date() if cell.time() == datetime.min.time() else cell
    found = _CONTROL.sub(" ", str(cell)).strip()
    if len(found) > MAX_TEXT:
        raise BadValueError("too_long")
    return found or None


def number(cell: object) -> float | None:
    """Return a number, of a text with a decimal comma or a unit, too."""
    if isinstance(cell, (int, float)):
        return _finite(float(cell))
    found = text(cell)
    if found is None or fold(found) == "":
        return None
    match = _NUMBER.match(found.lower())
    if match is None:
        raise BadValueError("not_a_number")
    plain = re.sub(r"\s", "", match[1])
    if "," in plain and "." in plain:
        plain = plain.replace("," if plain.rindex(".") > plain.rindex(",") else ".", "")
    elif plain.count(",") > 1 or plain.count(".") > 1:
        plain = plain.replace(",", "").replace(".", "")
    try:
        return _finite(float(plain.replace(",", ".")))
    except ValueError:
        raise BadValueError("not_a_number") from None


def integer(cell: object) -> int | None:
    """Return a whole number; "1.234" has a separator of thousands."""
    if isinstance(cell, str) and _GROUPS.match(cell.strip()):
        return int(re.sub(r"[.,\s]", "", cell))
    found = number(cell)
    if found is not None and not found.is_integer():
        raise BadValueError("not_whole")
    return None if found is None else int(found)


def flag(cell: object) -> bool | None:
    """Return yes or no of the words that people put into such columns."""
    if isinstance(cell, bool):
        return cell
    word = fold(text(cell) or "")
    if word in _YES:
        return True
    if word in _NO:
        return False
    if not word:
        return None
    raise BadValueError("not_a_flag")


def day(cell: object) -> str | None:
    """Return an ISO date, a month or a year: as exact as the file is."""
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()[:10]
    found = text(cell)
    if found is None:
        return None
    if match := _DAY.match(found):
        found = f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}"
    elif match := _MONTH.match(found):
        found = f"{match[2]}-{int(match[1]):02d}"
    match = _ISO.match(found)
    if match is None or not _exists(match.group()):
        raise BadValueError("not_a_date")
    return match.group()


def _exists(iso: str) -> bool:
    try:
        date.fromisoformat(iso + "0000-01-01"[len(iso) :])
    except ValueError:
        return False
    return True


def _finite(found: float) -> float | None:
    return found if isfinite(found) else None


def _choice(field: Field, cell: object) -> str | None:
    found = text(cell)
    if found is None:
        return None
    value = field.spellings.get(fold(found))
    if value is None:
        raise BadValueError("not_a_choice")
    return value


def _choices(field: Field, cell: object) -> list[str] | None:
    found = text(cell)
    if found is None:
        return None
    chosen = {_choice(field, part) for part in _SPLIT.split(found.strip("[]")) if part.strip()}
    return [value for value in field.values if value in chosen] or None
