"""Redis as `ioc check` sees it: does it answer, keep what it holds, throw nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ioc.doctor.finding import Finding, ok, unset, warning, wrong
from ioc.settings import Settings

TIMEOUT_S: Final = 5


def check(settings: Settings) -> Iterator[Finding]:
    """Examine Redis. Nothing in it is the only copy, so persistence is a warning."""
    if not settings.redis_url:
        yield unset("redis", "IOC_REDIS_URL")
        return
    client = redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        info: dict[str, Any] = client.info()
        yield judge(info, _snapshots(client))
    except (redis.RedisError, OSError) as error:
        yield wrong("redis", str(error), "redis_remedy")
    finally:
        client.close()


def _snapshots(client: redis.Redis) -> str | None:
    """Return the `save` setting ("" is none), None where it must not be asked for."""
    try:
        found = client.config_get("save")
    except redis.ResponseError:  # CONFIG is renamed or forbidden on hosted servers
        return None
    return found.get("save") or ""


def judge(info: dict[str, Any], snapshots: str | None) -> Finding:
    """Judge INFO and `save`: writes that fail, evictions, nothing kept over a restart."""
    appends = bool(info.get("aof_enabled"))
    words = {None: "?", "": "off"}.get(snapshots, snapshots)
    shown = f"{info.get('redis_version')}, AOF {'on' if appends else 'off'}, RDB {words}"
    failed = [
        key
        for key in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(key, "ok") != "ok"
    ]
    if failed:
        return wrong("redis", f"{shown}, {', '.join(failed)}", "redis_write_remedy")
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        return warning("redis", f"{shown}, {policy}", "redis_eviction_remedy")
    if not appends and not snapshots:
        return warning("redis", shown, "redis_persistence_remedy")
    return ok("redis", shown)
