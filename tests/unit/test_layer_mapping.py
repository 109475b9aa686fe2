"""Columns find their fields, cells become values or say why not."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ioc import layer_schema as schema
from ioc.domain.errors import ConfigError, LayerFileError
from ioc.domain.naming import fold, searchable
from layers import mapping
from layers.mapping import BadValueError

SCHEMAS = schema.load(Path(__file__).resolve().parents[2] / "config" / "layers")
BTS = SCHEMAS["bts"]


def columns(*found: str, **given: str) -> dict[str, str | None]:
    return mapping.columns(BTS, found, given=given, remembered={})


def test_every_schema_is_sound() -> None:
    """Each layer that the centre knows has a code, a name and words in both languages."""
    assert len(SCHEMAS) >= 20
    for one in SCHEMAS.values():
        assert {"code", "name"} <= {field.name for field in one.fields}
        assert set(one.title) == {"vi", "en"}
        folded = [name for field in one.fields for name in field.folded]
        own = {field.name for field in one.fields}
        clashes = {n for n in folded if folded.count(n) > 1 and n in own}
        assert not clashes, (one.name, clashes)


def test_names_of_people_find_their_fields() -> None:
    """Vietnamese titles, shouted names and names a Shapefile cut are understood."""
    assert columns("Mã trạm", "TEN_TRAM", "Nhà mạng", "CONG_NGHE", "chieu_cao_", "STT") == {
        "Mã trạm": "code",
        "TEN_TRAM": "name",
        "Nhà mạng": "operator",
        "CONG_NGHE": "technologies",
        "chieu_cao_": "height_m",
        "STT": None,
    }


def test_one_field_takes_one_column() -> None:
    """The better name wins; the other column is not used and is seen as such."""
    assert columns("ma", "code") == {"ma": None, "code": "code"}


def test_what_a_person_says_goes_first() -> None:
    """Given before remembered before names."""
    found = mapping.columns(
        BTS, ["a", "b", "code"], given={"a": "code"}, remembered={"a": "note", "b": "name"}
    )
    assert found == {"a": "code", "b": "name", "code": None}


def test_a_column_can_be_left_out() -> None:
    """One whose name would be taken for a field stays unused where a person said so."""
    said = {"code": "", "ma_tram": "code"}
    for given, remembered in ((said, {}), ({}, said)):
        found = mapping.columns(BTS, ["code", "ma_tram"], given=given, remembered=remembered)
        assert found == {"code": None, "ma_tram": "code"}


@pytest.mark.parametrize(
    ("given", "reason"), [({"zzz": "code"}, "no_column"), ({"ma": "zzz"}, "no_field")]
)
def test_what_is_not_there(given: dict[str, str], reason: str) -> None:
    """A column or field that does not exist is refused, with those that do."""
    with pytest.raises(LayerFileError) as refused:
        columns("ma", **given)
    assert refused.value.reason == reason
    assert refused.value.values["known"]


def test_files_of_one_kind_are_recognised() -> None:
    """The order and the case of columns do not matter, the layer and the columns do."""
    one = mapping.fingerprint("bts", ["Ma", "Ten"])
    assert one == mapping.fingerprint("bts", ["TEN", "MÃ"])
    assert one != mapping.fingerprint("tower", ["Ma", "Ten"])
    assert one != mapping.fingerprint("bts", ["Ma"])


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", "  Trạm\x00 A ", "Trạm  A"),
        ("text", 123.0, "123"),
        ("text", "", None),
        ("text", datetime(2024, 5, 1), "2024-05-01"),  # noqa: DTZ001  as Excel gives it
        ("number", "45,5 m", 45.5),
        ("number", "1.234,5", 1234.5),
        ("number", "1,234.5", 1234.5),
        ("number", "1.234.567", 1234567.0),
        ("number", "-", None),
        ("number", float("nan"), None),
        ("integer", "1.234", 1234),
        ("integer", "12", 12),
        ("integer", 12.0, 12),
        ("flag", "Có", True),
        ("flag", "không", False),
        ("flag", "x", True),
        ("flag", None, None),
        ("date", "31/12/2024", "2024-12-31"),
        ("date", "5-2019", "2019-05"),
        ("date", 2019, "2019"),
        ("date", "2024-12-31T00:00:00", "2024-12-31"),
        ("date", datetime(2024, 12, 31, 8), "2024-12-31"),  # noqa: DTZ001
    ],
)
def test_cells(kind: Any, cell: object, value: object) -> None:
    """What people write is understood, and nothing stays nothing."""
    field = schema.Field("f", "F", "F", kind)
    assert mapping.reader(field)(cell) == value


@pytest.mark.parametrize(
    ("kind", "cell", "reason"),
    [
        ("number", "cao", "not_a_number"),
        ("number", "1-2", "not_a_number"),
        ("integer", "1,5", "not_whole"),
        ("flag", "có lẽ", "not_a_flag"),
        ("date", "31/02/2024", "not_a_date"),
        ("date", "sắp tới", "not_a_date"),
        ("text", "x" * 2001, "too_long"),
    ],
)
def test_cells_that_do_not_fit(kind: Any, cell: object, reason: str) -> None:
    """A cell that is no such value says so instead of becoming nothing."""
    with pytest.raises(BadValueError, match=reason):
        mapping.reader(schema.Field("f", "F", "F", kind))(cell)


def test_choices() -> None:
    """Spellings of one thing are one value; several are a list in the schema's order."""
    operator, technologies = BTS.field("operator"), BTS.field("technologies")
    assert operator is not None
    assert technologies is not None
    assert mapping.reader(operator)("VNPT VinaPhone") == "VNPT"
    assert mapping.reader(technologies)("5G/LTE; 3g") == ["3G", "4G", "5G"]
    assert mapping.reader(technologies)("2G 4G") == ["2G", "4G"]
    with pytest.raises(BadValueError, match="not_a_choice"):
        mapping.reader(operator)("Beeline")


def test_folding() -> None:
    """Marks, case and old or new accent style do not matter to a search."""
    assert fold("Mã trạm (cũ)") == "ma_tram_cu"
    assert searchable("Hòa Đông") == searchable("Hoà ĐÔNG") == "hoa dong"


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("BTS_Dong_Nai_2025", "bts"),
        ("Danh sách điểm TSLCD", "tslcd_point"),
        ("cột ăng ten", "tower"),
        ("Sheet1", None),
    ],
)
def test_the_layer_that_a_name_tells(name: str, layer: str | None) -> None:
    """A file's name tells its layer where a layer's name is in it."""
    found = schema.meant(SCHEMAS, [name])
    assert (found.name if found else None) == layer


def test_a_broken_schema_names_its_file(tmp_path: Path) -> None:
    """A schema with an unknown key stops with the file's name."""
    (tmp_path / "common.yaml").write_text("fields: []\n")
    (tmp_path / "x.yaml").write_text("geometry: circle\n")
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        schema.load(tmp_path)
