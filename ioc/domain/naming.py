"""Names as people write them, folded so that they can be compared: no marks, no case, no gaps."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_GAPS: Final = re.compile(r"[^a-z0-9]+")


def fold(text: str) -> str:
    """Return "Mã trạm (cũ)" as "ma_tram_cu"."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _GAPS.sub("_", letters).strip("_")


def searchable(text: str) -> str:
    """Return "Hòa Hiệp" and "Hoà Hiệp" as "hoa hiep"."""
    return fold(text).replace("_", " ")
