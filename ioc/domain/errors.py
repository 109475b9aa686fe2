"""Every refusal a caller can act on.

Refusal
├── PayloadError        a message is not understood        -> dead letter with `reason`
├── LayerFileError      a map file is not taken in         -> nothing changes, one sentence says why
├── ConfigError         a setting, feed or rule is wrong   -> the process does not start
├── DeliveryError       a channel did not take it          -> retry or give up
├── OrderError          an alert does not take this command -> 409
└── ForbiddenError      the role may not do this           -> 403
"""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  the field's word; subclasses say Error where it is one
    """Something the caller can act on; never a bug."""


class PayloadError(Refusal):
    """A payload that cannot be taken in.

    `reason` is a code with words in `ioc/text` under `reason.<code>`; `detail` names the place.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LayerFileError(Refusal):
    """A map file that cannot be imported as it stands.

    `reason` is a code with words in `ioc/text` under `layers.refused.<code>`, filled with `values`.
    """

    def __init__(self, reason: str, /, **values: object) -> None:
        super().__init__(f"{reason}: {values}" if values else reason)
        self.reason = reason
        self.values = values


class ConfigError(Refusal):
    """A configuration that must not be started with; the message is one line with the remedy."""


class DeliveryError(Refusal):
    """A notification was not delivered; `retryable` says whether trying again can help."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class OrderError(Refusal):
    """A command that an alert, or a mask, does not take as it stands.

    `code` has words in `ioc/text` under `alert.refusal.<code>`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ForbiddenError(Refusal):
    """The actor's role does not allow the action."""
