"""What follows an attempt: sent, another one, or dead with the reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.instant import SECOND, Micros
from ioc.domain.notification import (
    FIRST_RETRY,
    JITTER,
    LONGEST_RETRY,
    MAX_ATTEMPTS,
    Delivered,
    Later,
    Never,
    back_off,
    settle,
)

NOW = Micros(1_790_000_000 * SECOND)


def test_a_receipt_decides() -> None:
    """Delivered is sent; Never is dead at once; Later is tried again, with the reason kept."""
    assert settle(Delivered("250"), 1, NOW, 0.5).sent
    assert settle(Never("550 no such user"), 1, NOW, 0.5)[1:] == (True, None, "550 no such user")
    later = settle(Later("451 busy"), 1, NOW, 0.5)
    assert (later.sent, later.dead, later.reason) == (False, False, "451 busy")
    assert later.retry_at == NOW + FIRST_RETRY


def test_retries_end() -> None:
    """After the last attempt it is dead and says why; before it, never."""
    reason = "connection refused"
    ends = [settle(Later(reason), n, NOW, 0.5).dead for n in range(1, MAX_ATTEMPTS + 1)]
    assert ends == [False] * (MAX_ATTEMPTS - 1) + [True]
    assert settle(Later(reason), MAX_ATTEMPTS, NOW, 0.5).reason == reason


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_a_limit_and_scatter(attempts: int, chance: float) -> None:
    """Doubling from 10 s to half an hour, each at most a fifth shorter or longer."""
    plain = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    wait = back_off(attempts, chance)
    assert abs(wait - plain) <= plain * JITTER + 1
    assert back_off(attempts, 0.0) < back_off(attempts, 0.99)


@given(st.floats(0, 1e9), st.integers(1, MAX_ATTEMPTS - 1))
def test_the_other_side_may_ask_for_more_time(asked: float, attempts: int) -> None:
    """Retry-After is kept, but nobody can ask for more than half an hour."""
    found = settle(Later("429", asked), attempts, NOW, 0.5)
    assert found.retry_at is not None
    wait = found.retry_at - NOW
    assert wait >= min(asked * SECOND, LONGEST_RETRY) - 1
    assert wait <= max(LONGEST_RETRY, back_off(attempts, 0.5))
