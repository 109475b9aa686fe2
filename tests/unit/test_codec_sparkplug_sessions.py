"""Whatever befalls the line between a gateway and us, we end with the gateway's own values."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.codec import Codec, Command, Message, Status
from ingest.codecs import sparkplug
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, DeviceState
from tests.unit.sparkplug_edge import EdgeNode, Sent
from tests.unit.sparkplug_host import View

START: Final = 1_795_311_000_000  # ms
WINDOW: Final = 40  # messages that a broker may deliver again
DEVICES: Final = ("A", "B")
NODE: Final = "T/G"
ENDURED: Final = {"before_birth", "unknown_alias", "stale_death"}


def gateway() -> EdgeNode:
    """Return a node whose metrics would hide a swapped alias if their values were alike."""
    names = {"": ("cpu", "ram"), "A": ("pm25", "no2"), "B": ("ph", "tss", "cod")}
    values = {
        device: {metric: 100.0 * d + m for m, metric in enumerate(metrics)}
        for d, (device, metrics) in enumerate(names.items())
    }
    return EdgeNode("T", "G", values)


@dataclass
class Line:
    """A gateway, the line, and us: what was lost is what the host must find out by itself."""

    node: EdgeNode = field(default_factory=gateway)
    codec: Codec = field(default_factory=lambda: sparkplug.build({}, View()))
    now: int = START
    window: list[Sent] = field(default_factory=list)
    latest: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    states: dict[str, DeviceState] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    published: set[tuple[str, str, int, float]] = field(default_factory=set)

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds

    def send(self, sent: Sent, *, lost: bool = False) -> None:
        """Publish one message at QoS 0: it comes once or never."""
        self.now += 1
        if lost:
            return
        self.window = [*self.window, sent][-WINDOW:]
        self._hear(sent, dup=False)

    def repeat(self, count: int, *, dup: bool) -> None:
        """Deliver the last messages again, in their order; without the flag only the very last."""
        for sent in self.window[-(count if dup else 1) :]:
            self._hear(sent, dup=dup)

    def restart(self) -> None:
        """Begin as a new process of ours does: nothing is remembered."""
        self.codec = sparkplug.build({}, View())

    def change(self, device: str, name: str, value: float, *, lost: bool = False) -> None:
        sent = self.node.data(device, name, value, self.now)
        self._publish(device, name, value)
        self.send(sent, lost=lost)

    def turn(self, device: str, *, lost: bool) -> None:
        """Switch a device off, or on again."""
        if device in self.node.dead:
            self.births([self.node.find(device, self.now)], [lost])
        else:
            self.send(self.node.lose(device, self.now), lost=lost)

    def births(self, sent: list[Sent], lost: list[bool]) -> None:
        for device, metrics in self.node.values.items():
            for name, value in metrics.items():
                self._publish(device, name, value)
        for one, gone in zip(sent, lost, strict=False):
            self.send(one, lost=gone)

    def _publish(self, device: str, name: str, value: float) -> None:
        thing = f"{NODE}/{device}" if device else NODE
        self.published.add((thing, name, self.now * 1000, value))

    def _hear(self, sent: Sent, *, dup: bool) -> None:
        received = Micros(self.now * 1000)
        message = Message(sent.topic, {}, sent.payload, received, dup=dup)
        for outcome in self.codec.decode(message).outcomes:
            match outcome:
                case Decoded(thing, name, int(time), result):
                    assert (thing, name, time, result) in self.published
                    if time >= self.latest.get((thing, name), (0, 0.0))[0]:
                        self.latest[thing, name] = (time, result)
                case Status(thing, state):
                    self.states[thing] = state
                case Command(topic):
                    assert topic == "spBv1.0/T/NCMD/G"
                    self.asked.append(self.now)
                case PayloadError(reason=reason):
                    self.refused.append(reason)

    def truth(self) -> dict[tuple[str, str], float]:
        return {
            (f"{NODE}/{device}" if device else NODE, name): value
            for device, metrics in self.node.values.items()
            if device not in self.node.dead
            for name, value in metrics.items()
        }

    def known(self) -> dict[tuple[str, str], float]:
        held = {key: value for key, (_, value) in self.latest.items()}
        return {key: held[key] for key in self.truth() if key in held}


lost = st.booleans()
changes = st.tuples(
    st.just("data"),
    st.sampled_from([(d, m) for d, metrics in gateway().values.items() for m in metrics]),
    st.integers(-1000, 1000),
    st.sampled_from([False, False, False, True]),
)
events = st.one_of(
    changes,
    changes,
    changes,
    st.tuples(st.just("time"), st.integers(1, 40_000)),
    st.tuples(st.just("repeat"), st.integers(1, WINDOW), st.booleans()),
    st.tuples(st.just("restart")),
    st.tuples(st.just("reconnect"), st.booleans(), st.lists(lost, min_size=3, max_size=3)),
    st.tuples(st.just("rebirth"), st.lists(lost, min_size=3, max_size=3)),
    st.tuples(st.just("device"), st.sampled_from(DEVICES), lost),
)


def befall(line: Line, event: tuple[object, ...]) -> None:
    """Let one event happen."""
    node = line.node
    match event:
        case ("data", (str(device), str(name)), int(value), bool(gone)) if device not in node.dead:
            line.change(device, name, float(value), lost=gone)
        case ("time", int(milliseconds)):
            line.pass_time(milliseconds)
        case ("repeat", int(count), bool(dup)):
            line.repeat(count, dup=dup)
        case ("restart",):
            line.restart()
        case ("reconnect", bool(late), [*gone]):
            # The will is QoS 1: it comes, before the births or after them. Only where it comes
            # first can births be lost without an alias being mistaken for an old one.
            will = node.will(line.now)
            if not late:
                line.send(will)
            line.births(node.connect(line.now), [bool(g) and not late for g in gone])
            if late:
                line.send(will)
        case ("rebirth", [*gone]):
            line.births(node.births(line.now), [bool(g) for g in gone])
        case ("device", str(device), bool(gone)):
            line.turn(device, lost=gone)


def settle(line: Line) -> None:
    """Let the gateway go on in peace: it answers whatever we ask, and nothing more is lost."""
    for turn in range(4):
        line.pass_time(31_000)
        before = len(line.asked)
        for device in ["", *(d for d in DEVICES if d not in line.node.dead)]:
            name = next(iter(line.node.values[device]))
            line.change(device, name, float(turn))
        if len(line.asked) > before:
            line.births(line.node.births(line.now), [False] * 3)


def check(story: list[tuple[object, ...]]) -> None:
    """Live through a story; the host then knows what the gateway knows."""
    line = Line()
    line.births(line.node.connect(line.now), [False] * 3)
    for event in story:
        line.now += 1
        befall(line, event)
    settle(line)
    assert line.known() == line.truth()
    assert line.states[NODE] is DeviceState.ONLINE
    for device in DEVICES:
        if device not in line.node.dead:
            assert line.states[f"{NODE}/{device}"] is DeviceState.ONLINE
    spans = [c - a for a, c in zip(line.asked, line.asked[2:], strict=False)]
    if ("restart",) not in story:
        assert all(span >= 30_000 for span in spans)  # at once again only after a birth that came
    assert set(line.refused) <= ENDURED
    asked = len(line.asked)
    line.pass_time(31_000)
    line.change("", "cpu", 5.0)
    assert len(line.asked) == asked  # nothing is owed any more


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=40))
def test_a_session_ends_with_the_values_that_were_published(
    story: list[tuple[object, ...]],
) -> None:
    """Births, data, losses, copies and restarts of ours: at peace all values are the gateway's."""
    check(story)


@pytest.mark.rig
@pytest.mark.skipif(not os.getenv("IOC_RIG"), reason="full counts: make rig")
@settings(max_examples=5000, deadline=None)
@given(st.lists(events, max_size=120))
def test_a_session_ends_with_the_values_that_were_published_full(
    story: list[tuple[object, ...]],
) -> None:
    """The same for 5,000 longer stories."""
    check(story)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 200)), min_size=1, max_size=6))
def test_whatever_is_missed_is_asked_for(losses: list[tuple[int, int]]) -> None:
    """After each run of fewer than 256 lost messages a birth is asked for, once 30 s allow it."""
    line = Line()
    line.births(line.node.connect(line.now), [False] * 3)
    for good, bad in losses:
        for _ in range(good):
            line.change("A", "pm25", 1.0)
        before = len(line.asked)
        line.pass_time(31_000)
        for _ in range(bad):
            line.change("A", "pm25", 2.0, lost=True)
        line.change("A", "no2", 3.0)
        assert len(line.asked) == before + 1
        line.births(line.node.births(line.now), [False] * 3)
    assert line.known() == line.truth()
