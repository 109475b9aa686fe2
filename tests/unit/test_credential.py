"""Passwords, one-time passwords, and codes of a second factor."""

from __future__ import annotations

import subprocess
import sys

import pyotp
import pytest

from ioc.domain.credential import Flaw, PasswordPolicy, flaws, one_time_password
from ioc.domain.instant import SECOND, Micros
from ioc.domain.scope import EVERYTHING, Scope
from ioc.web import totp

POLICY = PasswordPolicy()
NOW = Micros(1_795_309_215 * SECOND)
SECRET = "JBSWY3DPEHPK3PXP" * 2


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("Đủ-dài-và-khó-9", []),
        ("Ngắn-1a", [Flaw.SHORT]),
        ("khongcochuhoa-1", [Flaw.CLASSES]),
        ("KHONGCOCHUTHUONG-1", [Flaw.CLASSES]),
        ("Khong-co-chu-so", [Flaw.CLASSES]),
        ("KhongCoKyTuKhac1", [Flaw.CLASSES]),
        ("Truc-Ban-2026-x", [Flaw.NAME]),
        ("", [Flaw.SHORT, Flaw.CLASSES]),
        ("Aa1-" + "x" * 1024, [Flaw.LONG]),
    ],
)
def test_a_weak_password_is_refused_with_every_reason(password: str, found: list[Flaw]) -> None:
    """Ten characters of four kinds, without the name in it, and no megabyte."""
    assert flaws(password, "truc-ban", POLICY) == found


def test_a_one_time_password_meets_every_policy() -> None:
    """Whatever an administrator hands out is strong, and never twice the same."""
    made = [one_time_password() for _ in range(200)]
    assert all(flaws(one, "admin", PasswordPolicy(16, 4)) == [] for one in made)
    assert len(set(made)) == len(made)


def test_a_code_opens_once_and_only_near_its_time() -> None:
    """A step to either side is forgiven; a code that was used, or is older, opens nothing."""
    step = NOW // SECOND // 30
    code = pyotp.TOTP(SECRET).generate_otp(step)
    assert totp.accepted(SECRET, f" {code[:3]} {code[3:]} ", NOW, 0) == step
    assert totp.accepted(SECRET, code, NOW, step) is None
    late = Micros(NOW + 30 * SECOND)
    assert totp.accepted(SECRET, code, late, 0) == step
    assert totp.accepted(SECRET, code, Micros(late + 30 * SECOND), 0) is None
    assert totp.accepted(SECRET, "", NOW, 0) is None
    assert totp.accepted(SECRET, "×××", NOW, 0) is None


def test_recovery_codes_are_read_however_they_are_typed() -> None:
    """Twenty digits in four groups; capitals, spaces and missing dashes do not matter."""
    codes = totp.recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES
    for code in codes:
        assert totp.plain(code.upper().replace("-", " ")) == code


def test_the_picture_is_markup_without_a_script() -> None:
    """The QR picture is inline SVG: the content policy allows no other."""
    made = totp.picture(SECRET, account="truc-ban", issuer="Trung tâm <Đồng Nai>")
    assert made.startswith("<svg")
    assert "script" not in made
    assert "<Đồng" not in made


@pytest.mark.parametrize(
    ("scope", "area", "domain", "covered"),
    [
        (EVERYTHING, None, "camera", True),
        (Scope(frozenset({"26"})), "26", "camera", True),
        (Scope(frozenset({"26"})), "27", "camera", False),
        (Scope(frozenset({"26"})), None, "camera", False),
        (Scope(None, frozenset({"water"})), "26", "camera", False),
        (Scope(frozenset(), None), "26", "camera", False),
    ],
)
def test_a_scope_covers_its_areas_and_domains(
    scope: Scope, area: str | None, domain: str, *, covered: bool
) -> None:
    """No limit covers all; an empty one nothing; a thing without a commune is in no area."""
    assert scope.covers(area, domain) is covered


def test_a_stored_password_is_dear_to_guess() -> None:
    """What is shipped is argon2id with 64 MiB and 3 passes (RFC 9106); only tests hash cheaply."""
    asked = "from ioc.storage.secret import hash_password; print(hash_password('x'))"
    made = subprocess.run(
        [sys.executable, "-c", asked], check=True, capture_output=True, text=True
    ).stdout
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
