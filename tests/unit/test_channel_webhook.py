"""Webhook and Alertmanager against a real HTTP server: what arrives, and which failures pass."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from pathlib import Path

import pytest

from ioc.alerting.channels import Address, alertmanager, webhook
from ioc.domain.alert import Kind, Severity
from ioc.domain.errors import ConfigError
from ioc.domain.grouping import URGENT
from ioc.domain.notification import Delivered, Later, Never, Receipt
from tests.http_sink import Answer, Sink, sink
from tests.unit.notices import ALERT, FACTS, RAISED, RETURNED, WORDING, facts, message

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
HERE = Path()


def hook(there: Sink, secret: str = SECRET) -> Receipt:
    return webhook.build({}, HERE).deliver(message(), Address("t", there.url, secret))


def test_a_signature_verifies() -> None:
    """HMAC-SHA256 of id.timestamp.body under the shared secret; the id is the message's key."""
    with sink() as there:
        assert hook(there) == Delivered("HTTP 204")
    (one,) = there.posted
    key, stamp = one.headers["webhook-id"], one.headers["webhook-timestamp"]
    assert key == f"{ALERT}:1:RAISE:0:t"
    raw = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = hmac.new(raw, f"{key}.{stamp}.".encode() + one.body, sha256).digest()
    assert one.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    assert one.json["type"] == "alert.raise"
    assert one.json["timestamp"] == "2026-11-22T08:31:00.001234+07:00"
    (alert,) = one.json["data"]["alerts"]
    assert (alert["id"], alert["severity"], alert["limit"]) == (ALERT, "critical", 150.0)
    assert alert["raised_at"] == "2026-11-22T08:30:00+07:00"


def test_without_a_secret_nothing_is_signed() -> None:
    """A receiver on the same machine may need none; a broken one is said at once."""
    with sink() as there:
        assert isinstance(hook(there, ""), Delivered)
        assert isinstance(hook(there, "whsec_not base64!"), Never)
    assert "webhook-signature" not in there.posted[0].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Delivered) for status in (200, 202, 204)),
        *((status, Never) for status in (301, 400, 410, 413, 422)),
        *((status, Later) for status in (401, 404, 408, 429, 500, 503)),
    ],
)
def test_a_status_says_whether_a_retry_helps(status: int, kind: type[Receipt]) -> None:
    """What passes or can be mended there is tried again; what is refused for good is not."""
    headers = {"Location": "http://127.0.0.1:1/", "Retry-After": "120"}
    with sink(lambda _: Answer(status, headers)) as there:
        found = hook(there)
    assert isinstance(found, kind)
    if isinstance(found, Later):
        assert found.after_s == 120
        assert str(status) in found.reason
    assert len(there.posted) == 1


def test_an_address_that_cannot_be_reached() -> None:
    """Nobody listens: later. No address at all, or another scheme: never."""
    with sink() as there:
        gone = there.url
    channel = webhook.build({}, HERE)
    assert isinstance(channel.deliver(message(), Address("t", gone)), Later)
    for address in ("file:///etc/passwd", "nonsense", "http://[x/"):
        assert isinstance(channel.deliver(message(), Address("t", address)), Never), address


def test_unknown_options_are_refused() -> None:
    """A misspelt option of a channel is named, not ignored."""
    with pytest.raises(ConfigError, match=r"channels\.webhook.*secrt"):
        webhook.build({"secrt": "x"}, HERE)


def deliver(there: Sink, *told: object) -> None:
    address = Address("am", there.url.removesuffix("/hook") + "/", "token")
    for one in told:
        assert isinstance(alertmanager.build({}, HERE).deliver(one, address), Delivered)  # type: ignore[arg-type]


def test_alertmanager_gets_what_it_understands() -> None:
    """POST /api/v2/alerts, valid label names, an end far away; the key goes with it."""
    with sink() as there:
        deliver(there, message())
    (one,) = there.posted
    assert one.path == "/api/v2/alerts"
    assert one.headers["authorization"] == "Bearer token"
    (alert,) = one.json
    assert alert["labels"]["alertname"] == "pm25-high"
    assert alert["labels"]["severity"] == "critical"
    assert all(name.isidentifier() and value for name, value in alert["labels"].items())
    assert alert["startsAt"] == "2026-11-22T08:30:00+07:00"
    assert alert["endsAt"] > "2027"
    assert alert["annotations"]["key"] == FACTS.key


def test_alertmanager_ends_what_ended() -> None:
    """A return ends the alert under every severity it may have had; a rise ends the lower ones."""
    with sink() as there:
        deliver(there, message(RETURNED), message(facts(Kind.SEV_UP)))
    returned, risen = (one.json for one in there.posted)
    assert {a["labels"]["severity"] for a in returned} == {s.name.lower() for s in Severity}
    assert {a["endsAt"] for a in returned} == {"2026-11-22T10:00:00+07:00"}
    on = [a["labels"]["severity"] for a in risen if a["endsAt"] > "2027"]
    assert (on, len(risen)) == (["critical"], 4)


def test_alertmanager_digests_are_taken_apart() -> None:
    """It groups by itself, so each line of a digest is an alert; a test is over at once."""
    told = [facts(n=n, alert=f"{ALERT[:-1]}{n}") for n in range(3)]
    with sink() as there:
        deliver(there, message(*told, group=URGENT), WORDING.test("k", "am", RAISED))
    assert len(there.posted[0].json) == 3
    (test,) = there.posted[1].json
    assert "[DIỄN TẬP]" in test["annotations"]["summary"]
