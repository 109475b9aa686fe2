"""A device's word on its life counts once it has lasted: flapping is held before it counts.

A recorder that restarts its grabber, a radio link in the rain, a plug in a loose socket: they say
offline and online in turn. The first word of a device counts at once, a later one when nothing
else was said for HOLD. Who changes his word again and again is neither online nor offline: from
FLAPPING changes within WINDOW on the thing counts as degraded until a word lasts. Words that do not
flap (disabled, in maintenance, and unknown because the recorder died) count at once, and so does
the first word after them.

Cameras are held, whose recorders speak for them; the last will of a device is a broker's verdict
after one and a half keep-alives of silence and counts at once, and so does what the monitoring of
a network says. This is what screens show: states are stored as they came, and alerts have delays of
their own (`on_delay`, `off_delay` of a rule), which hold them in the same way.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ioc.domain.instant import HOUR, MINUTE, Micros
from ioc.domain.intake import STATUS_PROPERTIES
from ioc.domain.observation import STATE_CODES, DeviceState

HELD: Final = frozenset({STATUS_PROPERTIES["camera"]})  # properties whose words are held
HOLD: Final = MINUTE  # Frigate's watchdog restarts a grabber each 20-30 s: two of its rounds
WINDOW: Final = HOUR
FLAPPING: Final = 6  # three drops an hour: beyond it nobody calls the thing online
MAX_CHANGES: Final = 360  # one each ten seconds of the window; more are not told apart
_DEGRADED: Final = STATE_CODES[DeviceState.DEGRADED]
_FLAPS: Final = frozenset(
    STATE_CODES[state] for state in (DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.OFFLINE)
)


class Held(NamedTuple):
    """What counts and what was said last, as codes of DeviceState, each with since when."""

    state: int
    since: Micros
    said: int
    said_since: Micros
    changes: tuple[Micros, ...] = ()  # of the last WINDOW

    @property
    def due(self) -> Micros | None:
        """Return when the newest word will count, None where it does already."""
        return None if self.said == self.state else Micros(self.said_since + HOLD)


def heard(held: Held | None, state: int, time: Micros) -> Held:
    """Take a word said at `time`; an older one than the newest changes nothing."""
    if held is None:
        return Held(state, time, state, time)
    if time < held.said_since or state == held.said:
        return held if time < held.said_since else settled(held, time)
    held = settled(held, time)
    if not {state, held.said, held.state} <= _FLAPS:
        return Held(state, time, state, time, held.changes)
    changes = (*_recent(held.changes, time), time)[-MAX_CHANGES:]
    if len(changes) < FLAPPING:
        return Held(held.state, held.since, state, time, changes)
    since = held.since if held.state == _DEGRADED else time
    return Held(_DEGRADED, since, state, time, changes)


def settled(held: Held, now: Micros) -> Held:
    """Let time pass: a word that has lasted counts from when it was first said."""
    if held.due is None or now < held.due:
        return held
    return held._replace(state=held.said, since=held.said_since)


def changes(held: Held, now: Micros) -> int:
    """Return how often the word changed within the last WINDOW."""
    return len(_recent(held.changes, now))


def _recent(times: tuple[Micros, ...], now: Micros) -> tuple[Micros, ...]:
    return tuple(time for time in times if time > now - WINDOW)
