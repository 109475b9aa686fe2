"""The reader's side of the stream: batches as ingest announced them, and notices.

Every function may raise redis.RedisError; the caller treats that as silence and reads history.
"""

from __future__ import annotations

from math import nan
from typing import Any, Final, cast

import orjson
import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from ioc.domain.alert import Sample
from ioc.domain.evaluation import Batch, Row
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId, Flag, Quality

TIMEOUT_S: Final = 5.0  # longer than the longest block, shorter than anybody waits
_COUNT: Final = 100  # batches of one answer: 2 MB at 1,000 rows each
_RECORDED_ONLY: Final = int(Flag.HISTORICAL | Flag.RETAINED)

Position = bytes  # id of the last entry read


def connect(url: str) -> redis.Redis:
    """Return a client that fails at once; nothing is connected yet."""
    client: redis.Redis = redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return client


def tail(client: redis.Redis, prefix: str) -> Position:
    """Return the id of the newest entry; reading begins after it."""
    newest = cast("list[tuple[bytes, Any]]", client.xrevrange(f"{prefix}stream", count=1))
    return newest[0][0] if newest else b"0-0"


def read(
    client: redis.Redis, prefix: str, after: Position, timeout_s: float
) -> tuple[list[Batch], Position]:
    """Return up to 100 batches after a position, waiting for the first, and the new position."""
    answer = cast(
        "Any",
        client.xread({f"{prefix}stream": after}, count=_COUNT, block=max(1, int(timeout_s * 1000))),
    )
    if not answer:
        return [], after
    # RESP2 answers with pairs, RESP3 with a mapping that holds a list of lists.
    entries = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return [_batch(fields) for _, fields in entries], entries[-1][0]


def _batch(fields: dict[bytes, bytes]) -> Batch:
    columns = orjson.loads(fields[b"d"])
    kept = [
        Row(DatastreamId(d), Sample(Micros(t), nan if r is None else r, q == Quality.GOOD))
        for d, t, r, q, f in zip(*(columns[name] for name in "dtrqf"), strict=True)
        if not f & _RECORDED_ONLY
    ]
    kept.sort()  # in the order in which history would give them
    return Batch(writer=int(fields[b"w"]), number=int(fields[b"n"]), rows=tuple(kept))


def notices(client: redis.Redis, prefix: str) -> PubSub:
    """Return a subscription to notices."""
    subscription: PubSub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    subscription.subscribe(f"{prefix}notice")
    return subscription


def kinds(subscription: PubSub) -> set[str]:
    """Return the kinds of all notices that wait, without waiting for one."""
    found: set[str] = set()
    while (message := subscription.get_message(timeout=0.0)) is not None:
        if message["type"] == "message":
            found.add(str(orjson.loads(message["data"]).get("kind", "")))
    return found


def tell(
    client: redis.Redis,
    prefix: str,
    *,
    now: Micros,
    alerts_changed: bool,
    process: str = "evaluator",
) -> None:
    """Write a process' sign of life; say that alerts must be read again when they must."""
    client.hset(f"{prefix}heartbeat", process, str(now))
    if alerts_changed:
        client.publish(f"{prefix}notice", orjson.dumps({"kind": "alert"}))
