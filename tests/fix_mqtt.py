"""The broker, with a topic prefix of its own for each test."""

from __future__ import annotations

import re
import secrets
import socket
from urllib.parse import urlsplit

import pytest

from tests.fix_services import address, missing


@pytest.fixture(scope="session")
def mqtt_url() -> str:
    """Return the URL of a broker that accepts connections (MQTT 5; mosquitto 3.1.1 too)."""
    url = address("mqtt")
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 1883), timeout=5).close()
    except OSError as error:
        missing(f"the broker does not answer ({error}): make services")
    return url


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """Return two topic levels nobody else uses, without a slash at the end."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    return f"t/{name}-{secrets.token_hex(4)}"
