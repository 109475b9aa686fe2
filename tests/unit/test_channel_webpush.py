"""Web push to a local push service, decrypted back; apprise by one of its own services."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid

from ioc.alerting.channels import Address, apprise, webpush
from ioc.domain.errors import ConfigError
from ioc.domain.notification import Delivered, Later, Never, Receipt
from tests.http_sink import Answer, Sink, sink
from tests.unit.notices import ALERT, FACTS, message

AUTH = b"0123456789abcdef"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def vapid_pem() -> str:
    vapid = Vapid()
    vapid.generate_keys()
    return str(vapid.private_pem().decode())


@pytest.fixture(scope="module")
def browser() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def keys(browser: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return {"p256dh": _b64(browser.public_key().public_bytes(*form)), "auth": _b64(AUTH)}


def push(there: Sink, held: dict[str, str]) -> Receipt:
    options = {"private_key": vapid_pem(), "contact": "mailto:ioc@example.vn"}
    address = Address("mai", there.url, keys=held)
    return webpush.build(options, Path()).deliver(message(), address)


def test_a_browser_can_read_it(browser: ec.EllipticCurvePrivateKey) -> None:
    """What the push service carries decrypts with the browser's key, and with no other."""
    answer: Callable[[int], Answer] = lambda _: Answer(201, {"Location": "/m/1"})  # noqa: E731
    with sink(answer) as there:
        assert push(there, keys(browser)) == Delivered("/m/1")
    (one,) = there.posted
    said = http_ece.decrypt(one.body, private_key=browser, auth_secret=AUTH, version="aes128gcm")
    body = json.loads(said)
    assert body["title"] == "[Nghiêm trọng] Bụi mịn PM2,5 vượt ngưỡng – Long Khánh"
    assert (body["key"], body["severity"]) == (f"{FACTS.key}:t", 1)
    assert one.headers["topic"] == ALERT.replace("-", "")
    assert len(one.headers["topic"]) <= 32
    assert (one.headers["urgency"], one.headers["ttl"]) == ("high", "86400")
    assert one.headers["authorization"].startswith("vapid t=")


@pytest.mark.parametrize(
    ("status", "kind"), [(404, Never), (410, Never), (413, Never), (429, Later), (500, Later)]
)
def test_a_status_says_whether_a_retry_helps(
    browser: ec.EllipticCurvePrivateKey, status: int, kind: type[Receipt]
) -> None:
    """A browser that is gone is never asked again; a busy service is."""
    with sink(lambda _: Answer(status, {"Retry-After": "7"})) as there:
        found = push(there, keys(browser))
    assert isinstance(found, kind)
    assert not isinstance(found, Later) or found.after_s == 7


def test_what_cannot_be_encrypted_is_never_sent(browser: ec.EllipticCurvePrivateKey) -> None:
    """Broken keys of a browser, or none, end the attempt without a request."""
    with sink() as there:
        for broken in ({}, {"p256dh": "AAAA", "auth": _b64(AUTH)}):
            assert isinstance(push(there, broken), Never)
    assert there.posted == []
    assert isinstance(push(there, keys(browser)), Later), "nobody listens any more"


def test_the_key_that_browsers_subscribe_to() -> None:
    """65 bytes in base64url without padding, as PushManager.subscribe takes it: the same key's."""
    pem = vapid_pem()
    options = {"private_key": pem, "contact": "mailto:ioc@example.vn"}
    form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    own = Vapid.from_pem(pem.encode()).public_key.public_bytes(*form)
    assert webpush.build(options, Path()).public_key == _b64(own)
    assert len(own) == 65


def test_a_key_that_is_none_is_refused() -> None:
    """The option is named, its value is not."""
    with pytest.raises(ConfigError, match=r"webpush\.private_key") as refusal:
        webpush.build({"private_key": "hunter2", "contact": "mailto:a@b.vn"}, Path())
    assert "hunter2" not in str(refusal.value)


def through_apprise(there: Sink, url: str = "") -> Receipt:
    where = url or there.url.replace("http://", "json://")
    return apprise.build({}, Path()).deliver(message(), Address("lan", "", where))


def test_apprise_carries_the_whole_message() -> None:
    """One service a call, title and text unchanged."""
    with sink(lambda _: Answer(200)) as there:
        assert isinstance(through_apprise(there), Delivered)
    body: Any = there.posted[0].json
    assert body["title"] == message().subject
    assert body["message"].strip() == message().text
    assert body["type"] == "failure"


def test_apprise_says_when_it_failed() -> None:
    """A service that refuses is tried again; a URL that nobody understands is not, nor shown."""
    with sink(lambda _: Answer(500)) as there:
        assert isinstance(through_apprise(there), Later)
        found = through_apprise(there, "nonsense://hunter2@x")
    assert isinstance(found, Never)
    assert "hunter2" not in found.reason
