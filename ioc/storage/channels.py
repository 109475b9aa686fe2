"""The channels of things, and which datastream goes on when a unit is told later, or no longer.

A datastream is thing, raw name and unit as sent, since one name may bring two quantities (SenML).
Formats that announce their units (Home Assistant, Zigbee2MQTT) make exceptions of it: values come
before the announcement, and again after a restart of ours. So

- a value without a unit is in the unit that its channel told first, where nobody described another:
  nothing says that it changed;
- a unit that is told at last and is the one that was assumed (by the feed's description, else by
  the catalogue) confirms the values, and the datastream goes on.

Any other unit makes a second datastream: what the values before were in, nobody can know, and no
stored value is ever given a unit afterwards. An importer may classify both as what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from ioc import units
from ioc.domain.intake import DatastreamSpec, Key
from ioc.storage.slot_table import Ref


class Told(NamedTuple):
    """A datastream of a channel: the way into it and the unit in which it is stored."""

    ref: Ref
    unit: str


# A Sparkplug device or a PLC has hundreds of tags; beyond this a name holds a counter.
STREAMS_PER_THING: Final = 2_000

Channel: TypeAlias = Mapping[str, Told]  # by unit as sent, "" for none
Described: TypeAlias = Callable[[str, int, str], DatastreamSpec]  # feed, thing, raw name
Known: TypeAlias = Mapping[tuple[str, str], int]  # (feed, device's own id) -> thing


class Sorted(NamedTuple):
    """Keys that are not known yet: to be created, going on, of things that have no room."""

    fresh: list[Key]
    continued: dict[Key, Ref]
    crowded: set[tuple[str, str]]


class Channels:
    """Every datastream, by thing and raw name."""

    def __init__(self) -> None:
        self._channels: dict[tuple[int, str], dict[str, Told]] = {}
        self._streams: Counter[int] = Counter()  # of each thing

    def put(self, thing: int, name: str, sent: str, told: Told) -> None:
        """Note a datastream."""
        self._channels.setdefault((thing, name), {})[sent] = told
        self._streams[thing] += 1

    def sort(self, keys: Iterable[Key], known: Known, described: Described) -> Sorted:
        """Say what is to become of keys whose things are known."""
        found, new = Sorted([], {}, set()), Counter[int]()
        for key in keys:
            thing = known[key[:2]]
            channel = self._channels.get((thing, key[2]))
            unit = None if channel is None else described(key[0], thing, key[2]).unit
            ref = None if channel is None else continued(channel, key[3], unit)
            if ref is not None:
                found.continued[key] = ref
                continue
            new[thing] += 1
            if self._streams[thing] + new[thing] > STREAMS_PER_THING:
                found.crowded.add(key[:2])
            else:
                found.fresh.append(key)
        return found


def continued(channel: Channel, sent: str, described: str | None) -> Ref | None:
    """Return the datastream that goes on when a unit comes that is not of the channel.

    `described`: the unit of values without one, as a person said it.
    """
    if sent:
        told = channel.get("")
    else:
        told = min(channel.values(), default=None)  # the one that was told first
        if not described:
            return None if told is None else told.ref
    if told is None or not told.unit or told.ref.odd_unit:
        return None
    way = units.way(sent or described or "", told.unit)
    return told.ref if way == told.ref[1:] else None
