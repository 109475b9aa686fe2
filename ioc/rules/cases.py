"""Tests of rules (`ioc rules test`): what a rule says about a series, at given instants.

Time is virtual and no service is needed: each rule is folded over each listed datastream by the
engine itself. Everything up to and including start + `at` has happened; at one instant a sample
precedes the timer. A rule without `stale_after` knows no silence here (profile ioc), since in a
test no datastream has a limit of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from ioc.domain import levels
from ioc.domain.alert import Condition, Kind, Sample
from ioc.domain.instant import SECOND, Micros, from_datetime, from_seconds
from ioc.domain.levels import Ladder, Rules
from ioc.rules import definition, document, durations, series
from ioc.rules.definition import Core, SeverityName
from ioc.rules.document import Document, Trail
from ioc.rules.durations import Seconds
from ioc.rules.series import Mark, Place

START: Final = datetime.fromisoformat("2026-01-01T00:00:00+07:00")
_NEVER_SILENT: Final = 100 * 365 * 86_400.0
_COMPARED: Final = ("state", "severity", "stale", "since", "raises")

Count = Annotated[int, msgspec.Meta(ge=0)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Anything that a file of tests holds."""


class Series(_Part, frozen=True):
    """The samples of one datastream, one at each interval from the start."""

    datastream: str | int
    values: str | int | float


class Expectation(_Part, frozen=True):
    """What must hold at one instant; only the keys given are compared."""

    at: Seconds
    rule: str
    datastream: str | int
    state: Condition | msgspec.UnsetType = msgspec.UNSET
    severity: SeverityName | msgspec.UnsetType | None = msgspec.UNSET
    stale: bool | msgspec.UnsetType = msgspec.UNSET
    level: Annotated[int, msgspec.Meta(ge=1, le=4)] | msgspec.UnsetType = msgspec.UNSET
    since: Seconds | msgspec.UnsetType = msgspec.UNSET
    raises: Count | msgspec.UnsetType = msgspec.UNSET


