"""Fixtures of all tests; each service's live in a file of its own."""

from __future__ import annotations

pytest_plugins = [
    "tests.fix_db",
    "tests.fix_mqtt",
    "tests.fix_outage",
    "tests.fix_proxy",
    "tests.fix_redis",
    "tests.fix_web",
]
