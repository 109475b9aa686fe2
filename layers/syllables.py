"""What a Vietnamese syllable looks like: how one reading of old text is told from another.

A syllable is onset + rhyme + tone; the rhymes are a closed list. A text read in the wrong encoding
breaks this at once ("Tr¹m", "Traïm"), so the share of well-formed syllables among the words that
are not plain ASCII is a vocabulary that needs no word list and knows people's and streets' names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

_TONES: Final = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below
_ONSET_LIST: Final = (
    "ngh ng nh gh gi kh ph qu th tr ch b c d đ g h k l m n p r s t v x kr đr bl pl kl j"
)
_RHYME_LIST: Final = """
    a ac ach ak ai am an ang anh ao ap at au ay ă ăc ăk ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây
    e ec em en eng eo ep et ê êch êm ên êng ênh êp êt êu
    i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu
    o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi
    om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ôk ơ ơi ơm ơn ơng ơp ơt
    u ua uâc uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt uơ uơi up ut
    uy uya uych uyên uyêt uynh uyt uyn uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu
    ưt ưu y yêm yên yêng yêt yêu ynh ych eng oay uao uyp ênh iêng âng
"""
_ONSETS: Final = tuple(_ONSET_LIST.split())
_RHYMES: Final = frozenset(_RHYME_LIST.split())
_WORD: Final = re.compile(
    "[^\\s!-/:-@\\[-`{-~–—\u2018-\u201d…]+"
)  # between blanks and ASCII punctuation


def words(text: str) -> Iterable[str]:
    """Return the words that tell something: not plain ASCII."""
    return (word for word in _WORD.findall(text) if not word.isascii())


def is_syllable(word: str) -> bool:
    """Say whether the word is one well-formed syllable, in either case, its tone in its place."""
    if not (word.islower() or word.isupper() or word.istitle()):
        return False
    bare, toned = _toneless(word.lower())
    return len(toned) <= 1 and any(
        bare[start:] in _RHYMES and (not toned or _bears(bare[start:], toned[0] - start))
        for start in _starts(bare)
    )


def _starts(bare: str) -> Iterator[int]:
    """Yield where the rhyme may begin."""
    yield 0
    yield from (len(onset) for onset in _ONSETS if bare.startswith(onset))


def _toneless(word: str) -> tuple[str, list[int]]:
    """Return the word without tones, and the indices of the letters that bore one."""
    bare, toned = "", []
    for mark in unicodedata.normalize("NFD", word):
        if mark in _TONES:
            toned.append(len(bare) - 1)
        else:
            bare = unicodedata.normalize("NFC", bare + mark)
    return bare, toned


def _bears(rhyme: str, at: int) -> bool:
    """Say whether the tone of a rhyme stands on its letter `at`; old and new style (òa, oà)."""
    marked = [index for index, letter in enumerate(rhyme) if letter in "ăâêôơư"]
    if marked:
        return at == marked[-1]
    vowels = len(rhyme) - len(rhyme.lstrip("aeiouy"))
    if vowels == 2 and rhyme in ("oa", "oe", "uy"):  # noqa: PLR2004
        return at in (0, 1)
    # One vowel bears it; of two the first, but the second before a consonant; of three the middle.
    return at == (0 if vowels == 1 or (vowels == 2 and len(rhyme) == 2) else 1)  # noqa: PLR2004
