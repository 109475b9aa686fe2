"""Webhooks, signed as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks).

`webhook-id` is the message's key: a receiver that has seen it drops the copy. The signature is
HMAC-SHA256 of `id.timestamp.body`; the secret is the base64 text after `whsec_`. The timestamp is
that of the attempt, so a receiver can refuse what is older than five minutes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from ioc.alerting.channels import Address, read_options
from ioc.alerting.channels.content import described, local
from ioc.alerting.channels.http import post
from ioc.clock import Clock, SystemClock
from ioc.domain.instant import SECOND
from ioc.domain.notification import Form, Message, Never, Receipt

_PREFIX: Final = "whsec_"


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Webhook:
    """Posts the whole message as JSON; without a secret it is not signed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def deliver(self, message: Message, to: Address) -> Receipt:
        now = self._clock.now()
        body = orjson.dumps(
            {
                "type": _type(message),
                "timestamp": local(message.made_at).isoformat(),
                "data": described(message),
            }
        )
        stamp = str(now // SECOND)
        headers = {"webhook-id": message.key, "webhook-timestamp": stamp}
        if to.secret:
            try:
                headers["webhook-signature"] = sign(to.secret, message.key, stamp, body)
            except binascii.Error:
                return Never("the secret is not base64 after whsec_")
        return post(to.address, body, headers, now)


def sign(secret: str, key: str, stamp: str, body: bytes) -> str:
    """Return the `webhook-signature` header; binascii.Error when the secret is none."""
    raw = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = hmac.new(raw, f"{key}.{stamp}.".encode() + body, sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def _type(message: Message) -> str:
    if message.form is Form.ALERT:
        return f"alert.{message.kind.lower()}"
    return f"alert.{message.form}"


def build(options: Mapping[str, Any], folder: Path) -> Webhook:
    """Return the channel."""
    del folder
    read_options("webhook", options, _Options)
    return Webhook(SystemClock())
