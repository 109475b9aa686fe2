"""What a probe says of the evaluators."""

from __future__ import annotations

from ioc.web.health import shared


def test_partitions_are_told_by_owner() -> None:
    """Each evaluator with its partitions in one line; what nobody holds is said, too."""
    assert shared({0: "a", 1: "a", 2: "b", 3: None}) == "a 0 1, b 2, nobody 3"
    assert shared({}) == "unknown"
