"""Redeliveries of messages that carry nothing to tell them from new ones.

A message with its own time is absorbed by its key. One without is stored under the moment of its
arrival, and one that was refused becomes a dead letter: delivered again, both would count twice.
So their packet id and digest are kept in the transaction that takes them in
(`ingest_unacknowledged`), and a message is absorbed when all of these hold:

* it is the first with its packet id since we connected (a broker redelivers before it uses a
  packet id again, and uses one again only after our acknowledgement);
* it carries DUP = 1, which a broker sets on what it had sent before;
* the digest of topic and payload is the remembered one.

A message that comes with DUP = 0 proves that the former one of that packet id is acknowledged.
When the broker has lost our session, packet ids start over and everything is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from ioc.domain.intake import Arrival, Remembered, digest


class Window:
    """The unacknowledged messages that are known by digest; at most one for each packet id."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._seen: set[int | None] = set()

    def load(self, remembered: Iterable[Remembered]) -> None:
        """Replace what is known by what the database remembers."""
        self._known = dict(remembered)

    def reconnected(self) -> None:
        """Begin a session: each packet id may be a redelivery once more."""
        self._seen.clear()

    def remember(self, remembered: Iterable[Remembered]) -> None:
        """Note what a committed transaction remembers."""
        self._known.update(remembered)

    def fresh(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Return the messages that are not committed already, in their order."""
        known, seen = self._known, self._seen
        if known:
            arrivals = [a for a in arrivals if a.packet_id not in known or not self._absorbs(a)]
        seen.update([a.packet_id for a in arrivals])
        return arrivals

    def _absorbs(self, arrival: Arrival) -> bool:
        packet_id = arrival.packet_id
        assert packet_id is not None  # nothing else is known by it
        first = packet_id not in self._seen
        self._seen.add(packet_id)
        if first and arrival.dup and self._known[packet_id] == digest(arrival):
            return True
        if not arrival.dup:
            del self._known[packet_id]
        return False
