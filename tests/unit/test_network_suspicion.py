"""Where is the cut: which segments explain what went silent together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.instant import SECOND, Micros
from ioc.domain.network.cut import Analysis
from ioc.domain.network.plan import Plan
from ioc.domain.network.suspicion import TOGETHER, Silence, guesses, rank, together
from tests.unit.full_counts import examples
from tests.unit.network_plans import analysed, at, codes, core, site, way
from tests.unit.test_network import plans

T0 = Micros(1_790_000_000 * SECOND)


def tree() -> Analysis:
    """Return a trunk of four places with four offices behind each: core - a - b - c - d."""
    spots = "abcd"
    cables = [way("k0", at(0), at(2))]
    cables += [way(f"k{n}", at(2 * n), at(2 * n + 2)) for n in (1, 2, 3)]
    cables += [
        way(f"{spot}{n}", at(2 * i + 2), at(2 * i + 2, n))
        for i, spot in enumerate(spots)
        for n in (1, 2, 3, 4)
    ]
    sites = [
        site(f"{spot}{n}", at(2 * i + 2, n)) for i, spot in enumerate(spots) for n in (1, 2, 3, 4)
    ]
    return analysed(Plan((), tuple(cables), (core(at(0)),), tuple(sites)))


def numbers(analysis: Analysis, *spots: str) -> set[int]:
    return {n for n, s in enumerate(analysis.network.sites) if s.code[0] in spots}


def silences(sites: set[int], since: Micros = T0) -> list[Silence]:
    return [Silence(n, Micros(since + n * SECOND)) for n in sites]


def heard(sites: set[int], time: int = T0 + 3600 * SECOND) -> dict[int, Micros]:
    return {n: Micros(time) for n in sites}


def test_the_cut_that_explains_the_silence_is_first() -> None:
    """Of the cuts along a trunk the one right before the silent offices is named."""
    analysis = tree()
    silent, well = numbers(analysis, "c", "d"), numbers(analysis, "a", "b")
    (found,) = guesses(analysis, silences(silent), heard(well))
    assert [analysis.network.segments[n].code for n in found.segments] == ["k2"]
    assert (set(found.explained), found.wrongly, found.unheard) == (silent, (), 0)
    worse = rank(analysis, silent, well)[1]
    assert worse.score < found.score


def test_a_second_line_is_forgiven_and_a_contradiction_is_not() -> None:
    """One of sixteen that answers leaves the guess standing, two of them do not."""
    analysis = tree()
    everyone = numbers(analysis, "a", "b", "c", "d")
    one, two = set(list(everyone)[:1]), set(list(everyone)[:2])
    (best,) = [
        g for g in guesses(analysis, silences(everyone - one), heard(one)) if len(g.explained) > 4
    ]
    assert len(best.wrongly) == 1
    assert all(
        len(g.explained) <= 12 for g in guesses(analysis, silences(everyone - two), heard(two))
    )


def test_what_was_heard_before_the_cut_says_nothing() -> None:
    """A point heard last before the silence is no contradiction; the smallest cut is named."""
    analysis = tree()
    silent, others = numbers(analysis, "d"), numbers(analysis, "a", "b", "c")
    (found,) = guesses(analysis, silences(silent), heard(others, T0 - 1))
    assert [analysis.network.segments[n].code for n in found.segments] == ["k3"]


def test_two_points_are_no_cut() -> None:
    """Fewer than three silent points along a cable are not worth a guess."""
    analysis = tree()
    some = set(list(numbers(analysis, "d"))[:2])
    assert guesses(analysis, silences(some), heard(numbers(analysis, "a", "b", "c"))) == []


def test_what_fell_silent_apart_is_not_one_cut() -> None:
    """Points that went silent hours apart are not explained by one cut."""
    analysis = tree()
    c, d = numbers(analysis, "c"), numbers(analysis, "d")
    later = Micros(T0 + 3 * TOGETHER)
    told = [*silences(c), *silences(d, later)]
    assert [{one.site for one in group} for group in together(told)] == [c, d]
    for guess in guesses(analysis, told, heard(numbers(analysis, "a", "b"))):
        assert len(codes(analysis, guess.explained)) == 4


def test_two_cuts_at_once_are_two_guesses() -> None:
    """Two branches that fall at the same time are two suspects, each with its own points."""
    analysis = analysed(
        Plan(
            cables=(
                *(way(f"l{n}", at(-n), at(-n - 1)) for n in range(4)),
                *(way(f"r{n}", at(n), at(n + 1)) for n in range(5)),
            ),
            nodes=(core(at(0)),),
            sites=(
                *(site(f"L{n}", at(-n)) for n in range(1, 5)),
                *(site(f"R{n}", at(n)) for n in range(1, 6)),
            ),
        )
    )
    found = guesses(analysis, silences(set(range(9))), {})
    assert sorted(len(g.explained) for g in found) == [4, 5]


@given(plans(), st.data())
@examples(60, 1000)
def test_a_guess_counts_what_it_says(plan: Plan, data: st.DataObject) -> None:
    """What a suspect explains and contradicts is what its cut would silence, whatever the data."""
    analysis = analysed(plan)
    known = st.sets(st.integers(0, max(0, len(plan.sites) - 1)))
    silent = data.draw(known) if plan.sites else set()
    answering = (data.draw(known) if plan.sites else set()) - silent
    for suspect in rank(analysis, silent, answering):
        lost = set(analysis.impact(suspect.segments[:1]).lost)
        assert set(suspect.explained) == lost & silent
        assert set(suspect.wrongly) == lost & answering
        assert suspect.unheard == len(lost - silent - answering)
        assert suspect.score > 0
