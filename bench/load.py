"""An independent load generator: MQTT 5, QoS 1, packets encoded before the first is sent.

A process of its own. `python -m bench.load --url mqtt://… --count 100000` prints one JSON object.
Saturated, it keeps `window` messages unacknowledged; with `--rate` it publishes at an even rate
and each payload carries the wall clock of its sending, in µs, as the device's time.
"""

from __future__ import annotations

import argparse
import base64
import json
import select
import time
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bench import freshen, mqtt5
from bench.line import Line, LineError

CHUNK: Final = 200  # messages of one send: 45 kB, a fraction of a socket's buffer
TICK_S: Final = 0.001  # messages of one tick share a stamp, so a latency is right to 1 ms
_STAMP_DIGITS: Final = 16  # µs until the year 2286
_WOBBLE: Final = 100  # values differ between rounds: a line that stays flat is a fault

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish; bounded in count and in time."""

    url: str
    count: int
    seconds: float = 30.0
    rate: float = 0.0  # messages a second; 0: as many as the broker takes
    window: int = 2000
    topics: int = 2000
    values: int = 1
    size: int = 200  # bytes of a payload
    prefix: str = "bench"
    messages: str = ""  # a JSON-lines file of topic and payload_b64 instead of made ones

    def arguments(self) -> list[str]:
        """Return the plan as words of the command line."""
        return [f"--{name}={value}" for name, value in asdict(self).items()]


@dataclass(slots=True)
class Result:
    """What became of it. Wall clock in µs."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    started: int = 0
    ended: int = 0
    cpu_s: float = 0.0
    behind_ms: float = 0.0  # the latest that a message of a given rate was sent

    @property
    def rate(self) -> float:
        return self.acknowledged * 1e6 / max(1, self.ended - self.started)


class Source(Protocol):
    """Where packets come from."""

    def block(self, number: int, most: int, stamp: int) -> tuple[int, memoryview]:
        """Return up to `most` packets from message `number` on, and how many they are."""
        ...


def payload(index: int, values: int, size: int, stamp: int = 0) -> bytes:
    """Return the JSON of one device, padded to `size` bytes."""
    base = 2000 + index % 900
    fields = ",".join(f'"v{n}":{base / 100:05.2f}' for n in range(values))
    start = f'{{"t":{stamp:0{_STAMP_DIGITS}d},{fields},"pad":"'
    room = size - len(start) - 2
    if room < 0:
        raise ValueError(f"{values} values do not fit into {size} bytes")
    return f'{start}{"x" * room}"}}'.encode()


def topic(prefix: str, index: int) -> str:
    """Return a device's topic; all are of one length."""
    return f"{prefix}/d{index:06d}/data"


class Grid:
    """Devices in turn, as one matrix of bytes in which ids, stamps and values are patched."""

    def __init__(self, plan: Plan) -> None:
        packets = [
            mqtt5.publish(topic(plan.prefix, n), payload(n, plan.values, plan.size), 0)
            for n in range(plan.topics)
        ]
        flat = np.frombuffer(b"".join(packets), np.uint8)
        self._rows: Bytes = flat.reshape(plan.topics, -1).copy()
        head, _ = mqtt5.publish_parts(topic(plan.prefix, 0), payload(0, plan.values, plan.size))
        self._id = len(head)
        body = packets[0]
        self._stamp = body.index(b'"t":') + 4
        # The two decimals of each value.
        self._decimals = [body.index(f'"v{n}":'.encode()) + 8 for n in range(plan.values)]

    def block(self, number: int, most: int, stamp: int) -> tuple[int, memoryview]:
        """Return packets of the current round; the matrix is theirs until the next call."""
        turn, first = divmod(number, len(self._rows))
        rows = self._rows[first : first + most]
        ids = np.arange(number, number + len(rows)) % mqtt5.LAST_ID + 1
        rows[:, self._id : self._id + 2] = ids.astype(">u2").view(np.uint8).reshape(-1, 2)
        rows[:, self._stamp : self._stamp + _STAMP_DIGITS] = _digits(stamp, _STAMP_DIGITS)
        for at in self._decimals:
            rows[:, at : at + 2] = _digits(turn * 37 % _WOBBLE, 2)
        return len(rows), rows.data


