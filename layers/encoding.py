"""Text of old files: UTF-8, TCVN3 (ABC) and VNI-Windows to composed Unicode. Pure.

Old DBF and MIF files are read as ISO-8859-1, which loses nothing, and are translated here. U+00AD
is the letter "ư" of TCVN3: nothing may strip "invisible" characters before the translation. CP1258
is never offered: it shortens such text without an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from layers import syllables

_SAMPLE: Final = 2_000  # words that are not ASCII; five names already decide
_CLEAR: Final = 0.6  # share of well-formed syllables below which nobody should trust a guess


class Encoding(StrEnum):
    """How the bytes of a text became letters."""

    UTF_8 = "utf-8"
    TCVN3 = "tcvn3"
    VNI = "vni"


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding and the share of words that are Vietnamese syllables in it, 0 to 1.

    `confidence` is 1 where no word needs one; `how` is declared, given or guessed.
    """

    name: Encoding
    confidence: float
    how: str = "guessed"

    @property
    def clear(self) -> bool:
        """Whether the text reads as Vietnamese at all."""
        return self.confidence >= _CLEAR


# ---------------------------------------------------------------- tables

_TCVN3_CODES: Final = "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ"  # noqa: RUF001
_TCVN3_LETTERS: Final = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
_TCVN3_CAPITALS: Final = {"¡": "Ă", "¢": "Â", "§": "Đ", "£": "Ê", "¤": "Ô", "¥": "Ơ", "¦": "Ư"}
_FROM_TCVN3: Final = str.maketrans(
    {**dict(zip(_TCVN3_CODES, _TCVN3_LETTERS, strict=True)), **_TCVN3_CAPITALS}
)
_TO_TCVN3: Final = str.maketrans(
    {
        **dict(zip(_TCVN3_LETTERS.upper(), _TCVN3_CODES, strict=True)),
        **dict(zip(_TCVN3_LETTERS, _TCVN3_CODES, strict=True)),
        **{letter: code for code, letter in _TCVN3_CAPITALS.items()},
    }
)
# The capital fonts of TCVN3 draw the small codes as capitals: "TR¹M" was meant as TRẠM.
_CAPITAL_WORD: Final = re.compile(r"(?=\w*[A-ZĂÂĐÊÔƠƯ]\w*[A-ZĂÂĐÊÔƠƯ])(?=\w*[à-ỹ])\w+")
_PLAIN_SMALL: Final = re.compile(r"[a-z]")

_TONE: Final = {"\u0300": "ø", "\u0301": "ù", "\u0309": "û", "\u0303": "õ", "\u0323": "ï"}
_CIRCUMFLEX: Final = {"": "â", "\u0300": "à", "\u0301": "á", "\u0309": "å", "\u0303": "ã"}
_BREVE: Final = {"": "ê", "\u0300": "è", "\u0301": "é", "\u0309": "ú", "\u0303": "ü"}


def _vni_pairs() -> dict[str, str]:
    """Return Vietnamese letter -> its one or two VNI characters."""
    pairs = {"a\u0306": "aê", "ơ": "ô", "ư": "ö"}
    for tone, mark in _TONE.items():
        pairs |= {base + tone: base + mark for base in "aeouy"}
        pairs |= {"ơ" + tone: "ô" + mark, "ư" + tone: "ö" + mark}
    for tone, mark in {**_CIRCUMFLEX, "\u0323": "ä"}.items():
        pairs |= {base + "\u0302" + tone: base + mark for base in "aeo"}
    for tone, mark in {**_BREVE, "\u0323": "ë"}.items():
        pairs["a\u0306" + tone] = "a" + mark
    composed = {unicodedata.normalize("NFC", letter): code for letter, code in pairs.items()}
    composed |= {"ì": "ì", "í": "í", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "đ": "ñ", "ỵ": "î"}
    return composed | {letter.upper(): code.upper() for letter, code in composed.items()}


_TO_VNI: Final = _vni_pairs()
_FROM_VNI: Final = {code: letter for letter, code in _TO_VNI.items()}
# A mark typed in the other case than its letter is common: "TRAïM".
_MIXED: Final = {
    code[0] + code[1].swapcase(): letter for code, letter in _FROM_VNI.items() if len(code) > 1
}
_VNI_LETTER: Final = {**_MIXED, **_FROM_VNI}
_VNI: Final = re.compile(
    "|".join(re.escape(code) for code in sorted(_VNI_LETTER, key=len, reverse=True))
)


# ---------------------------------------------------------------- use


def decode(text: str, encoding: Encoding) -> str:
    """Return composed Unicode of a text that was read as ISO-8859-1, or as what it was."""
    match encoding:
        case Encoding.TCVN3:
            text = _capitals(text.translate(_FROM_TCVN3))
        case Encoding.VNI:
            text = _VNI.sub(lambda found: _VNI_LETTER[found.group()], text)
        case Encoding.UTF_8:
            text = _utf8(text)
    return unicodedata.normalize("NFC", text)


def encode(text: str, encoding: Encoding) -> str:
    """Return the text as old software wrote it, each byte a character of ISO-8859-1.

    TCVN3 has no capitals with tones outside its capital fonts: their case is lost.
    """
    composed = unicodedata.normalize("NFC", text)
    match encoding:
        case Encoding.TCVN3:
            return composed.translate(_TO_TCVN3)
        case Encoding.VNI:
            return "".join(_TO_VNI.get(letter, letter) for letter in composed)
        case Encoding.UTF_8:
            return composed.encode().decode("latin-1")


def detect(texts: Iterable[str]) -> Guess:
    """Return the encoding in which most words are Vietnamese; UTF-8 wins a draw."""
    found = (text for text in texts if not text.isascii())
    sample = list(islice((word for text in found for word in syllables.words(text)), _SAMPLE))
    if not sample:
        return Guess(Encoding.UTF_8, 1.0)
    scored = [(_share(sample, encoding), encoding) for encoding in Encoding]
    share, encoding = max(scored, key=lambda pair: pair[0])  # the first of equals: UTF-8
    return Guess(encoding, round(share, 3))


def _share(sample: list[str], encoding: Encoding) -> float:
    read = [part for word in sample for part in _parts(decode(word, encoding))]
    return sum(syllables.is_syllable(word) for word in read) / max(len(read), 1)


def _parts(word: str) -> list[str]:
    return [word] if word.isascii() else list(syllables.words(word)) or [word]


def _utf8(text: str) -> str:
    """Undo the reading of UTF-8 bytes as ISO-8859-1; any other text is what it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _capitals(text: str) -> str:
    """Give a text in capitals the capitals that its toned letters lack."""
    if _PLAIN_SMALL.search(text) or not _CAPITAL_WORD.search(text):
        return text
    return text.upper()
