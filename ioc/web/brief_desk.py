"""What the tablet works with, built once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.web.brief_commands import BriefCommands
from ioc.web.queries.brief import BriefQueries


@dataclass(frozen=True, slots=True)
class BriefDesk:
    """Reading, and what a leader orders from the tablet."""

    queries: BriefQueries
    commands: BriefCommands
