"""Declared things: a spreadsheet's export or YAML, all or nothing, and every fault in words."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import things_file
from ioc.domain.errors import ConfigError
from ioc.domain.intake import DatastreamSpec
from ioc.domain.thing import Declaration, Known, Objection, Standing, ThingState, objection
from ioc.text import say
from ioc.things_file import explain, read

KNOWN: Final = Known({"tt10", "senml"}, {"environment", "water"}, {"pm25", "so2", "ph"})
HEAD: Final = "feed,id,name,short_name,kind,lon,lat,commune,datastreams\n"


def write(folder: Path, text: str, name: str = "things.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def codes(folder: Path, text: str, name: str = "things.csv") -> list[tuple[int, str, str]]:
    found = read(write(folder, text, name), KNOWN)
    assert not (found.faults and found.things), "all or nothing"
    return [(fault.row, fault.field, fault.code) for fault in found.faults]


def test_a_csv(tmp_path: Path) -> None:
    """Every column comes out; what is left empty is the feed's, or unknown."""
    rows = (
        "tt10,HNLM01,Trạm Long Mỹ,Long Mỹ,environment,106.82,10.94,26122,"
        '"PM2,5=pm25 | SO2=so2 [ug/Nm3]"\n'
        "senml,tram-03,Trạm quan trắc nước thải khu công nghiệp Amata,,,,,,\n"
    )
    assert read(write(tmp_path, HEAD + rows), KNOWN).things == [
        Declaration(
            "tt10",
            "HNLM01",
            "Trạm Long Mỹ",
            "Long Mỹ",
            "environment",
            106.82,
            10.94,
            "26122",
            {"PM2,5": DatastreamSpec("pm25"), "SO2": DatastreamSpec("so2", "ug/Nm3")},
        ),
        Declaration(
            "senml",
            "tram-03",
            "Trạm quan trắc nước thải khu công nghiệp Amata",
            "Trạm quan trắc nước thải khu côn",
        ),
    ]


def test_a_vietnamese_spreadsheet(tmp_path: Path) -> None:
    """A byte order mark, semicolons, decimal commas, Vietnamese headers, an empty last column."""
    text = (
        "\ufeffNguồn;Mã thiết bị;Tên;Kinh độ;Vĩ độ;Mã xã;\r\n"
        "tt10;A1;Trạm A;106,82;10,94;26122;\r\n;;;;;;\r\n"
    )
    (thing,) = read(write(tmp_path, text), KNOWN).things
    assert (thing.lon, thing.lat, thing.commune) == (106.82, 10.94, "26122")


