"""Coverage: three classes, two denominators, and suggestions that stay suggestions."""

from __future__ import annotations

import pytest

from ioc.domain.coverage import SPREAD_KM, Hamlet, Signal, grid, report, signal_of, suggestions
from ioc.domain.network.plan import km
from tests.unit.network_plans import at


def hamlets(signal: Signal, count: int, start: int = 0, **more: object) -> list[Hamlet]:
    return [
        Hamlet(f"h{n}", f"Thôn {n}", at(0), "c", "Xã C", signal, **more)  # type: ignore[arg-type]
        for n in range(start, start + count)
    ]


def test_the_two_denominators_of_a_real_province() -> None:
    """Tuyên Quang's own numbers: 91 of 3,802 without, 182 of 3,711 with partial signal."""
    told = [
        *hamlets(Signal.NONE, 91),
        *hamlets(Signal.PARTIAL, 182, 91),
        *hamlets(Signal.COVERED, 3802 - 273, 273),
    ]
    found = report(told).all.hamlets
    assert (found.known, found.with_signal) == (3802, 3711)
    assert found.reached_share == pytest.approx(0.97606, abs=1e-5)
    assert found.none_share == pytest.approx(91 / 3802)
    assert found.partial_share == pytest.approx(182 / 3711)


def test_unknown_hamlets_are_in_no_denominator() -> None:
    """A hamlet of which nobody said anything counts as unknown, never as covered."""
    found = report([*hamlets(Signal.UNKNOWN, 5), *hamlets(Signal.COVERED, 1, 5)]).all.hamlets
    assert (found.unknown, found.known, found.reached_share) == (5, 1, 1.0)
    assert report(hamlets(Signal.UNKNOWN, 2)).all.hamlets.none_share is None


def test_people_are_weighed_and_the_uncounted_named() -> None:
    """Shares of people weigh each hamlet by its population; those without one are counted apart."""
    told = [
        *hamlets(Signal.NONE, 1, population=900, power=False),
        *hamlets(Signal.COVERED, 1, 1, population=100),
        *hamlets(Signal.COVERED, 1, 2),
    ]
    found = report(told)
    assert found.all.people.none_share == 0.9
    assert (found.without_population, found.all.without_power) == (1, 1)


def test_communes_and_operators_have_their_own_lines() -> None:
    """The worst commune stands first; an operator's line reads his own signal, not the hamlet's."""
    bad = Hamlet("a", "A", at(0), "1", "Xã Một", Signal.NONE, operators=(("VNPT", Signal.NONE),))
    good = Hamlet(
        "b", "B", at(0), "2", "Xã Hai", Signal.COVERED,
        operators=(("VNPT", Signal.PARTIAL), ("Viettel", Signal.COVERED)),
    )  # fmt: skip
    found = report([good, bad])
    assert [line.name for line in found.communes] == ["Xã Một", "Xã Hai"]
    tallies = {line.key: line.hamlets for line in found.operators}
    assert (tallies["VNPT"].none, tallies["VNPT"].partial) == (1, 1)
    assert (tallies["Viettel"].covered, tallies["Viettel"].unknown) == (1, 1)


@pytest.mark.parametrize(
    ("word", "signal"),
    [
        ("khong co song", Signal.NONE), ("trang song", Signal.NONE), ("lom song", Signal.PARTIAL),
        ("song yeu", Signal.PARTIAL), ("co", Signal.COVERED), ("4g", Signal.COVERED),
        ("", Signal.UNKNOWN), ("xem lai", Signal.UNKNOWN),
    ],
)  # fmt: skip
def test_words_of_files_are_understood(word: str, signal: Signal) -> None:
    """What clerks write means one of the classes; what means none is unknown."""
    assert signal_of(word) is signal


def test_a_circle_only_suggests() -> None:
    """A distance that contradicts a class, or an unknown class, is to be checked; a fit is not."""
    told = [
        Hamlet("a", "A", at(0), "1", "x", Signal.COVERED),  # 1 km from the mast
        Hamlet("b", "B", at(9), "1", "x", Signal.COVERED),  # 9 km
        Hamlet("c", "C", at(0), "1", "x", Signal.NONE),
        Hamlet("d", "D", at(0), "1", "x", Signal.UNKNOWN),
        Hamlet("e", "E", at(9), "1", "x", Signal.NONE),
    ]
    found = suggestions(told, [at(1)])
    assert [(s.code, s.likely) for s in found] == [("b", False), ("c", True), ("d", True)]
    assert found[1].away_km == pytest.approx(1.09, abs=0.02)
    assert report(told).all.hamlets.none == 2  # what was seen stays what it was


def test_people_out_of_reach_are_weighed_by_place() -> None:
    """Everybody is in one square or another; only squares without a mast near count as out."""
    told = [
        Hamlet("a", "A", at(0), "1", "x", Signal.COVERED, population=1000),
        Hamlet("b", "B", at(9), "2", "y", Signal.COVERED, population=300),
        Hamlet("c", "C", at(9), "2", "y", Signal.COVERED),  # nobody counted them
    ]
    found = grid(told, [at(1)])
    assert found.people == pytest.approx(1300)
    assert found.out_of_reach == pytest.approx(300)
    assert found.communes == {"2": pytest.approx(300)}
    assert all(km(cell.at, at(9)) <= SPREAD_KM for cell in found.cells)
    assert len(found.cells) > 6  # spread, not heaped on its centre
    assert grid(told, []).out_share == pytest.approx(1)
    assert grid(told[2:], []).out_share is None


def test_a_village_at_the_edge_is_partly_out_of_reach() -> None:
    """What lies within the reach of a mast is not lost with what does not."""
    edge = Hamlet("a", "A", at(2.3), "1", "x", Signal.COVERED, population=1000)  # 2.5 km
    assert 200 < grid([edge], [at(0)]).out_of_reach < 800
