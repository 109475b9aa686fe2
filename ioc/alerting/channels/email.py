"""E-mail over SMTP. Message-ID is the message's key; References thread a return to its raise."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ioc.alerting.channels import TIMEOUT_S, Address, read_options
from ioc.alerting.channels.content import local
from ioc.domain.errors import ConfigError
from ioc.domain.notification import Delivered, Later, Message, Never, Receipt
from ioc.settings import Port


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The mail server that takes our messages, and who they are from."""

    host: Annotated[str, msgspec.Meta(min_length=1)]
    sender: str  # an address: ioc@example.vn
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = ""
    sender_name: str = ""


class Email:
    """One connection a message: a mail server is asked rarely, and never left hanging."""

    def __init__(self, options: Options, sender: Mailbox) -> None:
        self._options = options
        self._sender = sender

    def deliver(self, message: Message, to: Address) -> Receipt:
        try:
            mail = self._mail(message, to)
        except (ValueError, IndexError) as error:  # headerregistry on a broken address
            return Never(f"not a mail address: {error}")
        try:
            with self._connect() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            return _verdict(code, words)
        except smtplib.SMTPAuthenticationError as error:  # a new password mends it
            return Later(f"SMTP {error.smtp_code} {_text(error.smtp_error)}")
        except smtplib.SMTPResponseException as error:
            return _verdict(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            return Later(f"mail server not reachable: {error}")
        return Delivered(mail["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        options = self._options
        if options.security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                options.host, options.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(options.host, options.port, timeout=TIMEOUT_S)
        try:
            if options.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if options.username:
                server.login(options.username, options.password)
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, message: Message, to: Address) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = Mailbox(addr_spec=to.address)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(local(message.made_at))
        mail["Message-ID"] = self._message_id(message.key)
        earlier = [self._message_id(one.key) for one in message.earlier]
        if earlier:
            mail["In-Reply-To"] = earlier[-1]
            mail["References"] = " ".join(earlier)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers, please
        mail["X-IOC-Key"] = message.key
        mail.set_content(message.text + "\n")
        return mail

    def _message_id(self, key: str) -> str:
        """Return a key as an identifier: a colon may not stand in one (RFC 5322, dot-atom)."""
        return f"<{key.replace(':', '.')}@{self._sender.domain}>"


def _verdict(code: int, words: bytes | str) -> Receipt:
    """Return what a reply means: 4xx passes, 5xx does not (RFC 5321 §4.2.1)."""
    reason = f"SMTP {code} {_text(words)}".rstrip()
    return Never(reason) if code >= 500 else Later(reason)  # noqa: PLR2004


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())


def build(options: Mapping[str, Any], folder: Path) -> Email:
    """Return the channel; ConfigError when the server or the sender is missing."""
    del folder
    read = read_options("email", options, Options)
    try:
        sender = Mailbox(read.sender_name, addr_spec=read.sender)
    except (ValueError, IndexError) as error:
        raise ConfigError(
            f"config/notify.yaml: channels.email.sender is no mail address: {read.sender!r}"
        ) from error
    return Email(read, sender)
