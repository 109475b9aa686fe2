"""Which part of the province somebody answers for: communes and kinds of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """`areas` are commune codes, `domains` kinds of things; None is no limit, empty is nothing."""

    areas: frozenset[str] | None = None
    domains: frozenset[str] | None = None

    @property
    def whole(self) -> bool:
        """Tell whether nothing is out of it."""
        return self.areas is None and self.domains is None

    def covers(self, area: str | None, domain: str) -> bool:
        """Tell whether a thing is in it; one without a commune is in no limited area."""
        return (self.areas is None or area in self.areas) and (
            self.domains is None or domain in self.domains
        )


EVERYTHING: Final = Scope()
