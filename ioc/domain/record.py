"""What a log finally says: the stays in alarm of one (rule, datastream), as changes amend them.

A log is append-only, so late data adds to it: a start that moved, an alert that never was. Read
with these rules, the logs of the same samples in any order of arrival are one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ioc.domain.alert import Kind
from ioc.domain.episode import Change, Reason
from ioc.domain.instant import Micros


@dataclass(slots=True)
class Record:
    """Spans by their start; None as the end: it goes on."""

    spans: dict[Micros, Micros | None] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Take the next change of the log."""
        match change.kind:
            case Kind.RAISE:
                self._put(change.time, change.over and change.over.returned_at)
            case Kind.MOVED if change.was is not None:
                self.spans.pop(change.was, None)
                self._put(change.time, None)
            case Kind.RTN:
                self._end(change)
            case Kind.CORRECTED if change.was is not None:
                self.spans.pop(change.was, None)
                if change.over is not None:
                    self._put(change.time, change.over.returned_at)
            case _:
                pass

    def _put(self, start: Micros, end: Micros | None) -> None:
        """Add a span; those that are over and that it overlaps were parts of it."""
        for known, over in list(self.spans.items()):
            if over is not None and over >= start and (end is None or known <= end):
                del self.spans[known]
        self.spans[start] = end

    def _end(self, change: Change) -> None:
        start = next((start for start, end in self.spans.items() if end is None), None)
        if start is None:
            return
        if change.reason is Reason.CORRECTED:
            del self.spans[start]
        else:
            self.spans[start] = change.time
