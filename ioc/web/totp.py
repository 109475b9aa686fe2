"""Codes of a second factor (RFC 6238) and what stands in for them once the telephone is lost."""

from __future__ import annotations

import hmac
import secrets
from io import BytesIO
from typing import Final

import pyotp
import segno

from ioc.domain.instant import SECOND, Micros

RECOVERY_CODES: Final = 10
_STEP_S: Final = 30
_DRIFT: Final = 1  # steps to either side: telephones' clocks, and slow fingers


def new_secret() -> str:
    """Return a random secret, base32."""
    return pyotp.random_base32()


def accepted(secret: str, code: str, now: Micros, used: int) -> int | None:
    """Return the step that a code belongs to; None: none near `now`, or one used before."""
    current = now // SECOND // _STEP_S
    given = "".join(code.split())
    totp = pyotp.TOTP(secret)
    fitting = [
        step
        for step in range(current - _DRIFT, current + _DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode())
    ]
    return next((step for step in fitting if step > used), None)


def recovery_codes() -> list[str]:
    """Return one-time codes of 80 bits in four groups."""
    made = (secrets.token_hex(10) for _ in range(RECOVERY_CODES))
    return ["-".join(code[i : i + 5] for i in range(0, 20, 5)) for code in made]


def plain(code: str) -> str:
    """Return a recovery code as it was made, however it was typed."""
    bare = "".join(letter for letter in code.lower() if letter in "0123456789abcdef")
    return "-".join(bare[i : i + 5] for i in range(0, len(bare), 5))


def picture(secret: str, *, account: str, issuer: str) -> str:
    """Return the QR picture of a secret as an SVG element."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
    out = BytesIO()
    segno.make(uri, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, scale=5, border=3, dark="#000", light="#fff"
    )
    return out.getvalue().decode()
