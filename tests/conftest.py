"""Fixtures of all tests; each service's live in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
from argon2.profiles import CHEAPEST

from ioc.storage import secret

# A busy machine is no finding: what hypothesis calls slow is the other processes of the run.
hypothesis.settings.register_profile(
    "ioc", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("ioc")

pytest_plugins = [
    "tests.fix_db",
    "tests.fix_mqtt",
    "tests.fix_outage",
    "tests.fix_proxy",
    "tests.fix_redis",
    "tests.fix_web",
]


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords at no price: three people a test at 0.2 s of CPU were a third of a run.

    What is shipped is looked at in a process of its own (tests/unit/test_credential.py).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret, "COST", CHEAPEST)
        yield
