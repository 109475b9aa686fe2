"""JSON as devices write it, and the numbers in it: what every JSON codec reads its values with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite, isnan, nan
from typing import Any, Final

import msgspec

from ingest.reading.paths import is_huge, shown
from ioc.domain.errors import PayloadError

# A gateway that was off for a week sends some thousand records at once; beyond this one message
# would fill a whole transaction (ingest.batch_cap).
MAX_RECORDS: Final = 10_000
_NO_VALUE: Final = frozenset({"", "-", "--", "nan", "null", "none", "n/a", "na"})
_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_JSON_WORDS: Final = {b"nan": b"NaN", b"inf": b"Infinity"}
# printf writes these words, no JSON reader takes them; NaN and Infinity are read by `parse`.
# Texts are matched to be left alone; possessive, so that an open one is walked once.
_PRINTF: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?+|\b(?:nan|inf)\b', re.IGNORECASE | re.DOTALL)
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST: Final = 80  # characters of a number's text; beyond it is something else
_TEXT_CONTROLS: Final = b"\t\n\r\f\b"
_FIRST_PRINTABLE: Final = 0x20


def parse(payload: bytes) -> Any:  # noqa: ANN401  JSON
    """Parse a payload; PayloadError empty, not_utf8, binary, too_deep, bad_json.

    The bare words NaN and Infinity, which are no JSON but which devices write, are read on the
    slow way: one channel without a value must not cost the others.
    """
    text = payload.removeprefix(_BOM)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _slowly(text)


def _slowly(text: bytes) -> Any:  # noqa: ANN401  JSON
    if not text.strip():
        raise PayloadError("empty")
    if any(byte < _FIRST_PRINTABLE and byte not in _TEXT_CONTROLS for byte in text[:1024]):
        raise PayloadError("binary")
    try:
        words = text.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start}") from error
    try:
        return json.loads(words)
    except RecursionError as error:
        raise PayloadError("too_deep") from error
    except ValueError as error:
        raise PayloadError("bad_json", shown(str(error))) from error


def document(payload: bytes) -> dict[str, Any]:
    """Parse a payload that must be an object; PayloadError as `parse`, and not_of_format.

    The words of printf, nan and inf, cost their own channel only.
    """
    try:
        root = parse(payload)
    except PayloadError as error:
        mended = _PRINTF.sub(_spelled, payload)
        if error.reason != "bad_json" or mended == payload:
            raise
        root = parse(mended)
    if not isinstance(root, dict):
        raise PayloadError("not_of_format", f"{type(root).__name__} where an object belongs")
    return root


def _spelled(word: re.Match[bytes]) -> bytes:
    return _JSON_WORDS.get(word[0].lower(), word[0])


def read(raw: Any, states: Mapping[str, int] | None = None) -> float:  # noqa: ANN401  JSON
    """Return a number, NaN for "no value"; PayloadError bad_value, bad_state."""
    if states is not None:
        return _state(raw, states)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return _finite(raw)
    if raw is None:
        return nan
    if isinstance(raw, str):
        return from_text(raw)
    raise PayloadError("bad_value", shown(raw))


def _finite(raw: float) -> float:
    try:
        value = float(raw)
    except OverflowError as error:
        raise PayloadError("bad_value", "beyond any number") from error
    if isfinite(value) or isnan(value):
        return value
    raise PayloadError("bad_value", str(value))


def from_text(raw: str) -> float:
    """Read "41.5", "41,5" and words for no value; "1.234,5" can be two things: refused."""
    text = raw.strip()
    if len(text) <= _LONGEST:
        if _COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if _NUMBER.fullmatch(text):
            return _finite(float(text))
        if text.lower() in _NO_VALUE:
            return nan
    raise PayloadError("bad_value", shown(text))


def number_in(text: str) -> float | None:
    """Return the number that a text is, NaN for a word for "no value", None for other texts."""
    try:
        return from_text(text)
    except PayloadError:
        return None


def _state(raw: Any, states: Mapping[str, int]) -> float:  # noqa: ANN401  JSON
    if raw is None:
        return nan
    if isinstance(raw, (dict, list)) or is_huge(raw):
        raise PayloadError("bad_state", shown(raw))
    key = str(raw).lower() if isinstance(raw, bool) else str(raw).strip()
    code = states.get(key)
    if code is None:
        code = states.get(key.lower())
    if code is None:
        raise PayloadError("bad_state", shown(key))
    return float(code)
