"""One line of the report of `ioc check`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ioc.text import say


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` is empty when nothing has to be done."""

    verdict: Verdict
    subject: str
    detail: str
    remedy: str = ""


def ok(subject: str, detail: str) -> Finding:
    return Finding(Verdict.OK, say(f"check.{subject}"), detail)


def wrong(subject: str, detail: str, remedy: str, *, name: str = "") -> Finding:
    """Return a finding that makes `ioc check` fail."""
    found = say(f"check.{remedy}", name=name)
    return Finding(Verdict.WRONG, say(f"check.{subject}"), detail, found)


def warning(subject: str, detail: str, remedy: str) -> Finding:
    """Return a finding that the centre can live with."""
    return Finding(Verdict.WARNING, say(f"check.{subject}"), detail, say(f"check.{remedy}"))


def unset(subject: str, name: str) -> Finding:
    """Return what is said of a service without an address."""
    return wrong(subject, name, "unset_remedy", name=name)
