"""Passwords and random secrets: what is stored never opens a door."""

from __future__ import annotations

import secrets
from functools import cache
from hashlib import sha256
from typing import Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_BYTES: Final = 32  # 256 bits: nobody guesses it, so a plain SHA-256 of it is safe to store


COST: Final[Parameters] = RFC_9106_LOW_MEMORY  # argon2id: 64 MiB, 3 passes


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(COST)


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(_BYTES))


def new_secret() -> str:
    """Return a random secret for a cookie or a token, safe in a URL."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> bytes:
    """Return what is stored of a random secret."""
    return sha256(secret.encode()).digest()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password; about 50 ms and 64 MiB, so never on an event loop."""
    return _hasher().hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether the password fits; None (no such account) takes as long as a wrong one."""
    try:
        return _hasher().verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
