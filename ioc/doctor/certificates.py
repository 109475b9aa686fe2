"""Certificates as a browser or a device meets them: valid here and now, and for how long."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from ioc.clock import Clock
from ioc.doctor.finding import Finding, ok, warning, wrong
from ioc.domain.instant import SECOND
from ioc.settings import Settings
from ioc.text import say

TIMEOUT_S: Final = 5
EARLY_DAYS: Final = 21  # a department needs weeks to get a new one
_PORTS: Final = {"https": 443, "mqtts": 8883, "wss": 443}
_DAY_S: Final = 86_400


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the certificate of every address of ours that has one."""
    for url in (settings.web.public_url, settings.mqtt_url):
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname:
            yield _look(parts.hostname, parts.port or _PORTS[parts.scheme], clock)


def _look(host: str, port: int, clock: Clock) -> Finding:
    try:
        with (
            socket.create_connection((host, port), TIMEOUT_S) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as secure,
        ):
            found = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        detail = f"{host}:{port}: {error.verify_message}"
        return wrong("certificate", detail, "certificate_remedy")
    except OSError as error:  # the door itself is looked at elsewhere
        return warning("certificate", f"{host}:{port}: {error}", "certificate_away_remedy")
    ends = ssl.cert_time_to_seconds(str(found.get("notAfter", "")))
    return judge(f"{host}:{port}", (ends - clock.now() / SECOND) / _DAY_S)


def judge(where: str, days: float) -> Finding:
    """Judge how long a valid certificate still lasts."""
    detail = say("check.certificate_detail", where=where, days=int(days))
    if days < EARLY_DAYS:
        return warning("certificate", detail, "certificate_early_remedy")
    return ok("certificate", detail)
