"""Web push (RFC 8030, 8291, 8292). A newer message replaces an unread one of its alert."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import orjson
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid, VapidException
from pywebpush import WebPushException, webpush

from ioc.alerting.channels import TIMEOUT_S, Address, read_options
from ioc.alerting.channels.http import refused
from ioc.clock import Clock, SystemClock
from ioc.domain.alert import Severity
from ioc.domain.errors import ConfigError
from ioc.domain.notification import Delivered, Form, Later, Message, Never, Receipt

GONE: Final = frozenset({404, 410})  # RFC 8030 §7.3: the subscription has ended
_TTL_S: Final = 86_400  # a phone that was off for a day learns it from the system
_MOST: Final = 1_000  # characters of text: a push service takes 4,096 bytes, UTF-8 up to 3 a letter


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The centre's own key pair (its private half) and whom a push service may write to."""

    private_key: str  # PEM, or the raw key in base64url
    contact: Annotated[str, msgspec.Meta(pattern="^(mailto:|https://)")]


class WebPush:
    """Sends one encrypted message to one browser."""

    def __init__(self, vapid: Vapid, contact: str, clock: Clock) -> None:
        self._vapid = vapid
        self._contact = contact
        self._clock = clock

    @property
    def public_key(self) -> str:
        """Return what a browser subscribes to: the key's uncompressed point in base64url."""
        point = self._vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return urlsafe_b64encode(point).rstrip(b"=").decode()

    def deliver(self, message: Message, to: Address) -> Receipt:
        if not to.keys:
            return Never("the browser has ended its subscription")
        try:
            answer = webpush(
                {"endpoint": to.address, "keys": dict(to.keys)},
                data=_data(message),
                vapid_private_key=self._vapid,
                vapid_claims={"sub": self._contact},
                headers=_headers(message),
                ttl=_TTL_S,
                timeout=TIMEOUT_S,
            )
        except WebPushException as error:
            return self._refused(error)
        except requests.RequestException as error:
            return Later(f"push service not reachable: {error}")
        except (ValueError, UnsupportedAlgorithm) as error:
            return Never(f"the browser's keys are broken: {error}")
        return Delivered(str(getattr(answer, "headers", {}).get("Location") or "HTTP 201"))

    def _refused(self, error: WebPushException) -> Receipt:
        status = error.status_code
        if status is None:
            return Never(error.message)
        if status in GONE:
            return Never(f"HTTP {status}: the browser has ended its subscription")
        return refused(status, error.retry_after, "", self._clock.now())


def _headers(message: Message) -> dict[str, str | int | float]:
    urgent = message.severity in {Severity.CRITICAL, Severity.HIGH}
    headers: dict[str, str | int | float] = {"Urgency": "high" if urgent else "normal"}
    if message.form is Form.ALERT:
        headers["Topic"] = UUID(message.facts[0].alert).hex  # 32 characters: the most allowed
    return headers


def _data(message: Message) -> str:
    body = {
        "key": message.key,
        "title": message.subject[:_MOST],
        "body": message.short[:_MOST],
        "url": message.url,
        "severity": int(message.severity),
    }
    return orjson.dumps(body).decode()


def build(options: Mapping[str, Any], folder: Path) -> WebPush:
    """Return the channel; ConfigError when the key is none."""
    del folder
    read = read_options("webpush", options, Options)
    try:
        pem = read.private_key.lstrip().startswith("-----BEGIN")
        key = read.private_key
        vapid = Vapid.from_pem(key.encode()) if pem else Vapid.from_string(private_key=key)
    except (ValueError, VapidException, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"config/notify.yaml: channels.webpush.private_key is no VAPID key: {error}"
        ) from error
    return WebPush(vapid, read.contact, SystemClock())
