"""What the broker itself can relay: a subscriber that does nothing but acknowledge.

A process of its own: `python -m bench.relay --url … --filter bench/# --count N` prints "ready" when
it is subscribed, then one JSON object. It ends at the count, or after 3 s without a message.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from typing import Final

from bench import mqtt5
from bench.line import Line, LineError

QUIET_S: Final = 3.0  # nothing more comes
PATIENCE_S: Final = 60.0  # for the first message


@dataclass(slots=True)
class Received:
    """What came. Wall clock in µs; `cpu_s` is this process's."""

    count: int = 0
    first: int = 0
    last: int = 0
    cpu_s: float = 0.0


def receive(line: Line, count: int) -> Received:
    """Take and acknowledge messages, all of one read at once."""
    found = Received(count=len(line.early))
    if line.early:
        found.first = found.last = time.time_ns() // 1000
        line.socket.sendall(mqtt5.acknowledgement(line.early))
    line.socket.settimeout(PATIENCE_S)
    begun = time.process_time()
    while found.count < count:
        try:
            data = line.read()
        except LineError:
            break
        ids, _ = line.scanner.feed(data)
        if not ids:
            continue
        line.socket.sendall(mqtt5.acknowledgement(ids))
        found.last = time.time_ns() // 1000
        if not found.first:
            found.first = found.last
            line.socket.settimeout(QUIET_S)
        found.count += len(ids)
    found.cpu_s = time.process_time() - begun
    return found


def main() -> int:
    """Subscribe (or take up the session of `--session`), receive, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--url", required=True)
    words.add_argument("--filter", default="bench/#")
    words.add_argument("--count", type=int, required=True)
    words.add_argument("--session", default="", help="take up this session, which is subscribed")
    given = words.parse_args()
    expiry = 3600 if given.session else 0
    with Line(given.url, given.session, expiry_s=expiry) as line:
        if not given.session:
            line.subscribe(given.filter)
        print("ready", flush=True)
        found = receive(line, given.count)
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
