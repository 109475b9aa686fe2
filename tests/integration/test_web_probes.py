"""What a supervisor and Prometheus read: alive, ready, and numbers under lasting names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import redis

from ioc.clock import SystemClock
from ioc.domain.permission import Role
from ioc.settings import Settings
from tests.awaiting import wait_for
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import Client, Site, running

PROXIED: Final = {"X-Forwarded-For": "203.0.113.9"}
# https://prometheus.io/docs/practices/naming/#base-units
BASE_UNITS: Final = ("seconds", "bytes", "ratio", "celsius", "meters", "volts")
OTHER_UNITS: Final = re.compile(r"_(ms|us|milliseconds|minutes|hours|kb|mb|kilobytes|percent)(_|$)")
LINE: Final = re.compile(r"([a-z_][a-z0-9_]*)({[^}]*})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)")


def beat(url: str, prefix: str, *, ago_s: float = 0) -> None:
    """Leave the signs of life of ingest and evaluator."""
    at = str(int(SystemClock().now() - ago_s * 1_000_000))
    with redis.Redis.from_url(url) as client:
        client.hset(f"{prefix}heartbeat", mapping={"ingest": at, "evaluator": at, "dispatcher": at})


def states(client: Client) -> dict[str, bool]:
    return {name: part["ok"] for name, part in client.get("/readyz").json()["components"].items()}


def test_alive_says_nothing_more(web: Site) -> None:
    """Anybody may ask whether the process lives, and learns nothing else."""
    answer = web.client().get("/healthz", **PROXIED)
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_ready_when_every_part_is(web: Site, redis_url: str, redis_prefix: str) -> None:
    """200 only while database, Redis, ingest and evaluator answer; each says what is wrong."""
    client = web.client()
    wait_for(lambda: states(client)["database"] and states(client)["redis"])
    answer = client.get("/readyz")
    assert answer.status == 503
    body = answer.json()
    assert body["status"] == "degraded"
    assert body["components"]["ingest"] == {"ok": False, "detail": "no sign of life"}
    beat(redis_url, redis_prefix)
    wait_for(lambda: client.get("/readyz").status == 200)
    body = client.get("/readyz").json()
    assert body["status"] == "ok"
    assert set(body["components"]) == {"database", "redis", "ingest", "evaluator", "dispatcher"}
    assert all(part["ok"] and part["detail"] for part in body["components"].values())
    assert body["components"]["evaluator"]["detail"].endswith("partitions: unknown")
    beat(redis_url, redis_prefix, ago_s=60)
    wait_for(lambda: client.get("/readyz").status == 503)
    assert re.fullmatch(
        r"last sign of life 6\d\.\d s ago",
        client.get("/readyz").json()["components"]["ingest"]["detail"],
    )


def test_ready_says_which_server_is_away(
    database_url: str,
    redis_url: str,
    web_settings: Settings,
    proxy: Callable[[str], ProxiedUrl],
    lines: Callable[..., Settings],
) -> None:
    """A cut line to the database or to Redis is named within seconds, and its return too."""
    database, store = proxy(database_url), proxy(redis_url)
    with running(lines(web_settings, database_url=database.url, redis_url=store.url)) as site:
        client = site.client()
        for line, name in ((database, "database"), (store, "redis")):
            wait_for(lambda name=name: states(client)[name], 20)  # type: ignore[misc]
            line.cut()
            wait_for(lambda name=name: not states(client)[name], 20)  # type: ignore[misc]
            part = client.get("/readyz").json()["components"][name]
            assert part == {"ok": False, "detail": "away"}
            line.restore()
            wait_for(lambda name=name: states(client)[name], 20)  # type: ignore[misc]


def test_probes_are_for_this_machine_or_a_token(web: Site, role_tokens: dict[Role, str]) -> None:
    """What comes through a proxy needs a token that may see metrics."""
    for path in ("/readyz", "/metrics"):
        assert web.client().get(path).status in (200, 503)
        for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"):
            assert web.client().get(path, **{header: "203.0.113.9"}).status == 401, header
        assert web.client(role_tokens[Role.KIOSK]).get(path, **PROXIED).status == 403
        operator = web.client(role_tokens[Role.OPERATOR])
        assert operator.get(path, **PROXIED).status in (200, 503)


def families(text: str) -> dict[str, tuple[str, str, dict[str, float]]]:
    """Return kind, help and samples (by labels) of each family; the text holds nothing else."""
    found: dict[str, tuple[str, str, dict[str, float]]] = {}
    name, kind = "", ""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            name, _, words = line.removeprefix("# HELP ").partition(" ")
            kind = next(lines).removeprefix(f"# TYPE {name} ")
            assert name not in found
            found[name] = (kind, words, {})
            continue
        sample = LINE.fullmatch(line)
        assert sample is not None, line
        suffix = sample[1].removeprefix(name)
        assert suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",)), line
        labels = suffix + (sample[2] or "")
        assert labels not in found[name][2], line
        found[name][2][labels] = float(sample[3])
    return found


def test_every_number_has_a_name_a_kind_and_a_help(
    web: Site, redis_url: str, redis_prefix: str
) -> None:
    """One HELP, one TYPE, base units only; counters end in _total and nothing else does."""
    beat(redis_url, redis_prefix)
    client = web.client()
    wait_for(lambda: b"ioc_web_evaluator_silence_seconds" in client.get("/metrics").body)
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = families(answer.body.decode())
    assert set(found) == {
        "ioc_web_live_clients",
        "ioc_web_changes_total",
        "ioc_web_loop_errors_total",
        "ioc_web_database_failures_total",
        "ioc_web_pushes_total",
        "ioc_web_pushes_not_taken_total",
        "ioc_web_peak_memory_bytes",
        "ioc_web_database_up",
        "ioc_web_redis_up",
        "ioc_web_ingest_silence_seconds",
        "ioc_web_evaluator_silence_seconds",
        "ioc_web_dispatcher_silence_seconds",
        "ioc_open_alerts",
    }
    assert set(found["ioc_open_alerts"][2]) == {
        f'{{severity="{one}"}}' for one in ("critical", "high", "medium", "low")
    }
    for name, (kind, words, _) in found.items():
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind in ("counter", "gauge"), name
        assert len(words) > 10, name
        assert not OTHER_UNITS.search(name), name
    assert any(name.endswith(BASE_UNITS) for name in found)


def value(client: Client, name: str, labels: str = "") -> float:
    return families(client.get("/metrics").body.decode())[name][2][labels]


def test_numbers_follow_what_happens(web: Site, kiosk_token: str) -> None:
    """An open stream is counted, and no longer when it is gone."""
    client = web.client()
    with web.events(web.client(kiosk_token)) as events:
        events.next("snapshot")
        assert value(client, "ioc_web_live_clients") == 1
    wait_for(lambda: value(client, "ioc_web_live_clients") == 0)
    assert value(client, "ioc_web_peak_memory_bytes") > 10_000_000
    assert value(client, "ioc_web_loop_errors_total") == 0
    before = value(client, "ioc_web_changes_total")
    web.services.hub.seq += 12_345_678
    after: Any = value(client, "ioc_web_changes_total")
    assert after - before >= 12_345_678  # every digit: a rounded counter stands still
