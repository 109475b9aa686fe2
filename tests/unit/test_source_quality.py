"""Right, complete, clean, live: shares of what was sent, and the likely reason of a bad source."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.source_quality import Reason, Sent, reason, scores, worst

DAY = Sent(expected=1440, got=1440, n=1440, n_good=1440, corrected=0, hours=24, possible=24)
GONE = Sent(1440, 0, 0, 0, 0, 0, 24)


def test_the_four_shares() -> None:
    """Each of its own: good of received, received of promised, untouched of all, hours of hours."""
    found = scores(Sent(1000, 900, 800, 720, 40, 12, 24, refused=200))
    assert found.known == pytest.approx([0.9, 0.9, 0.76, 0.5])
    assert tuple(scores(GONE)) == (None, 0, None, 0)


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([DAY] * 7, None),
        ([replace(DAY, n_good=1400)] * 7, None),  # 97 %
        ([GONE] * 7, Reason.NEVER),
        ([replace(GONE, refused=5)] * 7, Reason.REFUSED),
        ([DAY] * 6 + [GONE], Reason.SILENT),
        ([DAY, GONE, DAY, DAY, GONE, DAY, DAY], Reason.INTERMITTENT),
        ([replace(DAY, n_good=700)] * 7, Reason.WRONG_VALUES),
        ([replace(DAY, got=720, n=720, n_good=720)] * 7, Reason.SPARSE),
        ([replace(DAY, refused=900)] * 7, Reason.REFUSED),
        ([replace(DAY, corrected=900)] * 7, Reason.CORRECTED),
    ],
)
def test_the_likely_reason(days: list[Sent], why: Reason | None) -> None:
    """Each kind of fault is told from the others by the shares it spoils."""
    assert reason(days) is why


def test_a_day_that_has_just_begun_is_not_silent() -> None:
    """Before the first hour has ended nothing can be missing."""
    assert reason([DAY] * 6 + [Sent(10, 0, 0, 0, 0, 0, 0.2)]) is None


def test_the_worst_come_first_and_good_ones_not_at_all() -> None:
    """Ten at most, by the lowest share, then by how bad the others are."""
    half = replace(DAY, got=720, n=720, n_good=720)
    both = replace(half, n_good=360)
    named = {"good": [DAY], "half": [half], "both": [both], "gone": [GONE]}
    assert [key for key, _, _ in worst(named.items())] == ["gone", "both", "half"]
    assert len(worst((n, [GONE]) for n in range(50))) == 10


@given(
    st.builds(
        Sent,
        expected=st.floats(0, 1e6),
        got=st.floats(0, 1e6),
        n=st.integers(0, 10**6),
        n_good=st.integers(0, 10**6),
        corrected=st.integers(0, 10**6),
        hours=st.integers(0, 24),
        possible=st.floats(0, 24),
        refused=st.integers(0, 10**6),
    )
)
def test_a_share_is_a_share(sent: Sent) -> None:
    """Whatever the counts are, nothing is below 0 or above 1, and nothing fails."""
    assert all(0 <= one <= 1 for one in scores(sent).known)
    reason([sent])
