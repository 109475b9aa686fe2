"""What is wrong with rules that can be read: each finding with its place and a remedy.

A finding is a code with words in ioc/text under `rules.lint.<code>`. Errors of the file itself
(unknown keys, wrong types) are refused before by `definition`; what an observed property or a
regulation does not allow is told by the book that the caller gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Protocol

from ioc.domain.alert import Op
from ioc.rules import definition, document
from ioc.rules.definition import SEVERITIES, Level, RuleFile
from ioc.rules.document import Document, Trail


class Book(Protocol):
    """What configuration knows of observed properties and regulations."""

    def units(self) -> Mapping[str, str]:
        """Return the unit of each observed property."""
        ...

    def refusals(self, rule: RuleFile, unit: str, day: date) -> list[str]:
        """Return in words why a rule in `unit` may not be used on `day`."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend."""

    path: Path
    line: int
    rule: str
    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Placed:
    rule: RuleFile
    whole: Document
    trail: Trail

    def found(self, code: str, *below: str | int, **values: object) -> Finding:
        line = self.whole.line((*self.trail, *below))
        return Finding(self.whole.path, line, self.rule.id, code, values)


def files(place: Path) -> list[Path]:
    """Return the rule files of a folder, or the file itself."""
    return sorted(place.glob("*.yaml")) if place.is_dir() else [place]


def lint(paths: Sequence[Path], book: Book, day: date) -> list[Finding]:
    """Return what is wrong in these files together; ConfigError for one that cannot be read."""
    rules = [one for path in paths for one in _placed(path)]
    found = [finding for one in rules for finding in _alone(one, book, day)]
    found += [finding for one, other in combinations(rules, 2) for finding in _pair(one, other)]
    return sorted(found, key=lambda finding: (finding.path, finding.line))


def _placed(path: Path) -> list[_Placed]:
    whole = document.read(path)
    rules = definition.read_all(whole, whole.value, RuleFile)
    return [_Placed(rule, whole, (index,)) for index, rule in enumerate(rules)]


def _alone(one: _Placed, book: Book, day: date) -> Iterator[Finding]:
    rule, units = one.rule, book.units()
    if rule.observed_property not in units:
        message = document.unknown_value("property", rule.observed_property, list(units))
        yield one.found("property", "observed_property", message=message)
    else:
        for words in book.refusals(rule, units[rule.observed_property], day):
            yield one.found("refused", "legal_ref", message=words)
    yield from _levels(one)
    if not rule.on_delay and not rule.off_delay:
        yield one.found("delays")
    for key in ("cause", "consequence"):
        if getattr(rule, key) is None:
            yield one.found("missing", key=key)


def _levels(one: _Placed) -> Iterator[Finding]:
    rule = one.rule
    if rule.input == "no_data":
        return
    for index, level in enumerate(rule.levels):
        if not level.deadband and rule.profile == "ioc":
            yield one.found("deadband", "levels", index)
    for (_, first), (index, second) in combinations(enumerate(rule.levels), 2):
        if first.severity == second.severity:
            yield one.found("twice", "levels", index, severity=second.severity)
        elif not _ordered(rule.op, first, second):
            names = {"one": first.severity, "other": second.severity}
            yield one.found("order", "levels", index, **names)


def _ordered(op: Op | None, one: Level, other: Level) -> bool:
    """Tell whether the more severe of two levels is the one that is breached later."""
    mild, bad = sorted((one, other), key=lambda level: -SEVERITIES[level.severity])
    wide = _edges(bad, mild)
    match op:
        case Op.GT | Op.GE:
            return wide[1] > 0
        case Op.LT | Op.LE:
            return wide[1] < 0
        case Op.OUTSIDE:
            return wide[0] <= 0 <= wide[1]
        case _:
            return wide[0] >= 0 >= wide[1]


def _edges(bad: Level, mild: Level) -> tuple[float, float]:
    """Return by how much the lower and the upper bound of one lie above those of the other."""

    def bounds(level: Level) -> tuple[float, float]:
        upper = level.limit if level.high is None else level.high
        return level.low or 0.0, upper or 0.0

    return bounds(bad)[0] - bounds(mild)[0], bounds(bad)[1] - bounds(mild)[1]


def _pair(one: _Placed, other: _Placed) -> Iterator[Finding]:
    if one.rule.id == other.rule.id:
        yield other.found("id", "id", file=one.whole.path)
    elif _same_look(one.rule, other.rule):
        yield other.found("overlap", other=one.rule.id)


def _same_look(one: RuleFile, other: RuleFile) -> bool:
    """Tell whether two rules would raise two alerts for one and the same thing."""
    looks = [
        (rule.observed_property, rule.op, rule.input, rule.window, rule.schedule)
        for rule in (one, other)
    ]
    limits = [
        {(level.limit, level.low, level.high) for level in rule.levels} for rule in (one, other)
    ]
    return looks[0] == looks[1] and bool(limits[0] & limits[1]) and _meet(one, other)


def _meet(one: RuleFile, other: RuleFile) -> bool:
    """Tell whether one thing may be bound by both; what is not given matches all."""
    pairs = [
        (getattr(one.selector, key), getattr(other.selector, key))
        for key in ("feed", "kind", "thing")
    ]
    apart = any(None not in pair and pair[0] != pair[1] for pair in pairs)
    lists = set(one.selector.things), set(other.selector.things)
    return not apart and (not all(lists) or bool(lists[0] & lists[1]))
