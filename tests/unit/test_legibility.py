"""Sizes of a wall from its measures: 20 minutes of arc for the farthest viewer, or the truth."""

from __future__ import annotations

import pytest

from ioc.domain.legibility import CAPITALS, MOST_SCALE, Screen, needed_u, sizes


def test_the_picture_is_made_for_two_by_two_from_five_metres() -> None:
    """3840 × 2160 on 2 × 2 of 55" seen from 5 m: 3.3 px a minute of arc, read from there."""
    screen = Screen(110, 3840, 2160, 5.0)
    assert needed_u(screen) == pytest.approx(3.3, abs=0.05)
    found = sizes(screen)
    assert (found.scale, found.legible) == (1.0, True)
    assert found.text_px == pytest.approx(66, abs=0.1)


@pytest.mark.parametrize("metres", [1.0, 5.0, 5.4, 9.0])
def test_it_never_claims_what_the_eye_cannot_do(metres: float) -> None:
    """Text of 20 minutes at the reach it names; legible exactly when the viewer sits within."""
    found = sizes(Screen(110, 3840, 2160, metres))
    angle = found.text_mm / (found.reach_m * 1000) / 2.908882e-4
    assert angle == pytest.approx(20, rel=1e-4)
    assert found.legible == (found.reach_m >= metres - 1e-6)
    assert 1.0 <= found.scale <= MOST_SCALE
    assert found.text_mm == pytest.approx(
        found.text_px * CAPITALS * Screen(110, 3840, 2160, 1).pitch_mm
    )
