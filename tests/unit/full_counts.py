"""How often a property is tried: a hundred times in every run, thousands in `make rig`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])

RIG: Final = os.environ.get("IOC_RIG") == "1"


def examples(few: int, full: int) -> Callable[[Test], Test]:
    """Return the settings of a property, and the mark by which `make rig` finds it."""
    tried = settings(
        max_examples=full if RIG else few,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    return lambda test: pytest.mark.rig(tried(test))
