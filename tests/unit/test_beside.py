"""What a station's page adds to a chart."""

from __future__ import annotations

from ioc.web.figures import beside

ZONE = "Asia/Ho_Chi_Minh"
T0 = 1_795_311_000_000  # 24/11/2026 08:30 there


def blank() -> beside.Figure:
    return {"data": [], "layout": {"shapes": [{"type": "line"}]}}


def test_another_line_is_torn_where_nothing_came() -> None:
    """A gap longer than the datastream's own breaks the line; the axis is its own."""
    past = ([T0, T0 + 60_000, T0 + 600_000], [1.0, None, 3.0], 90.0)
    made = beside.with_other(blank(), past, ["1", "", "3"], "Bụi", ZONE)
    (trace,) = made["data"]
    assert trace["y"] == [1.0, None, None, 3.0]
    assert (trace["yaxis"], made["layout"]["yaxis3"]["side"]) == ("y3", "right")


def test_bad_steps_stand_at_the_foot() -> None:
    """Each bad step has a mark with its words, on the axis that the values do not use."""
    (trace,) = beside.with_bad(blank(), [(T0, "2 giá trị")], ZONE)["data"]
    assert (trace["text"], trace["yaxis"]) == (["2 giá trị"], "y2")


def test_a_note_covers_its_stretch() -> None:
    """Notes come beside what is drawn already, numbered, in the province's time."""
    made = beside.with_notes(blank(), [(T0, T0 + 60_000, "1")], ZONE)["layout"]
    assert [shape["type"] for shape in made["shapes"]] == ["line", "rect"]
    assert made["annotations"][0]["text"] == "1"
    assert made["shapes"][1]["x0"] == beside.clock_of(ZONE)(T0)
