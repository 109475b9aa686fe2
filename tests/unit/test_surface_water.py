"""QCVN 08:2023/BTNMT, Bảng 2: the class of a river's water."""

from __future__ import annotations

from math import nan

import pytest

from ioc.domain.surface_water import Graded, Level, graded


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("bod5", 4, "A"),
        ("bod5", 4.01, "B"),
        ("bod5", 6, "B"),
        ("bod5", 10, "C"),
        ("bod5", 10.1, "D"),
        ("cod", 10, "A"),
        ("cod", 15, "B"),
        ("cod", 20, "C"),
        ("cod", 20.1, "D"),
        ("toc", 8, "C"),
        ("tss", 25, "A"),
        ("tss", 100, "B"),
        ("tss", 101, "C"),
        ("total_p", 0.3, "B"),
        ("total_n", 2.1, "D"),
        ("coliform", 7500, "C"),
        ("dissolved_oxygen", 6.0, "A"),
        ("dissolved_oxygen", 5.99, "B"),
        ("dissolved_oxygen", 4.0, "C"),
        ("dissolved_oxygen", 3.9, "D"),
        ("ph", 6.5, "A"),
        ("ph", 6.49, "B"),
        ("ph", 5.99, "D"),
        ("ph", 8.51, "D"),
    ],
)
def test_each_bound_belongs_to_the_better_class(name: str, value: float, level: str) -> None:
    """A value at a bound keeps it."""
    assert graded({name: value}) == Graded(Level(level), (name,))


def test_the_worst_parameter_decides() -> None:
    """One bad parameter is the class, and is named; what is missing or foreign does not count."""
    found = graded({"cod": 18, "bod5": 9, "ph": 7, "toc": None, "tss": nan, "temperature": 28})
    assert found == Graded(Level.C, ("bod5", "cod"))


def test_nothing_of_the_table_has_no_class() -> None:
    """Without any parameter of the table nothing is said."""
    assert graded({"temperature": 28, "cod": None}) is None
