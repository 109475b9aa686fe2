"""E-mail against a real SMTP server: threads, letters, and which refusals pass."""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from ioc.alerting.channels import Address
from ioc.alerting.channels import email as channel
from ioc.domain.errors import ConfigError
from ioc.domain.notification import Delivered, Earlier, Later, Message, Never, Receipt
from tests.unit.notices import ALERT, FACTS, RAISED, RETURNED, facts, message

TO = Address("lan", "lan@example.vn")


class Box:
    """A mailbox that answers as it is told."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(self, *arguments: Any) -> str:  # noqa: N802  aiosmtpd's name
        _, _, envelope, address, _ = arguments
        if not self.answer.startswith("250"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802  aiosmtpd's name
        body = arguments[2].content
        mail = email.message_from_bytes(body, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return self.answer


class Server(Controller):
    """Any free port; the library asks for the port it was told instead."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def server(answer: str = "250 kept", **how: Any) -> Iterator[tuple[Box, dict[str, Any]]]:
    box = Box(answer)
    controller = Server(box, hostname="127.0.0.1", port=0, **how)
    controller.start()
    try:
        options = {"host": "127.0.0.1", "port": controller.port, "security": "none"}
        yield box, {**options, "sender": "ioc@example.vn", "sender_name": "Trung tâm IOC"}
    finally:
        controller.stop()


def send(options: dict[str, Any], said: Message, to: Address = TO) -> Receipt:
    return channel.build(options, Path()).deliver(said, to)


def test_a_mail_arrives_whole() -> None:
    """Vietnamese in subject and text, the key as Message-ID, marked as automatic."""
    with server() as (box, options):
        found = send(options, message())
    (mail,) = box.mails
    assert mail["Subject"] == "[Nghiêm trọng] Bụi mịn PM2,5 vượt ngưỡng – Long Khánh"
    assert "1.182,4 µg/m³" in mail.get_content()
    assert mail["Message-ID"] == f"<{ALERT}.1.RAISE.0.t@example.vn>"
    assert found == Delivered(mail["Message-ID"])
    assert (mail["X-IOC-Key"], mail["Auto-Submitted"]) == (message().key, "auto-generated")
    assert (mail["From"], mail["To"]) == ("Trung tâm IOC <ioc@example.vn>", "lan@example.vn")
    assert mail["Date"].datetime.isoformat() == "2026-11-22T08:31:00+07:00"


def test_a_return_stands_below_its_raise() -> None:
    """References names every earlier mail of the occurrence, In-Reply-To the last one."""
    before = [Earlier(f"{FACTS.key}:t", RAISED), Earlier(f"{ALERT}:1:SEV_UP:0:t", RAISED)]
    with server() as (box, options):
        send(options, message())
        send(options, message(RETURNED, earlier=tuple(before)))
    raised, returned = box.mails
    assert returned["References"].split()[0] == raised["Message-ID"]
    assert returned["In-Reply-To"] == returned["References"].split()[-1]
    assert returned["In-Reply-To"] != returned["References"].split()[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 greylisted", Later), ("452 full", Later), ("550 no such user", Never)],
)
def test_a_refusal_says_whether_a_retry_helps(answer: str, kind: type[Receipt]) -> None:
    """4xx passes, 5xx does not; the server's own words are the reason."""
    with server(answer) as (_, options):
        found = send(options, message())
    assert isinstance(found, kind)
    assert answer in getattr(found, "reason", "")


def test_a_server_that_is_away_passes() -> None:
    """Nobody listens: later. An address that is none: never, and nothing is sent."""
    with server() as (box, options):
        for address in ("", "lan", "a@b, c@d", "lan@example.vn\r\nBcc: x@y.z"):
            assert isinstance(send(options, message(), Address("lan", address)), Never), address
        assert box.mails == []
    assert isinstance(send(options, message()), Later)


def test_a_wrong_password_passes_and_is_not_told() -> None:
    """A new password mends it; neither receipt nor address shows the old one."""

    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with server(authenticator=refuse, auth_require_tls=False) as (box, options):
        found = send({**options, "username": "ioc", "password": "hunter2"}, message())
    assert isinstance(found, Later)
    assert "hunter2" not in found.reason
    assert box.mails == []


def test_a_server_without_tls_is_not_spoken_to() -> None:
    """STARTTLS is the default: without it nothing leaves in the clear."""
    with server() as (box, options):
        found = send({k: v for k, v in options.items() if k != "security"}, message())
    assert isinstance(found, Later)
    assert box.mails == []


@pytest.mark.parametrize("wrong", [{"sender": "nobody"}, {"hst": "x"}, {"port": 70000}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """Each names the key that is wrong."""
    good = {"host": "h", "sender": "a@b.vn"}
    with pytest.raises(ConfigError, match=r"channels\.email"):
        channel.build({**good, **wrong}, Path())


def test_names_cannot_write_headers() -> None:
    """A device's name with line breaks stays inside the subject."""
    with server() as (box, options):
        send(options, message(facts(place="A\r\nBcc: x@y.z", thing="B\nC: d")))
    assert "Bcc" not in box.mails[0]
    assert "Bcc: x@y.z" in box.mails[0]["Subject"]
