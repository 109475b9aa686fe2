"""Words: both languages say the same things."""

import string
import tomllib
import unicodedata
from importlib.resources import files

from ioc import text


def _fields(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_english_has_every_key_and_no_other() -> None:
    """A key that only one language has is a hole on somebody's screen."""
    vi = text.words("vi")
    english = tomllib.loads((files("ioc.text") / "en.toml").read_text("utf-8"))
    own = dict(text._flatten(english))
    assert set(vi) == set(own)


def test_placeholders_agree() -> None:
    """Both languages fill the same blanks."""
    en = text.words("en")
    wrong = [key for key, words in text.words("vi").items() if _fields(words) != _fields(en[key])]
    assert wrong == []


def test_vietnamese_is_composed() -> None:
    """NFC: a decomposed letter misses its glyph on the wall."""
    wrong = [k for k, w in text.words("vi").items() if not unicodedata.is_normalized("NFC", w)]
    assert wrong == []
