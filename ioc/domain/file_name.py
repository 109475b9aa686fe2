"""A file's name as a stranger gives it, made one that is safe on every disk."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 80  # characters; what tells the layer stands at the beginning, the kind at the end
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_NONE: Final = "tep"


def neutral(given: str) -> str:
    """Return the last part of a path in plain letters, without leading dots; never empty.

    "../Tải về/Trạm BTS.geojson" is "Tram_BTS.geojson".
    """
    last = re.split(r"[\\/]", given)[-1]
    plain = unicodedata.normalize("NFD", last.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    stem, dot, kind = _ODD.sub("_", letters).strip("._-").rpartition(".")
    if not dot:
        return kind[:LONGEST] or _NONE
    kind = kind[:10]
    return f"{stem[: LONGEST - len(kind) - 1].strip('._-') or _NONE}.{kind}"
