"""What the rule pages work with, built once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.web.queries.rehearsal import Rehearsals
from ioc.web.queries.rules import RuleQueries
from ioc.web.queries.told import Plans
from ioc.web.rule_book import RuleBook


@dataclass(frozen=True, slots=True)
class RuleDesk:
    """Configuration, reading, backtests and who is told."""

    book: RuleBook
    queries: RuleQueries
    rehearsals: Rehearsals
    plans: Plans
