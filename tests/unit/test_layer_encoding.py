"""Old text becomes Unicode and nothing of it is lost: TCVN3, VNI, UTF-8 read as ISO-8859-1."""

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.encoding import Encoding, decode, detect, encode
from layers.shipped import shipped

LOWER = "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ"
LETTERS = LOWER + LOWER.upper()
TONELESS = "AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXY"  # the capitals that TCVN3 has
OLD = (Encoding.TCVN3, Encoding.VNI)
NAMES = [unit["properties"]["name"] for unit in orjson.loads(shipped("communes"))["features"]] + [
    "Đường Nguyễn Thị Minh Khai",
    "Ấp Đồng Xoài",
    "Trạm viễn thông Ia Đrăng",
    "Bưu điện Trị An",
]


@given(st.text(LETTERS + " 0123456789.,-/()'", max_size=60))
def test_vni_round_trip(text: str) -> None:
    """Every Vietnamese letter in every neighbourhood comes back exactly."""
    assert decode(encode(text, Encoding.VNI), Encoding.VNI) == text


@given(st.text(LOWER + TONELESS + " 0123456789.,-/()'", max_size=60))
def test_tcvn3_round_trip(text: str) -> None:
    """Every letter that TCVN3 has comes back; only the case of toned letters may change."""
    back = decode(encode(text, Encoding.TCVN3), Encoding.TCVN3)
    assert back.lower() == text.lower()
    assert back == text or back == text.upper()


@given(st.text(LETTERS, max_size=40))
def test_tcvn3_loses_no_more_than_the_case(text: str) -> None:
    """Toned capitals come back as the same letter."""
    assert decode(encode(text, Encoding.TCVN3), Encoding.TCVN3).lower() == text.lower()


@given(st.text(LETTERS + " ", max_size=40))
def test_utf8_round_trip(text: str) -> None:
    """UTF-8 that was read as ISO-8859-1 comes back."""
    assert decode(encode(text, Encoding.UTF_8), Encoding.UTF_8) == text


def test_decomposed_text_is_composed() -> None:
    """What a Mac wrote in NFD is stored in NFC."""
    assert decode(unicodedata.normalize("NFD", "Đồng Xoài"), Encoding.UTF_8) == "Đồng Xoài"


def test_soft_hyphen_is_a_letter() -> None:
    """U+00AD is the "ư" of TCVN3 and survives."""
    assert encode("mưa", Encoding.TCVN3) == "m\xada"
    assert decode("m\xada", Encoding.TCVN3) == "mưa"


@pytest.mark.parametrize(
    ("old", "meant"),
    [
        ("TR¹M BTS", "TRẠM BTS"),
        ("§åNG NAI", "ĐỒNG NAI"),
        ("Bµ Nµ", "Bà Nà"),
        ("Tr¹m BTS §ång Xoµi", "Trạm BTS Đồng Xoài"),
    ],
)
def test_capital_fonts(old: str, meant: str) -> None:
    """Text that was set in a capital font of TCVN3 is in capitals; names stay names."""
    assert decode(old, Encoding.TCVN3) == meant


def test_mark_in_the_other_case() -> None:
    """VNI typed with a small mark behind a capital is understood."""
    assert decode("TRAïM", Encoding.VNI) == "TRẠM"


@pytest.mark.parametrize("encoding", Encoding)
def test_detection_of_names(encoding: Encoding) -> None:
    """Five names are enough to tell the encoding, one nearly always."""
    for start in range(len(NAMES) - 5):
        found = detect(encode(name, encoding) for name in NAMES[start : start + 5])
        assert (found.name, found.clear) == (encoding, True), NAMES[start : start + 5]
    right = [detect([encode(name, encoding)]).name is encoding for name in NAMES]
    needed = [not name.isascii() for name in NAMES]
    assert sum(r for r, n in zip(right, needed, strict=True) if n) >= 0.97 * sum(needed)


def test_detection_of_unicode_read_rightly() -> None:
    """Text that already is Unicode is left alone."""
    assert detect(NAMES).name is Encoding.UTF_8
    assert detect(NAMES).confidence > 0.98


def test_detection_of_ascii_and_of_nothing_known() -> None:
    """Plain ASCII needs no encoding; what is no Vietnamese in any is not called clear."""
    assert detect(["BTS-001", "Dong Nai"]).confidence == 1.0
    assert not detect(["ÆØÅ ÞÐ §§ ¤¤", "Größe Straße façade"]).clear
