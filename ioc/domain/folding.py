"""Names as people type them in a hurry: the twin of the database's search_fold."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_GAPS: Final = re.compile(r"[^a-z0-9]+")


def fold(text: str) -> str:
    """Return "Trạm Hoà Hiệp (cũ)" as "tram hoa hiep cu"."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _GAPS.sub(" ", letters).strip()
