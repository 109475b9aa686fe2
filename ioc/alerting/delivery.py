"""From a due row to a receipt: whom it is for, what it says, by which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from ioc import plugins
from ioc.alerting.channels import GROUP, Address, Channel
from ioc.alerting.wording import Wording
from ioc.domain.errors import ConfigError
from ioc.domain.instant import Micros
from ioc.domain.notification import Due, Later, Message, Never, Receipt
from ioc.policies import Arranged, Option, Target
from ioc.settings import Reference, Settings, read_secret

log: Final = structlog.get_logger()


WEBPUSH: Final = "webpush"


class Browser(NamedTuple):
    """One browser's push subscription."""

    endpoint: str
    p256dh: str
    auth: str


Browsers = Callable[[int], Browser | None]  # by number; None: it has ended


@dataclass(slots=True)
class Delivery:
    """The channels of one arrangement, made when first used."""

    settings: Settings
    arranged: Arranged
    channels: dict[str, Channel] = field(default_factory=dict)

    def deliver(self, due: Due, browsers: Browsers) -> Receipt:
        """Send one message; whatever goes wrong is a receipt, so that nothing is tried for ever."""
        name, _, number = due.target.partition("#")
        target = self.arranged.targets.get(name)
        if target is None:
            return Never(f"target {name!r} is no longer in config/notify.yaml")
        browser = browsers(int(number)) if number else None
        return self._send(target, self.wording(target).message(due), browser)

    def test(self, target: Target, key: str, now: Micros, browser: Browser | None) -> Receipt:
        """Send a message that is marked as an exercise."""
        return self._send(target, self.wording(target).test(key, target.name, now), browser)

    def wording(self, target: Target) -> Wording:
        """Return how a target is spoken to."""
        province = self.settings.province
        title = province.title_vi if target.language == "vi" else province.title_en
        centre = f"{title} – {province.name}"
        url = self.settings.web.public_url.rstrip("/")
        return Wording(target.language, self.arranged.plan.zone, centre, url)

    def _send(self, target: Target, message: Message, browser: Browser | None) -> Receipt:
        try:
            channel = self._channel(target.channel)
            address = _address(target, browser)
        except ConfigError as error:  # a file that is put there, a variable that is set: it mends
            return Later(str(error))
        try:
            return channel.deliver(message, address)
        except Exception as error:  # a stranger's plug-in; one bug must not hold up the others
            log.exception("channel_failed", channel=target.channel, target=target.name)
            return Later(f"the channel failed: {error!r}")

    def push_key(self) -> str | None:
        """Return the key that browsers subscribe to; None without a usable web push channel."""
        if WEBPUSH not in self.arranged.file.channels:
            return None
        try:
            channel = self._channel(WEBPUSH)
        except ConfigError as error:
            log.warning("push_key_missing", reason=str(error))
            return None
        return getattr(channel, "public_key", None)

    def _channel(self, name: str) -> Channel:
        if name not in self.channels:
            options = resolved(self.arranged.file.channels.get(name, {}))
            build = plugins.load(GROUP, name)
            self.channels[name] = build(options, self.settings.data_dir / name)
        return self.channels[name]


def resolved(options: Mapping[str, Option]) -> dict[str, object]:
    """Return options with their secrets filled in."""
    return {
        key: read_secret(value) if isinstance(value, Reference) else value
        for key, value in options.items()
    }


def check(arranged: Arranged) -> None:
    """Raise ConfigError when a target names a channel that there is not.

    Secrets are not read: they may be given later, and only the dispatcher may have them.
    """
    for target in arranged.targets.values():
        plugins.load(GROUP, target.channel)


def _address(target: Target, browser: Browser | None) -> Address:
    secret = read_secret(target.secret) if target.secret is not None else ""
    if browser is not None:
        keys = {"p256dh": browser.p256dh, "auth": browser.auth}
        return Address(target.name, browser.endpoint, secret, keys, target.language)
    where = target.address
    address = read_secret(where) if isinstance(where, Reference) else where
    return Address(target.name, address, secret, {}, target.language)
