"""What can be said of an exchange with another system by what its heartbeat, or our probe, said."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """What an exchange's tile says."""

    NO_SOURCE = "no_source"  # neither a heartbeat nor a probe has ever said anything
    STALE = "stale"  # nobody says anything any more: it is not known whether it works
    FAILING = "failing"
    OK = "ok"


def standing(failing: bool | None, age_s: float | None, stale_after_s: float) -> Standing:  # noqa: FBT001  the state it said
    """Judge an exchange by the newest it said; None: it has never said it.

    A heartbeat without a state of its own (a lag alone) is alive while it comes.
    """
    if age_s is None:
        return Standing.NO_SOURCE
    if age_s > stale_after_s:
        return Standing.STALE
    return Standing.FAILING if failing else Standing.OK
