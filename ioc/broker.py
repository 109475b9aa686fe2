"""How IOC_MQTT_URL becomes a paho client: transport, TLS, account, host and port."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt

PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}


def transport(url: str) -> Literal["tcp", "websockets"]:
    """Return what to give to `mqtt.Client(transport=…)`."""
    return "websockets" if urlsplit(url).scheme in ("ws", "wss") else "tcp"


def prepare(client: mqtt.Client, url: str) -> tuple[str, int]:
    """Set path, account and TLS of a client made with `transport`; return host and port.

    TLS trusts the system's authorities, or those in the file that SSL_CERT_FILE names.
    """
    parts = urlsplit(url)
    made: Any = client  # half of paho's functions have no types
    if parts.scheme in ("ws", "wss"):
        made.ws_set_options(path=parts.path or "/mqtt")
    if parts.username is not None:
        made.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme in ("mqtts", "wss"):
        made.tls_set()
    return parts.hostname or "127.0.0.1", parts.port or PORTS[parts.scheme]