class Listed:
    """Messages of a file, repeated, their times moved so that each repetition is new."""

    def __init__(self, messages: list[tuple[str, bytes]], count: int, now: float) -> None:
        rounds = -(-count // len(messages))
        self._packets = [
            mqtt5.publish_parts(name, freshen.moved(body, now - rounds + turn))
            for turn in range(rounds)
            for name, body in messages
        ]

    def block(self, number: int, most: int, stamp: int) -> tuple[int, memoryview]:
        """Return packets; `stamp` is not used, times are in the messages."""
        del stamp
        parts = self._packets[number : number + most]
        ids = range(number, number + len(parts))
        joined = b"".join(
            head + (n % mqtt5.LAST_ID + 1).to_bytes(2, "big") + tail
            for n, (head, tail) in zip(ids, parts, strict=True)
        )
        return len(parts), memoryview(joined)


def _digits(number: int, width: int) -> Bytes:
    return np.frombuffer(b"%0*d" % (width, number), np.uint8)


def read_messages(path: Path) -> list[tuple[str, bytes]]:
    """Return (topic, payload) of each line of a file."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [(line["topic"], base64.b64decode(line["payload_b64"])) for line in lines]


class Acknowledgements:
    """Counts PUBACKs and checks their order, which every broker keeps; bytes in, counts out."""

    def __init__(self) -> None:
        self._rest = b""
        self._scanner = mqtt5.Scanner()
        self.count = 0
        self.refused = 0

    def feed(self, data: bytes) -> None:
        """Take bytes in. Raises LineError for an acknowledgement that is not the next one."""
        data = self._rest + data
        self._rest = b""
        whole = len(data) // 4 * 4
        plain = np.frombuffer(data, np.uint8, whole).reshape(-1, 4)
        # Nearly always four bytes each; a reason code makes some of them longer.
        if self._scanner.empty and bool(np.all(plain[:, :2] == (mqtt5.PUBACK, 2))):
            self._rest = data[whole:]
            self._take(plain[:, 2].astype(np.int64) * 256 + plain[:, 3])
            return
        bodies = [p.body for p in self._scanner.feed(data)[1] if p.kind == mqtt5.PUBACK]
        self.refused += sum(len(body) > 2 and body[2] >= mqtt5.FAILURE for body in bodies)
        self._take(np.array([int.from_bytes(body[:2], "big") for body in bodies], np.int64))

    def _take(self, ids: NDArray[np.int64]) -> None:
        wanted = np.arange(self.count, self.count + len(ids)) % mqtt5.LAST_ID + 1
        if not np.array_equal(ids, wanted):
            raise LineError("acknowledgements out of order")
        self.count += len(ids)


class Sender:
    """One run over one line."""

    def __init__(self, line: Line, source: Source, plan: Plan) -> None:
        self._line = line
        self._source = source
        self._plan = plan
        # At a given rate the window is no brake: a slow broker must show as a late message, not
        # as fewer of them.
        self._limit = line.receive_maximum if plan.rate else min(plan.window, line.receive_maximum)
        self._heard = Acknowledgements()
        self.result = Result()

    def run(self) -> Result:
        """Publish, and wait for the last acknowledgement."""
        result = self.result
        begun = time.process_time()
        result.started = time.time_ns() // 1000
        if self._plan.rate:
            self._evenly()
        else:
            self._saturated()
        while self._heard.count < result.sent:
            self._heard.feed(self._line.read())
        result.ended = time.time_ns() // 1000
        result.acknowledged = self._heard.count - self._heard.refused
        result.refused = self._heard.refused
        result.cpu_s = time.process_time() - begun
        return result

    def _saturated(self) -> None:
        until = time.monotonic() + self._plan.seconds
        while (left := self._plan.count - self.result.sent) > 0 and time.monotonic() < until:
            self._send(left)

    def _evenly(self) -> None:
        """Send what is due, tick by tick."""
        plan, result = self._plan, self.result
        begun = time.monotonic()
        count = min(plan.count, int(plan.seconds * plan.rate))
        while result.sent < count:
            passed = time.monotonic() - begun
            due = min(int(passed * plan.rate), count) - result.sent
            if due > 0:
                late = passed - result.sent / plan.rate
                result.behind_ms = max(result.behind_ms, late * 1000)
            while due > 0:
                due -= self._send(due)
            if select.select([self._line.socket], [], [], TICK_S)[0]:
                self._heard.feed(self._line.read())

    def _send(self, most: int) -> int:
        """Send up to `most` messages when there is room for them; return how many."""
        most = min(most, CHUNK, self._limit)
        while self.result.sent - self._heard.count + most > self._limit:
            self._heard.feed(self._line.read())
        stamp = time.time_ns() // 1000
        number, packets = self._source.block(self.result.sent, most, stamp)
        self._line.socket.sendall(packets)
        self.result.sent += number
        return number


def run(plan: Plan) -> Result:
    """Carry a plan out in this process."""
    source: Source
    if plan.messages:
        source = Listed(read_messages(Path(plan.messages)), plan.count, time.time())
    else:
        source = Grid(plan)
    with Line(plan.url) as line:
        return Sender(line, source, plan).run()


def main() -> int:
    """Read the plan from the command line, print the result."""
    words = argparse.ArgumentParser(description=__doc__)
    kinds = {"int": int, "float": float, "str": str}
    for option in fields(Plan):
        default = None if option.default is MISSING else option.default
        kind = kinds[str(option.type)]
        words.add_argument(f"--{option.name}", type=kind, default=default, required=default is None)
    plan = Plan(**vars(words.parse_args()))
    print(json.dumps(asdict(run(plan))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
