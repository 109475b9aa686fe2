"""What a Sparkplug host remembers of its edge nodes, within limits.

Nothing of it is stored: after a restart of ours each node is asked for its births (the next
message of a node that is not known asks), and a node that had to be forgotten likewise. What no
host can see is a loss of exactly 256 messages, or of a birth with which a node begins its count
anew at the very number that was due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ioc.domain.instant import SECOND, Micros

# All nodes together. An entry is a metric or a device, 300-500 bytes each: about 100 MB in the
# worst case. The province's own gateways hold some hundred metrics each.
MAX_ENTRIES: Final = 200_000
MAX_NODES: Final = 10_000  # those of which only the request is known count as well
# One node may not push out the others by inventing devices: two births of the largest size
# and as much again.
MAX_NODE_ENTRIES: Final = 30_000
# Births are the largest messages there are, and on a cellular link they take some ten seconds. A
# node that loses a message every second must not be made to send nothing else: while a birth is
# awaited it is asked for again after so long, and after one that came once more at once.
REBIRTH_EVERY: Final = 30 * SECOND
_CIRCLE: Final = 256  # seq counts 0..255 and begins again
_HALF: Final = _CIRCLE // 2


class Announced(NamedTuple):
    """What a birth says of a metric and later data leave out."""

    name: str
    datatype: int
    unit: str | None


class Session:
    """The metrics of one node or device, from its birth to its death."""

    __slots__ = ("aliases", "names")

    def __init__(self) -> None:
        self.names: dict[str, Announced] = {}
        self.aliases: dict[int, Announced] = {}


def _size(session: Session | None) -> int:
    """Return how many entries a device takes: itself and its metrics."""
    return 1 if session is None else 1 + max(len(session.names), len(session.aliases))


@dataclass(slots=True)
class Node:
    """An edge node. `sessions` is by device, "" the node itself; None: known, not born now."""

    sessions: dict[str, Session | None] = field(default_factory=dict)
    bdseq: int | None = None
    lost: bool = False  # something was missed since the last birth
    entries: int = 1
    _expected: int | None = None  # the next seq; None: any
    _began: int = 0  # ms, when the birth was published
    _newest: int = 0  # ms, when the newest payload was
    _missing: set[int] = field(default_factory=set)
    _gap: int = 0  # µs, since when something is missing
    _asked: Micros | None = None
    _asked_before: Micros | None = None
    _answered: bool = False  # a birth came since we asked

    @property
    def born(self) -> bool:
        return self.sessions.get("") is not None

    def begin(self, session: Session, bdseq: int | None, seq: int | None, sent: int) -> None:
        """Take a birth of the node: its devices are to be born again."""
        self._empty()
        self._answered = True
        self._hold("", session)
        self.bdseq = bdseq
        self._expected = None if seq is None else (seq + 1) % _CIRCLE
        self._newest = self._began = sent

    def bear(self, device: str, session: Session) -> None:
        """Take a birth of a device; the device heard of first goes where there are too many."""
        self._hold(device, session)
        while self.entries > MAX_NODE_ENTRIES:
            oldest = next(one for one in self.sessions if one)
            self.entries -= _size(self.sessions.pop(oldest))

    def bury(self, device: str) -> None:
        """Take the death of a device."""
        if device in self.sessions:
            self._hold(device, None)

    def end(self) -> list[str]:
        """Take the death of the node; return its devices, which died with it."""
        self._empty()
        return [device for device in self.sessions if device]

    def _empty(self) -> None:
        self.sessions = dict.fromkeys(self.sessions)
        self.entries = 1 + len(self.sessions)
        self.lost = False
        self._missing.clear()

    def _hold(self, device: str, session: Session | None) -> None:
        if device in self.sessions:
            self.entries -= _size(self.sessions.pop(device))
        self.sessions[device] = session
        self.entries += _size(session)

    def predates(self, sent: int) -> bool:
        """Say whether a payload was published (ms) before the session that we know began."""
        return self.born and 0 < sent < self._began

    def follow(self, seq: int | None, sent: int, received: Micros, *, again: bool) -> bool:
        """Compare a sequence number with the one that is due; what is missing is noted.

        Return False for a copy or a straggler, which tells of no loss. Two of three signs make
        one: its number is from behind, it was published (`sent`, ms) no later than one that we
        have, the broker delivers it `again`.
        """
        if seq is None or self._expected is None:
            self._expected = None if seq is None else (seq + 1) % _CIRCLE
            self._newest = max(self._newest, sent)
            return True
        ahead = (seq - self._expected) % _CIRCLE
        if ahead and (ahead >= _HALF) + (0 < sent <= self._newest) + again > 1:
            self._missing.discard(seq % _CIRCLE)
            return False
        if ahead and not self._missing:
            self._gap = received
        self._missing.update((self._expected + step) % _CIRCLE for step in range(ahead))
        self._missing.discard(seq % _CIRCLE)
        self._expected = (seq + 1) % _CIRCLE
        self._newest = max(self._newest, sent)
        return True

    def wait(self, received: Micros, patience: int) -> None:
        """Give up messages that are missing for longer than `patience` (µs)."""
        if self._missing and not 0 <= received - self._gap < patience:
            self._missing.clear()
            self.lost = True

    def asks(self, received: Micros) -> bool:
        """Say whether a birth has to be asked for now, and note that it is."""
        if not self.lost:
            return False
        due = self._asked_before if self._answered else self._asked
        if due is not None and 0 <= received - due < REBIRTH_EVERY:
            return False
        self._asked_before, self._asked, self._answered = self._asked, received, False
        return True


class Nodes:
    """All edge nodes of a feed; those heard of least recently are forgotten first."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._entries = 0

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def entries(self) -> int:
        return self._entries

    def take(self, name: str) -> Node:
        """Return a node, to be given back by `put`; a new one when it is not known."""
        node = self._nodes.pop(name, None)
        if node is None:
            return Node()
        self._entries -= node.entries
        return node

    def put(self, name: str, node: Node) -> None:
        """Remember a node as the one heard of last."""
        self._nodes[name] = node
        self._entries += node.entries
        while self._entries > MAX_ENTRIES or len(self._nodes) > MAX_NODES:
            oldest = next(iter(self._nodes))
            self._entries -= self._nodes.pop(oldest).entries
