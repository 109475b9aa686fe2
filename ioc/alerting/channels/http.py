"""One POST over HTTP, and what its status means for another attempt."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message as Headers
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from ioc.alerting.channels import PRODUCT, TIMEOUT_S
from ioc.domain.instant import SECOND, Micros, from_datetime
from ioc.domain.notification import Delivered, Later, Never, Receipt

_READ: Final = 500  # characters of an answer that are worth keeping
# The same body is refused again: it is malformed, too large, or nobody wants it any more.
_FINAL: Final = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422})


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would turn the POST into a GET somewhere else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str
    ) -> Request | None:
        del req, fp, code, msg, headers, newurl
        return None


def opener() -> OpenerDirector:
    """Return what opens addresses: the proxies of the environment, no redirects."""
    return build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Mapping[str, str], now: Micros) -> Receipt:
    """Send a body; 2xx is delivered, a fault of the way or of the moment is worth another try."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return Never("the address is not http:// or https://")
    sent = {"User-Agent": PRODUCT, "Content-Type": "application/json", **headers}
    try:
        request = Request(url, body, sent, method="POST")  # noqa: S310  checked above
        with opener().open(request, timeout=TIMEOUT_S) as answer:
            text = answer.read(_READ).decode("utf-8", "replace")
            return Delivered(f"HTTP {answer.status} {' '.join(text.split())}".rstrip())
    except HTTPError as error:
        with error:
            return refused(error.code, error.headers.get("Retry-After"), _shown(error), now)
    except URLError as error:
        return Later(f"not reachable: {error.reason}")
    except (OSError, HTTPException) as error:
        return Later(f"broken off: {error!r}")
    except ValueError as error:  # an address or a header that cannot be written
        return Never(f"not a usable address: {error}")


def refused(status: int, retry_after: str | None, detail: str, now: Micros) -> Receipt:
    """Return what a status other than 2xx means."""
    reason = f"HTTP {status} {detail}".rstrip()
    if status in _FINAL or 300 <= status < 400:  # noqa: PLR2004  redirects: mend the address
        return Never(reason)
    return Later(reason, _seconds(retry_after, now))


def _seconds(retry_after: str | None, now: Micros) -> float | None:
    """Return the wait that a Retry-After header asks for (RFC 9110: seconds, or a date)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (from_datetime(until) - now) / SECOND)
    except (ValueError, TypeError):
        return None


def _shown(error: HTTPError) -> str:
    try:
        return " ".join(error.read(_READ).decode("utf-8", "replace").split())
    except (OSError, HTTPException):
        return ""
