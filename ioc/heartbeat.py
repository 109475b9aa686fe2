"""`python -m ioc.heartbeat NAME`: does a process of the centre live? For a container's healthcheck.

Each process writes its last sign of life, in µs, to the hash `heartbeat` in Redis (`ioc.live`).
"""

from __future__ import annotations

import sys
from typing import Final

import redis

from ioc import settings
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import Refusal
from ioc.domain.instant import SECOND

SILENT_S: Final = 30  # the slowest gives a sign every few seconds; a batch may take some


def age_s(redis_url: str, prefix: str, name: str, clock: Clock) -> float | None:
    """Return seconds since the last sign of life; None when there was none.

    Raises redis.RedisError when Redis does not answer.
    """
    with redis.Redis.from_url(redis_url, socket_timeout=3, socket_connect_timeout=3) as client:
        last = client.hget(f"{prefix}heartbeat", name)
    return None if last is None else (clock.now() - int(last)) / SECOND


def main(argv: list[str]) -> int:
    """Return 0 when the named process lives, else 1 with one line that says why not."""
    name = argv[0] if argv else ""
    try:
        given = settings.load()
        given.require("redis_url")
        age = age_s(given.redis_url, given.redis_prefix, name, SystemClock())
    except (Refusal, redis.RedisError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if age is None or age > SILENT_S:
        sys.stderr.write(f"{name}: no sign of life{'' if age is None else f' for {age:.0f} s'}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
