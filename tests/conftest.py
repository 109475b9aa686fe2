"""Fixtures of all tests; each service's live in a file of its own."""

from __future__ import annotations

import hypothesis

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
