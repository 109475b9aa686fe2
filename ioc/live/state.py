"""The writer's side of Redis: one script a batch moves state, delta, stream and heartbeat.

The newest phenomenon time wins, also against another writer and against ourselves after a
restart; a correction of the newest value has the same time and replaces it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ioc.domain.instant import Micros
from ioc.domain.observation import Flag
from ioc.rows import Rows

STREAM_BATCHES: Final = 2000
TIMEOUT_S: Final = 0.5  # a dead Redis must not hold the live path longer than a glance

# ARGV: t, writer, batch_no, stream entry ("" for none), delta channel, sign of life, and the rows:
# one line each, "[datastream,time,…]", which is both the state and the row of the delta.
_SCRIPT: Final = """
local won = {}
for row in string.gmatch(ARGV[7], '[^\\n]+') do
  local stream, time = string.match(row, '^%[(%d+),(-?%d+)')
  local have = redis.call('HGET', KEYS[1], stream)
  local old = have and tonumber(string.match(have, '^%[%d+,(-?%d+)'))
  if not old or tonumber(time) >= old then
    redis.call('HSET', KEYS[1], stream, row)
    won[#won + 1] = row
  end
end
if #won > 0 then
  local seq = redis.call('INCR', KEYS[2])
  redis.call('PUBLISH', ARGV[5], '{"seq":' .. seq .. ',"t":' .. ARGV[1] .. ',"obs":['
    .. table.concat(won, ',') .. ']}')
end
if ARGV[4] ~= '' then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', STREAM_BATCHES, '*',
    'w', ARGV[2], 'n', ARGV[3], 'd', ARGV[4])
end
redis.call('HSET', KEYS[4], 'ingest', ARGV[6])
return #won
""".replace("STREAM_BATCHES", str(STREAM_BATCHES))

_NOT_ALIVE: Final = Flag.RETAINED | Flag.TIME_RECEIVED


def connect(url: str) -> redis.Redis:
    """Return a client that fails fast instead of trying again; nothing is connected yet."""
    client: redis.Redis = redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return client


def newest(rows: Rows) -> Rows:
    """Return the newest row of each datastream, of equal times the later one.

    A retained copy without a time of its own proves nothing about now and is left out.
    """
    return rows.newest(but=int(_NOT_ALIVE))


def entry(rows: Rows) -> bytes:
    """Encode the rows of one batch for the stream, a column each; NaN becomes null."""
    columns = {
        "d": rows.datastreams,
        "t": rows.times,
        "r": rows.results,
        "q": rows.qualities,
        "f": rows.flags,
    }
    return orjson.dumps(columns, option=orjson.OPT_SERIALIZE_NUMPY)


class Live:
    """Publishes batches. Raises redis.RedisError; who calls goes on without."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._script: Any = client.register_script(_SCRIPT)
        self._whole = prefix + "whole"
        self._keys = [prefix + key for key in ("state", "seq", "stream", "heartbeat")]

    def publish(
        self,
        writer: int,
        number: int,
        rows: Rows | None,
        state: Rows,
        now: Micros,
    ) -> int:
        """Publish one batch: `rows` for the stream (None: no entry), `state` for the screens.

        Returns how many datastreams became newer.
        """
        stream = b"" if rows is None else entry(rows)
        args = [now, writer, number, stream, self._prefix + "delta", now, _lines(state)]
        return int(self._script(keys=self._keys, args=args))

    def is_whole(self) -> bool:
        """Say whether history was published since this server started; `made_whole` notes it.

        A server that was restarted may have lost its last second or everything, and the batches
        that came since hide it: only some of the state is there.
        """
        return bool(self._redis.get(self._whole) == self._run())

    def made_whole(self) -> None:
        """Note that the newest value of every datastream was published."""
        self._redis.set(self._whole, self._run())

    def _run(self) -> bytes:
        info: Any = self._redis.info("server")
        return str(info["run_id"]).encode()

    def beat(self, now: Micros) -> None:
        """Leave a sign of life."""
        self._redis.hset(self._keys[3], "ingest", str(now))

    def report(self, name: str, packed: bytes) -> None:
        """Leave the numbers of a process, an `ioc.exposition.Report`."""
        self._redis.hset(self._prefix + "metrics", name, packed)

    def registry_changed(self) -> None:
        """Tell everybody to read the registry again."""
        self._redis.publish(self._prefix + "notice", orjson.dumps({"kind": "registry"}))


def _lines(state: Rows) -> bytes:
    """Encode one row a line; no row holds a text, so brackets stand at its ends alone."""
    return orjson.dumps(list(state))[1:-1].replace(b"],[", b"]\n[")
