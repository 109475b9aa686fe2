"""What a password must be: enough characters of enough kinds, and not the name beside it."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_PASSWORD: Final = 1024  # characters; hashing a megabyte would be a way to stop the door
# Without 0 O 1 l I: a one-time password is read from a sheet of paper.
_READABLE: Final = (
    "abcdefghijkmnpqrstuvwxyz",
    "ABCDEFGHJKLMNPQRSTUVWXYZ",
    "23456789",
    "-+=#%@",
)
_ONE_TIME: Final = 16  # about 95 bits
_NAME_MATTERS: Final = 4  # a shorter name stands in many good passwords


class Flaw(StrEnum):
    """Why a password is refused; words under `password.<flaw>`."""

    SHORT = "short"
    LONG = "long"
    CLASSES = "classes"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """At least `length` characters of `classes` of: lower case, upper case, digits, others."""

    length: int = 10
    classes: int = 4


def flaws(password: str, username: str, policy: PasswordPolicy) -> list[Flaw]:
    """Return every reason to refuse a password; an account's name is no part of its password."""
    found = []
    if len(password) < policy.length:
        found.append(Flaw.SHORT)
    if len(password) > LONGEST_PASSWORD:
        found.append(Flaw.LONG)
    if _classes(password) < policy.classes:
        found.append(Flaw.CLASSES)
    if len(username) >= _NAME_MATTERS and username.lower() in password.lower():
        found.append(Flaw.NAME)
    return found


def one_time_password() -> str:
    """Return a random password that meets every policy and that a person can type."""
    alphabet = "".join(_READABLE)
    rest = [secrets.choice(alphabet) for _ in range(_ONE_TIME - len(_READABLE))]
    letters = [secrets.choice(kind) for kind in _READABLE] + rest
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def _classes(password: str) -> int:
    kinds = (str.islower, str.isupper, str.isdigit, _is_other)
    return sum(any(kind(letter) for letter in password) for kind in kinds)


def _is_other(letter: str) -> bool:
    return letter in string.punctuation or not letter.isalnum()