def test_a_yaml(tmp_path: Path) -> None:
    """YAML says more of a datastream: its unit and its sensor's range."""
    text = """
- {feed: tt10, id: A1, name: Trạm A, lon: 106.82, lat: 10.94, datastreams: {pH: ph,
   PM2_5: {property: pm25, unit: "µg/m³", min: 0, max: 500}, Cl: {}}}
"""
    (thing,) = read(write(tmp_path, text, "things.yaml"), KNOWN).things
    assert thing.datastreams == {
        "pH": DatastreamSpec("ph"),
        "PM2_5": DatastreamSpec("pm25", "µg/m³", 0, 500),
        "Cl": DatastreamSpec(),
    }


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ("nope,A,Trạm,,,,,,", "feed", "unknown_feed"),
        ("tt10,,Trạm,,,,,,", "id", "bad_id"),
        ("tt10,A,,,,,,,", "name", "bad_name"),
        (f"tt10,{'A' * 201},Trạm,,,,,,", "id", "bad_id"),
        (f"tt10,A,Trạm,{'T' * 33},,,,,", "short_name", "bad_short"),
        ("tt10,A,Trạm,,rocket,,,,", "kind", "unknown_kind"),
        ("tt10,A,Trạm,,,106.8,,,", "lon", "half_place"),
        ("tt10,A,Trạm,,,10.94,106.82,,", "lon", "swapped"),
        ("tt10,A,Trạm,,,16.82,10.94,,", "lon", "bad_lon"),
        ("tt10,A,Trạm,,,106.82,50.94,,", "lat", "bad_lat"),
        ("tt10,A,Trạm,,,106°49',10.94,,", "lon", "no_number"),
        ("tt10,A,Trạm,,,,,123,", "commune", "bad_commune"),
        ("tt10,A,Trạm,,,,,,SO2=gold", "datastreams", "no_property"),
        ("tt10,A,Trạm,,,,,,SO2", "datastreams", "bad_streams"),
        ("tt10,A,Trạm,,,,,,a=ph|a=so2", "datastreams", "bad_streams"),
        ("tt10,A,Trạm,,,,,,,x", "", "too_many_cells"),
        ("tt10,B,Trạm,,,,,,", "id", "twice"),
    ],
)
def test_a_bad_row_says_why_and_nothing_is_declared(
    tmp_path: Path, row: str, field: str, code: str
) -> None:
    """The row as the spreadsheet numbers it, the column, the reason in Vietnamese."""
    text = f"{HEAD}tt10,B,Trạm B,,,,,,\n\n{row}\n"
    assert codes(tmp_path, text) == [(4, field, code)]
    (fault,) = read(tmp_path / "things.csv", KNOWN).faults
    assert explain(fault).startswith("Dòng 4, ")
    assert "{" not in explain(fault)
    assert explain(fault, "en").startswith("Row 4, ")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Nobody likes to import eleven times."""
    text = f"{HEAD}nope,,Trạm,,rocket,,,,\ntt10,A,Trạm,,,10.9,106.8,,x\n"
    assert len(codes(tmp_path, text)) == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "feed,id\ntt10,A\n"),
        ("a.csv", "feed,id,name,colour\ntt10,A,B,red\n"),
        ("a.csv", "feed,id,name,mã\ntt10,A,B,C\n"),
        ("a.csv", ""),
        ("a.csv", 'feed,id,name\ntt10,"A,B\n'),
        ("a.yaml", "things: 1\n"),
        ("a.yaml", "- [\n"),
        ("a.txt", HEAD),
    ],
)
def test_what_is_no_such_file_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    """A wrong header or a broken file is a ConfigError that names it."""
    with pytest.raises(ConfigError, match=r"a\.(csv|yaml|txt)") as caught:
        read(write(tmp_path, text, name), KNOWN)
    assert "\n" not in str(caught.value)


def test_an_old_code_page_is_named(tmp_path: Path) -> None:
    """A spreadsheet's "CSV" is no UTF-8; the message says what to choose."""
    (tmp_path / "a.csv").write_bytes(HEAD.encode() + "tt10,A,Đà Lạt".encode("utf-16"))
    with pytest.raises(ConfigError, match="CSV UTF-8"):
        read(tmp_path / "a.csv", KNOWN)


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of any size costs a bounded time and memory."""
    monkeypatch.setattr(things_file, "MAX_ROWS", 3)
    rows = "".join(f"tt10,A{n},Trạm,,,,,,\n" for n in range(4))
    with pytest.raises(ConfigError, match="more than 3 rows"):
        read(write(tmp_path, HEAD + rows), KNOWN)
    monkeypatch.setattr(things_file, "MAX_BYTES", 10)
    with pytest.raises(ConfigError, match="split it"):
        read(write(tmp_path, HEAD), KNOWN)


def test_a_bad_yaml_entry_is_refused_alone_and_an_empty_file_is_told(tmp_path: Path) -> None:
    """An entry of another form has its number; a file without a thing is a slip, too."""
    assert codes(tmp_path, "- {feed: tt10, id: A, name: B, color: red}\n- 5\n", "a.yaml") == [
        (1, "", "bad_entry"),
        (2, "", "bad_entry"),
    ]
    assert codes(tmp_path, HEAD) == [(1, "", "no_rows")]


@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a file holds: declarations, faults, or a ConfigError."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEAD.encode() + content)
    try:
        found = read(path, KNOWN)
    except ConfigError:
        return
    assert bool(found.things) != bool(found.faults)


ADMITTED: Final = Standing(1, ThingState.ADMITTED)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (ADMITTED, Standing(), None),
        (ADMITTED, Standing(2, ThingState.PENDING), None),
        (ADMITTED, Standing(2, ThingState.RETIRED), None),
        (Standing(1, ThingState.ADMITTED, by_alias=True), Standing(), None),
        (ADMITTED, ADMITTED, Objection.SAME),
        (ADMITTED, Standing(1, ThingState.ADMITTED, by_alias=True), Objection.SAME),
        (Standing(), Standing(), Objection.OLD_UNKNOWN),
        (Standing(1, ThingState.PENDING), Standing(), Objection.OLD_PENDING),
        (Standing(1, ThingState.RETIRED), Standing(), Objection.OLD_RETIRED),
        (ADMITTED, Standing(2, ThingState.ADMITTED), Objection.NEW_IN_USE),
        (ADMITTED, Standing(2, ThingState.ADMITTED, by_alias=True), Objection.NEW_TAKES_ANOTHERS),
    ],
)
def test_who_may_take_whose_place(old: Standing, new: Standing, wanted: Objection | None) -> None:
    """A history is continued by one device that has none of its own; the reason has words."""
    assert objection(old, new) is wanted
    if wanted is not None:
        assert say(f"replacement.{wanted.value}")


def test_files_as_they_come(tmp_path: Path) -> None:
    """Endings in any case, tabs, blanks in and behind the cells: none of it is a fault."""
    text = "feed\tid\tname\tlon\tlat\n tt10 \tA \t Trạm A\t106.82\t 10.94\t \t\n"
    (thing,) = read(write(tmp_path, text, "THINGS.CSV"), KNOWN).things
    assert thing == Declaration("tt10", "A", "Trạm A", "Trạm A", None, 106.82, 10.94)
    yaml = "- {feed: tt10, id: A, name: Trạm A}\n"
    for name in ("a.yml", "A.YAML"):
        assert len(read(write(tmp_path, yaml, name), KNOWN).things) == 1


def test_what_else_a_row_and_an_entry_say(tmp_path: Path) -> None:
    """Parent, kind, commune and short name come out of both forms; ids are a feed's own."""
    wanted = [
        Declaration("tt10", "A", "Trạm A", "A", "water", commune="26122", parent="senml/G"),
        Declaration("senml", "A", "Trạm A", "Trạm A", parent="G"),
    ]
    head = "feed,id,name,short_name,kind,commune,parent\n"
    rows = "tt10,A,Trạm A,A,water,26122,senml/G\nsenml,A,Trạm A,,,,G\n"
    assert read(write(tmp_path, head + rows), KNOWN).things == wanted
    yaml = """
- {feed: tt10, id: A, name: Trạm A, short_name: A, kind: water, commune: "26122", parent: senml/G}
- {feed: senml, id: A, name: Trạm A, parent: G}
"""
    assert read(write(tmp_path, yaml, "a.yaml"), KNOWN).things == wanted


