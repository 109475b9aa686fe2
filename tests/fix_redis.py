"""Redis, with a prefix of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import redis

from tests.fix_services import address, missing


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Return the URL of a Redis that answers."""
    url = address("redis")
    try:
        with redis.Redis.from_url(url, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        missing(f"Redis does not answer ({error}): make services")
    return url


@pytest.fixture
def redis_prefix(redis_url: str) -> Iterator[str]:
    """Return a random prefix; what a test leaves below it is removed."""
    prefix = f"t-{secrets.token_hex(6)}:"
    yield prefix
    with redis.Redis.from_url(redis_url) as client:
        left = list(client.scan_iter(f"{prefix}*", count=1000))
        if left:
            client.delete(*left)