class Case(_Part, frozen=True):
    """One test."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    input_series: list[Series]
    expect: list[Expectation]
    start: Annotated[datetime, msgspec.Meta(tz=True)] = START
    interval: Seconds = Seconds(60)


class _File(_Part, frozen=True):
    rules: list[Any]
    tests: Annotated[list[Case], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Suite:
    """A file of tests that can be run."""

    path: Path
    rules: Mapping[str, Core]
    tests: Sequence[Case]
    places: Mapping[tuple[int, str], Sequence[Place]]  # (test, datastream) -> its series
    lines: Mapping[tuple[int, int], int]  # (test, expectation) -> line


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of one expectation that does not hold."""

    test: str
    line: int
    at: str
    rule: str
    datastream: str
    level: int | None
    key: str
    expected: object
    found: object


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test."""

    name: str
    expectations: int
    differences: tuple[Difference, ...]


# ---------------------------------------------------------------- the file


def read(path: Path) -> Suite:
    """Read a file of tests; ConfigError names file, line and what to write instead."""
    whole = document.read(path)
    file = whole.convert(whole.value if whole.value is not None else {}, _File)
    rules: dict[str, Core] = {}
    for index, rule in enumerate(definition.read_all(whole, file.rules, Core, ("rules",))):
        if rule.id in rules:
            raise whole.refusal(("rules", index, "id"), f"rule {rule.id!r} stands twice")
        rules[rule.id] = rule
    if not rules:
        raise whole.refusal(("rules",), "rules: there is none; write one with `- id: …`")
    places: dict[tuple[int, str], Sequence[Place]] = {}
    lines: dict[tuple[int, int], int] = {}
    for number, case in enumerate(file.tests):
        _check_case(whole, number, case)
        places |= _places(whole, number, case)
        for index, expected in enumerate(case.expect):
            trail: Trail = ("tests", number, "expect", index)
            lines[number, index] = whole.line(trail)
            known = {name for test, name in places if test == number}
            _check_expectation(whole, trail, expected, rules, known)
    return Suite(path, rules, file.tests, places, lines)


def _check_case(whole: Document, number: int, case: Case) -> None:
    if not case.interval:
        raise whole.refusal(("tests", number, "interval"), "interval: 0 is no step; write 1m")
    if not case.expect:
        raise whole.refusal(("tests", number, "expect"), "expect: nothing is expected; write `at:`")


def _places(whole: Document, number: int, case: Case) -> dict[tuple[int, str], Sequence[Place]]:
    found: dict[tuple[int, str], Sequence[Place]] = {}
    for index, one in enumerate(case.input_series):
        trail: Trail = ("tests", number, "input_series", index)
        key = (number, str(one.datastream))
        if key in found:
            raise whole.refusal(
                (*trail, "datastream"), f"datastream {one.datastream!r} stands twice"
            )
        try:
            found[key] = series.parse(one.values)
        except ValueError as error:
            raise whole.refusal((*trail, "values"), str(error)) from error
    return found


def _check_expectation(
    whole: Document,
    trail: Trail,
    expected: Expectation,
    rules: Mapping[str, Core],
    datastreams: set[str],
) -> None:
    if expected.rule not in rules:
        message = document.unknown_value("rule", expected.rule, list(rules))
        raise whole.refusal((*trail, "rule"), message)
    name = str(expected.datastream)
    if name not in datastreams:
        message = document.unknown_value("datastream", name, list(datastreams))
        raise whole.refusal((*trail, "datastream"), message)
    many = len(rules[expected.rule].levels)
    if not isinstance(expected.level, msgspec.UnsetType) and expected.level > many:
        message = f"level: rule {expected.rule!r} has {many}; write 1 to {many}"
        raise whole.refusal((*trail, "level"), message)
    if not _given(expected):
        raise whole.refusal(trail, f"nothing is compared; write one of {', '.join(_COMPARED)}")


def _given(expected: Expectation) -> dict[str, Any]:
    values = {key: getattr(expected, key) for key in _COMPARED}
    return {key: value for key, value in values.items() if value is not msgspec.UNSET}


# ---------------------------------------------------------------- the run


def run(suite: Suite) -> list[Result]:
    """Return what holds and what does not, test by test."""
    results = []
    for number, case in enumerate(suite.tests):
        differences = sorted(_differences(suite, number, case), key=lambda one: one[0])
        found = tuple(one for _, one in differences)
        results.append(Result(case.name, len(case.expect), found))
    return results


def _differences(suite: Suite, number: int, case: Case) -> Iterator[tuple[int, Difference]]:
    asked: dict[tuple[str, str, int | None], list[int]] = {}
    for index, expected in enumerate(case.expect):
        level = None if isinstance(expected.level, msgspec.UnsetType) else expected.level
        key = (expected.rule, str(expected.datastream), level)
        asked.setdefault(key, []).append(index)
    for (rule, datastream, level), indices in asked.items():
        machine = _machine(suite.rules[rule], level)
        inputs = list(_inputs(case, suite.places[number, datastream]))
        for index in sorted(indices, key=lambda i: case.expect[i].at):
            expected = case.expect[index]
            found = machine.at(inputs, _instant(case, expected.at))
            began = found["since"]
            found["since"] = 0 if began is None else began - _instant(case, 0)
            for difference in _compare(case, expected, found):
                yield index, replace(difference, level=level, line=suite.lines[number, index])


def _compare(case: Case, expected: Expectation, found: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield each given key that differs; `since` of the machine is µs after the start."""
    at, stream = durations.show(expected.at), str(expected.datastream)
    for key, wanted in _given(expected).items():
        seen = found[key]
        if key == "since":
            same = from_seconds(wanted) == seen
            shown = durations.show(wanted), durations.show(seen / SECOND)
        else:
            same, shown = wanted == seen, (wanted, seen)
        if not same:
            yield Difference(case.name, 0, at, expected.rule, stream, None, key, *shown)


def _instant(case: Case, offset: float) -> Micros:
    return Micros(from_datetime(case.start) + from_seconds(offset))


def _inputs(case: Case, places: Sequence[Place]) -> Iterator[tuple[Micros, Place]]:
    for number, place in enumerate(places):
        if place is not Mark.MISSING:
            yield _instant(case, number * case.interval), place


def _machine(rule: Core, level: int | None) -> _Machine:
    bound = definition.bind(rule, 1, _NEVER_SILENT)
    return _Machine(bound if level is None else (bound[level - 1],))


@dataclass(slots=True)
class _Machine:
    """One rule, or one level of it, on its way along a series."""

    rules: Rules
    ladder: Ladder = field(init=False)
    raises: int = 0
    taken: int = 0

    def __post_init__(self) -> None:
        self.ladder = levels.start(self.rules)

    def at(self, inputs: Sequence[tuple[Micros, Place]], instant: Micros) -> dict[str, Any]:
        """Go on to an instant, not before the last one, and say how things stand."""
        while self.taken < len(inputs) and inputs[self.taken][0] <= instant:
            self._take(*inputs[self.taken])
            self.taken += 1
        self._moved(levels.tick(self.ladder, self.rules, Micros(instant + 1)))
        stands = levels.standing(self.ladder, self.rules)
        return {
            "state": stands.condition,
            "severity": None if stands.severity is None else stands.severity.name.lower(),
            "stale": self.ladder.stale,
            "since": stands.began,
            "raises": self.raises,
        }

    def _take(self, time: Micros, place: Place) -> None:
        if isinstance(place, Mark):
            self._moved(levels.end(self.ladder, self.rules, time))
        else:
            self._moved(levels.step(self.ladder, self.rules, Sample(time, place)))

    def _moved(self, result: tuple[Ladder, levels.Turns]) -> None:
        self.ladder, turns = result
        self.raises += sum(turn.kind is Kind.RAISE for turn in turns)