def test_a_short_name_is_cut_clean(tmp_path: Path) -> None:
    """A name whose 32nd character is a blank makes a short name without it."""
    (thing,) = read(write(tmp_path, f"feed,id,name\ntt10,A,{'T' * 31} xa\n"), KNOWN).things
    assert thing.short_name == "T" * 31


def test_as_many_rows_as_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is no fault, in neither form."""
    monkeypatch.setattr(things_file, "MAX_ROWS", 3)
    rows = "".join(f"tt10,A{n},Trạm,,,,,,\n" for n in range(3))
    assert len(read(write(tmp_path, HEAD + rows), KNOWN).things) == 3


@pytest.mark.parametrize("place", [(112.3, 16.5), (114.3, 7.9), (104.7, 8.6), (105.3, 23.3)])
def test_the_country_is_whole(tmp_path: Path, place: tuple[float, float]) -> None:
    """Hoàng Sa, Trường Sa, Cà Mau and Lũng Cú are places where things stand."""
    lon, lat = place
    (thing,) = read(write(tmp_path, f"{HEAD}tt10,A,Trạm,,,{lon},{lat},,\n"), KNOWN).things
    assert (thing.lon, thing.lat) == place


@pytest.mark.parametrize(
    ("entry", "field", "code"),
    [
        ("lon: -106.8, lat: 10.9", "lon", "bad_lon"),
        ("lat: 10.9", "lon", "half_place"),
        ("lon: .nan, lat: 10.9", "lon", "bad_lon"),
        ('commune: "\uff12\uff16\uff11\uff12\uff12"', "commune", "bad_commune"),
        ('commune: "26a22"', "commune", "bad_commune"),
        ('commune: "261221"', "commune", "bad_commune"),
        (f'parent: "{"P" * 401}"', "parent", "bad_id"),
        (f"datastreams: {{{'p' * 201}: ph}}", "datastreams", "bad_path"),
        ('short_name: "A\\tB"', "short_name", "bad_short"),
        ('short_name: " A"', "short_name", "bad_short"),
    ],
)
def test_a_bad_entry_says_why(tmp_path: Path, entry: str, field: str, code: str) -> None:
    """What only YAML can hold is checked like a spreadsheet's cells."""
    text = f"- {{feed: tt10, id: A, name: Trạm, {entry}}}\n"
    assert codes(tmp_path, text, "a.yaml") == [(1, field, code)]


def test_names_as_long_as_the_columns(tmp_path: Path) -> None:
    """The longest id and name are taken; a number of degrees has three digits at most."""
    row = f"tt10,{'A' * 200},{'T' * 200},{'S' * 32},,,,,\n"
    assert len(read(write(tmp_path, HEAD + row), KNOWN).things) == 1
    assert codes(tmp_path, f"{HEAD}tt10,A,Trạm,,,10682,10.9,,\n") == [(2, "lon", "no_number")]
    assert codes(tmp_path, f"{HEAD}tt10,A,{'T' * 201},S,,,,,\n") == [(2, "name", "bad_name")]


def test_blanks_around_a_datastream_are_no_part_of_it(tmp_path: Path) -> None:
    """`a = ph | b = so2 [µg/m³]` means what it means without blanks."""
    text = "feed,id,name,datastreams\ntt10,A,Trạm,a = ph | b = so2 [ug/m3]\n"
    (thing,) = read(write(tmp_path, text), KNOWN).things
    assert thing.datastreams == {"a": DatastreamSpec("ph"), "b": DatastreamSpec("so2", "ug/m3")}
