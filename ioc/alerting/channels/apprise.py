"""Telegram, Zalo bots, SMS gateways and some 170 more, by one URL each (github.com/caronc/apprise).

One target a call: what succeeded is never sent again with what failed. Apprise carries no key, so
the receiver of a second copy sees the same text twice; that happens after a crash alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ioc.alerting.channels import Address, read_options
from ioc.domain.alert import Severity
from ioc.domain.notification import Delivered, Later, Message, Never, Receipt

_KINDS: Final = {Severity.CRITICAL: "failure", Severity.HIGH: "warning"}
# What fits a phone: beyond it the short line stands alone, and the system has the rest.
_SHORTEST: Final = 320


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Apprise:
    """Hands a message to the one service that a URL names."""

    def __init__(self) -> None:
        import apprise  # noqa: PLC0415  1 s and 170 modules, only where it is used

        self._apprise = apprise

    def deliver(self, message: Message, to: Address) -> Receipt:
        service = self._apprise.Apprise.instantiate(
            to.secret or to.address, suppress_exceptions=True
        )
        if service is None:
            return Never("apprise does not understand the URL")
        limit = int(service.body_maxlen or 0)
        body = message.short if 0 < limit <= _SHORTEST else message.text
        sent = service.notify(
            body=body,
            title=message.subject,
            notify_type=self._apprise.NotifyType(_KINDS.get(message.severity, "info")),
            body_format=self._apprise.NotifyFormat.TEXT,
        )
        name = str(service.service_name or "apprise")
        return Delivered(name) if sent else Later(f"{name} did not take it")


def build(options: Mapping[str, Any], folder: Path) -> Apprise:
    """Return the channel."""
    del folder
    read_options("apprise", options, _Options)
    return Apprise()
