"""Prometheus' text: what `promtool check metrics` would accept, digit by digit."""

from __future__ import annotations

import pytest

from ioc.domain.instant import SECOND
from ioc.exposition import Family, Report, Sample, histogram, labelled, one, pack, text, unpack
from ioc.web.metrics import OLD_S, reported


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1234567, "1234567"),
        (12345678901234567, "12345678901234567"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1234567.25, "1234567.25"),
    ],
)
def test_a_number_keeps_its_digits(value: float, written: str) -> None:
    """A counter of millions counts on by ones."""
    lines = text([one("ioc_x_total", "counter", "X.", value)]).splitlines()
    assert lines == [
        "# HELP ioc_x_total X.",
        "# TYPE ioc_x_total counter",
        f"ioc_x_total {written}",
    ]


def test_one_name_is_explained_once() -> None:
    """Two processes that report the same name stand below one HELP and one TYPE line."""
    family = one("ioc_x", "gauge", "X.", 1)
    shown = text(
        [
            labelled(family, "client", "a"),
            one("ioc_y", "gauge", "Y.", 0),
            labelled(family, "client", "b"),
        ]
    )
    assert shown.splitlines() == [
        "# HELP ioc_x X.",
        "# TYPE ioc_x gauge",
        'ioc_x{client="a"} 1',
        'ioc_x{client="b"} 1',
        "# HELP ioc_y Y.",
        "# TYPE ioc_y gauge",
        "ioc_y 0",
    ]


def test_a_label_may_hold_anything() -> None:
    """Quotes, backslashes and line ends of a name do not end the line."""
    family = Family("ioc_x", "gauge", "X.", [Sample(1, {"a": 'q" b\\ n\n'})])
    assert text([family]).splitlines()[2] == 'ioc_x{a="q\\" b\\\\ n\\n"} 1'


def test_a_histogram_counts_up() -> None:
    """Buckets are cumulative and end with +Inf, which is the count."""
    shown = text([histogram("ioc_s", "S.", (0.5, 1.0), [({"f": "x"}, [2, 0, 1], 4.5)])])
    assert shown.splitlines()[2:] == [
        'ioc_s_bucket{f="x",le="0.5"} 2',
        'ioc_s_bucket{f="x",le="1.0"} 2',
        'ioc_s_bucket{f="x",le="+Inf"} 3',
        'ioc_s_sum{f="x"} 4.5',
        'ioc_s_count{f="x"} 3',
    ]


def test_a_report_of_the_past_is_not_shown() -> None:
    """A process that is gone leaves no numbers behind; one of another version is no error."""
    report = Report(100 * SECOND, [one("ioc_x", "gauge", "X.", True)])  # noqa: FBT003  a state
    read = unpack(pack(report))
    assert read == report
    assert read is not None
    limit = (100 + OLD_S) * SECOND
    assert [family.samples for family in reported({"a": read}, limit)] == [
        [Sample(1, {"client": "a"})]
    ]
    assert reported({"a": read}, limit + 1) == []
    assert unpack(b'{"at": 1}') is None
