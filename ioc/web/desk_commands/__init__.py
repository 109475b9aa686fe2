"""What people at the desk change beside alerts, rules and layers. Role checked, audited.

Every command raises ForbiddenError (role or scope), NotFoundError, DeskRefusedError (not as it
stands; in words under `desk.refused.<code>`) and DatabaseAwayError.
"""

from __future__ import annotations

from ioc.domain.errors import Refusal


class DeskRefusedError(Refusal):
    """Something that is not done as it stands."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
