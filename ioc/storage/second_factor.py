"""The second factor's rows: a secret until it is confirmed, the last step used, recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ioc.storage.audit import Entry, recording
from ioc.storage.script import Script


@dataclass(frozen=True, slots=True)
class Factor:
    """An account's secret; not `confirmed`: it was shown, and nobody has proven to have it."""

    account: int
    secret: str
    confirmed: bool
    step: int  # the last one a code was taken for


def of(username: str) -> Script[Factor | None]:
    """Return the factor of an account, locked until the transaction ends; None: none begun."""
    rows = yield (
        (
            "select id, totp_secret, totp_confirmed_at is not null, totp_step from app_user"
            " where username = %s and totp_secret is not null for update"
        ),
        (username,),
    )
    return Factor(*rows[0]) if rows else None


def begin(username: str, secret: str) -> Script[str]:
    """Keep a secret to confirm, unless one is begun already; return the one that counts."""
    rows = yield (
        (
            "update app_user set totp_secret = coalesce(totp_secret, %s) where username = %s"
            " returning totp_secret"
        ),
        (secret, username),
    )
    return str(rows[0][0])


def use_step(account: int, step: int) -> Script[None]:
    """Note the step of a code, so that it opens nothing again."""
    yield "update app_user set totp_step = greatest(totp_step, %s) where id = %s", (step, account)


def confirm(account: int, codes: Sequence[bytes], entry: Entry) -> Script[None]:
    """Let a factor count from now on, with these recovery codes (digests)."""
    yield "update app_user set totp_confirmed_at = now() where id = %s", (account,)
    yield "delete from recovery_code where user_id = %s", (account,)
    for code in codes:
        yield (
            "insert into recovery_code (user_id, code_hash) values (%s, %s)",
            (account, code),
        )
    yield from recording(entry)


def use_recovery(account: int, code: bytes) -> Script[bool]:
    """Take a recovery code once; tell whether it was one."""
    rows = yield (
        (
            "update recovery_code set used_at = now() where user_id = %s and code_hash = %s"
            " and used_at is null returning 1"
        ),
        (account, code),
    )
    return bool(rows)
