"""Proposed deadband and delays: from the kind of signal and the noise of the sensor itself."""

from __future__ import annotations

from math import nan, sin
from random import Random

from ioc.domain.suggestion import NOISES, noise, suggest


def wave(sigma: float, n: int = 4000, swing: float = 20.0) -> list[float]:
    """Return a slow wave with normal noise upon it."""
    chance = Random(7)
    return [100 + swing * sin(i / 300) + chance.gauss(0, sigma) for i in range(n)]


def test_noise_is_found_under_a_slow_wave() -> None:
    """The estimate is the noise, not the weather: within a tenth of what was put in."""
    assert abs(noise(wave(1.3)) - 1.3) < 0.13
    assert noise(wave(0.0)) < 0.1


def test_spikes_and_gaps_do_not_move_it() -> None:
    """One value in fifty that is wild or missing changes little."""
    values = wave(1.0)
    values[::50] = [9999.0] * len(values[::50])
    values[25::50] = [nan] * len(values[25::50])
    assert abs(noise(values) - 1.0) < 0.2


def test_a_noisy_sensor_gets_a_deadband_of_three_sigma() -> None:
    """Where the noise is large beside the range it decides."""
    found = suggest(wave(10.0), "°C")
    assert found.deadband == NOISES * found.noise


def test_a_quiet_sensor_gets_the_share_of_its_range() -> None:
    """Where there is no noise the share of the kind of signal decides: 2 % for levels."""
    found = suggest(wave(0.0), "m")
    assert found.share == 0.02
    assert found.deadband == max(0.02 * found.range, NOISES * found.noise)
    assert abs(found.range - 40) < 2


def test_a_state_has_no_noise() -> None:
    """Between two states of a device lies half a step, whatever it did."""
    assert suggest([0.0, 2.0] * 50, "", category=True).deadband == 0.5
    assert suggest([], "µg/m³").deadband == 0.0
