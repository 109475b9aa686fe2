"""What an import says of itself: to a program (JSON), to a clerk (sentences), as a file (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ioc.domain.layer import Refused
from ioc.exports import harmless
from ioc.text import DEFAULT, Language, say
from layers.crs import Choice
from layers.encoding import Guess

MAX_REFUSED: Final = 1_000  # rows named in the JSON; the CSV file has all of them


class Outcome(StrEnum):
    """How an import ended."""

    COMMITTED = "committed"
    DRY_RUN = "dry_run"
    UNDECIDED = "undecided"
    REFUSED = "refused"


@dataclass(slots=True)
class Report:
    """Filled by the import as far as it came. `questions`: what a person must say yes to.

    `based_on`: the import that the difference is to. `inner`: the layers of the file. `shown`:
    GeoJSON features for a map.
    """

    layer: str = ""
    dry_run: bool = False
    outcome: Outcome = Outcome.REFUSED
    version: str | None = None
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("read", "added", "changed", "removed", "unchanged", "refused"), 0
        )
    )
    refused: list[Refused] = field(default_factory=list)
    choice: Choice | None = None
    encoding: Guess | None = None
    columns: dict[str, str | None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    error: str = ""
    based_on: int | None = None
    inner: list[str] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def note(self, key: str, **values: object) -> None:
        """Add a sentence that somebody should read."""
        self.warnings.append(say(f"layers.warning.{key}", DEFAULT, **values))

    def ask(self, key: str, **values: object) -> None:
        """Add a sentence that somebody must say yes to."""
        self.questions.append(say(f"layers.question.{key}", DEFAULT, **values))

    @property
    def exit_code(self) -> int:
        """0 done, 1 the file is refused, 3 a person must decide."""
        return {Outcome.REFUSED: 1, Outcome.UNDECIDED: 3}.get(self.outcome, 0)

    def json(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "dry_run": self.dry_run,
            "committed": self.outcome is Outcome.COMMITTED,
            "version": self.version,
            "counts": self.counts,
            "refused": [_row(one) for one in self.refused[:MAX_REFUSED]],
            "crs": _crs(self.choice),
            "encoding": {
                "name": self.encoding.name if self.encoding else None,
                "confidence": self.encoding.confidence if self.encoding else 0.0,
            },
            "columns": self.columns,
            "warnings": [*([self.error] if self.error else []), *self.questions, *self.warnings],
        }

    def told(self) -> dict[str, Any]:
        """Return what `json` does and what a page asks a person with."""
        told = self.json()
        names = (
            {}
            if self.choice is None
            else {one.system.epsg: one.system.title for one in self.choice.candidates}
        )
        for one in told["crs"]["candidates"]:
            one["title"] = names[one["epsg"]]
        told["crs"]["title"] = self.choice.system.title if self.choice else None
        return told | {
            "outcome": self.outcome.value,
            "error": self.error,
            "questions": self.questions,
            "warnings": self.warnings,
            "based_on": self.based_on,
            "order": list(self.columns),  # as the file has them: jsonb keeps no order
            "inner": self.inner,
        }


def refused_csv(rows: Iterable[Refused], language: Language = "vi") -> bytes:
    """Return the rows that were not taken as a file that Excel opens; no cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    names = ("row", "code", "field", "reason")
    writer.writerow([say(f"layers.refused_file.{name}", language) for name in names])
    writer.writerows(
        [one.row, harmless(one.code), harmless(one.field), harmless(one.reason)] for one in rows
    )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _row(one: Refused) -> dict[str, object]:
    return {"row": one.row, "code": one.code, "field": one.field, "reason": one.reason}


def _crs(choice: Choice | None) -> dict[str, Any]:
    if choice is None:
        return {"epsg": None, "how": None, "axes": "xy", "candidates": []}
    return {
        "epsg": choice.system.epsg,
        "how": choice.how,
        "axes": choice.axes,
        "candidates": [
            {"epsg": one.system.epsg, "axes": one.axes, "inside_share": one.inside_share}
            for one in choice.candidates
        ],
    }
