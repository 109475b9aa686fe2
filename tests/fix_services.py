"""Which services this run of the tests has; a missing one skips its tests, in CI it fails them."""

from __future__ import annotations

import os
from typing import Final

import pytest

from tests.services.places import NAMES, URLS, recall

REMEDY: Final = "make services"


def address(name: str) -> str:
    """Return the URL of "database", "redis" or "mqtt"; skip (in CI: fail) the test without one."""
    assert name in NAMES
    url = os.environ.get(f"IOC_TEST_{name.upper()}_URL") or str(recall(URLS).get(name, ""))
    if not url:
        missing(f"no {name} service: {REMEDY}")
    return url


def missing(reason: str) -> None:
    """Skip the test for a missing service; fail it where services are required."""
    if os.environ.get("CI") or os.environ.get("IOC_REQUIRE_SERVICES"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
