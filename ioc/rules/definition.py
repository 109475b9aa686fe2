"""Rule files (config/rules/*.yaml): what a duty officer agreed is an alarm, why, and what to do.

A rule without an action for the operator is no alarm (ISA-18.2 rationalisation), so
`operator_action` is required. Unknown keys are refused. `Core` is what the fold needs, and all
that a test of rules must give; `RuleFile` is what is stored as `rule_version.definition`, with
durations as numbers of seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from ioc.domain.alert import Op, Rule, Severity, Silence
from ioc.domain.errors import ConfigError
from ioc.domain.instant import from_seconds
from ioc.rules import document
from ioc.rules.document import Document, Trail
from ioc.rules.durations import Seconds

SEVERITIES: Final[Mapping[str, Severity]] = {s.name.lower(): s for s in Severity}
TWO_SIDED: Final = (Op.OUTSIDE, Op.INSIDE)
LOOKBACK: Final = Seconds(300)  # Prometheus' own: a series without a sample for so long is absent
# Names of Prometheus' rule files and ours for the same thing.
_PROMETHEUS: Final = {"for": "on_delay", "keep_firing_for": "off_delay"}

Some = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
C = TypeVar("C", bound="Core")
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SeverityName: TypeAlias = Literal["critical", "high", "medium", "low"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Anything that a file holds."""


class Words(_Part, frozen=True):
    """One text in both languages."""

    vi: Some
    en: Some


class Selector(_Part, frozen=True):
    """Which admitted things a rule binds; everything given must match, nothing given is all."""

    feed: str | None = None
    kind: str | None = None
    thing: str | None = None  # external id


class Level(_Part, frozen=True, kw_only=True):
    """One step of a rule; a two-sided one has `low` and `high` instead of `limit`."""

    severity: SeverityName
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    deadband: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Window(_Part, frozen=True, kw_only=True):
    """The stretch of time behind one judged value.

    Of input `value`: the values are averaged over it. `rate`: the change since its beginning.
    `deviation`: the distance from its mean or median.
    """

    length: Seconds
    function: Literal["mean", "median", "max", "sum"] | None = None
    min_coverage: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.75


class Hours(_Part, frozen=True, kw_only=True):
    """From one wall-clock time to another; `to` at or before `from` is on the next day."""

    start: Clock = msgspec.field(name="from", default="00:00")
    end: Clock = msgspec.field(name="to", default="00:00")
    days: tuple[Day, ...] = ()  # on which it begins; none given: every day


class Schedule(_Part, frozen=True, kw_only=True):
    """When a rule looks; at other times nothing is a breach (ioc.domain.schedule)."""

    hours: Annotated[tuple[Hours, ...], msgspec.Meta(min_length=1, max_length=50)]
    zone: str = "Asia/Ho_Chi_Minh"


class Core(_Part, frozen=True, kw_only=True):
    """What the engine needs of a rule."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    levels: Annotated[tuple[Level, ...], msgspec.Meta(min_length=1, max_length=4)]
    op: Op | None = None  # none: of input `no_data`, which compares nothing
    observed_property: Some | None = None
    on_delay: Seconds = Seconds(0)
    off_delay: Seconds = Seconds(0)
    stale_after: Seconds | None = None
    late_horizon: Seconds = Seconds(900)
    min_samples: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    profile: Literal["ioc", "prometheus"] = "ioc"
    input: Literal["value", "rate", "deviation", "no_data"] = "value"
    window: Window | None = None
    schedule: Schedule | None = None
    valid_from: date | None = None  # by the calendar of the schedule's zone, both days included
    valid_to: date | None = None
    latch: bool = False
    auto_acknowledge: bool = False
    name: Words | None = None
    selector: Selector = Selector()
    cause: Words | None = None
    consequence: Words | None = None
    operator_action: Words | None = None
    legal_ref: Some | None = None
    owner: Some | None = None


class RuleFile(Core, frozen=True, kw_only=True):
    """One rule as written; what is stored, unchanged, as `rule_version.definition`."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    observed_property: Some
    name: Words
    operator_action: Words

    @property
    def title(self) -> str:
        return self.name.vi

    def definition(self) -> dict[str, Any]:
        """Return what is stored: only JSON types."""
        built: dict[str, Any] = document.builtins(self)
        return built


class Fault(NamedTuple):
    """What makes a rule contradict itself, where, and what to write instead."""

    trail: Trail
    message: str


# ---------------------------------------------------------------- files


def load(folder: Path) -> list[RuleFile]:
    """Read every rule of a folder, in the order of file names; ConfigError names file and line."""
    rules: list[RuleFile] = []
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        whole = document.read(path)
        for index, rule in enumerate(read_all(whole, whole.value, RuleFile)):
            if rule.id in found:
                line = (index, "id")
                raise whole.refusal(line, f"rule {rule.id!r} is also in {found[rule.id]}")
            found[rule.id] = path
            rules.append(rule)
    return rules


def read_all(whole: Document, value: object, kind: type[C], trail: Trail = ()) -> list[C]:
    """Return the rules of a list within a file; ConfigError with file, line and remedy."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise whole.refusal(trail, "this is no list of rules; begin each one with `- id: …`")
    return [_read(whole, item, kind, (*trail, n)) for n, item in enumerate(value)]


def _read(whole: Document, value: object, kind: type[C], trail: Trail) -> C:
    if not isinstance(value, dict):
        raise whole.refusal(trail, "this is no rule; write `id:`, `op:`, `levels:` as its keys")
    translated = _translated(whole, value, trail)
    for theirs, ours in _PROMETHEUS.items():
        if theirs in value:
            place = {(*trail, ours): whole.line((*trail, theirs))}
            whole = Document(whole.path, whole.value, {**whole.lines, **place})
    rule = whole.convert(translated, kind, trail)
    for wrong in faults(rule):
        raise whole.refusal(trail + wrong.trail, wrong.message)
    return rule


def _translated(whole: Document, value: dict[str, Any], trail: Trail) -> dict[str, Any]:
    """Return a rule with our names for Prometheus' ones, which its profile allows."""
    result = dict(value)
    for theirs, ours in _PROMETHEUS.items():
        if theirs not in result:
            continue
        if value.get("profile") != "prometheus":
            remedy = f"write `{ours}:`, or `profile: prometheus` beside it"
            raise whole.refusal((*trail, theirs), f"unknown key {theirs!r}; {remedy}")
        if ours in result:
            message = f"{theirs!r} and {ours!r} say the same; remove one"
            raise whole.refusal((*trail, theirs), message)
        result[ours] = result.pop(theirs)
    return result


def parse(definition: Mapping[str, Any]) -> RuleFile:
    """Return the rule of a stored definition; ConfigError when it was written by something else."""
    where = f"rule {definition.get('id')!r} in the database"
    try:
        rule = document.convert(definition, RuleFile)
    except msgspec.ValidationError as error:
        trail, message = document.explain(error, RuleFile)
        raise ConfigError(f"{where}: {'.'.join(map(str, trail))}: {message}") from error
    for wrong in faults(rule):
        raise ConfigError(f"{where}: {wrong.message}")
    return rule


# ---------------------------------------------------------------- what contradicts itself


def faults(rule: Core) -> Iterator[Fault]:
    """Yield what is wrong in a rule whose keys all have the right types."""
    if rule.op is None and rule.input != "no_data":
        ops = ", ".join(op.value for op in Op)
        yield Fault((), f"key 'op' is missing; write one of {ops}")
    for index, level in enumerate(rule.levels):
        for message in _level_faults(rule, level):
            yield Fault(("levels", index), message)
    yield from _window_faults(rule)
    if rule.stale_after is not None and not rule.stale_after:
        yield Fault(("stale_after",), "stale_after: 0 would be always silent; write 30m or remove")
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        yield Fault(("valid_to",), "valid_to: lies before valid_from; write a later date")


def _level_faults(rule: Core, level: Level) -> Iterator[str]:
    numbers = {"limit": level.limit, "low": level.low, "high": level.high}
    given = [name for name, value in numbers.items() if value is not None]
    wanted = _wanted(rule)
    if given != wanted:
        shown = " and ".join(f"`{name}:`" for name in wanted) or "`severity:` alone"
        subject = f"op {rule.op.value!r}" if rule.op else "input no_data"
        yield f"a level of {subject} takes {shown}, not {', '.join(given) or 'nothing'}"
        return
    if not all(isfinite(value) for value in (*_given(numbers), level.deadband)):
        yield "limits and deadbands are finite numbers; write one"
        return
    if level.low is not None and level.high is not None:
        yield from _band_faults(rule, level.low, level.high, level.deadband)
    if level.deadband and rule.profile == "prometheus":
        yield "deadband: profile prometheus has none; remove it, or write `profile: ioc`"


def _given(numbers: Mapping[str, float | None]) -> list[float]:
    return [value for value in numbers.values() if value is not None]


def _wanted(rule: Core) -> list[str]:
    if rule.input == "no_data":
        return []
    return ["low", "high"] if rule.op in TWO_SIDED else ["limit"]


def _band_faults(rule: Core, low: float, high: float, deadband: float) -> Iterator[str]:
    if low >= high:
        yield f"low {low:g} is not below high {high:g}; exchange them"
    elif rule.op is Op.OUTSIDE and 2 * deadband > high - low:
        most = (high - low) / 2
        yield f"deadband: {deadband:g} leaves no value that clears; write at most {most:g}"


def _window_faults(rule: Core) -> Iterator[Fault]:
    window = rule.window
    if window is None:
        if rule.input in ("rate", "deviation"):
            yield Fault((), f"input {rule.input} needs `window: {{length: 1h}}`")
        return
    if not window.length:
        yield Fault(("window", "length"), "length: 0 holds no value; write 1h")
    allowed: dict[str, tuple[str | None, ...]] = {
        "value": ("mean", "max", "sum"),
        "deviation": ("mean", "median"),
        "rate": (None,),
        "no_data": (),
    }
    if window.function not in allowed[rule.input]:
        names = [name for name in allowed[rule.input] if name]
        remedy = f"write `function:` {' or '.join(names)}" if names else "remove it"
        where: Trail = ("window", "function") if window.function else ("window",)
        yield Fault(where, f"function: input {rule.input} has no {window.function}; {remedy}")


# ---------------------------------------------------------------- what the engine sees


def bind(rule: Core, version: int, stale_after_s: float) -> tuple[Rule, ...]:
    """Return the levels, first written first, for a datastream silent after `stale_after_s`."""
    default = LOOKBACK if rule.profile == "prometheus" else stale_after_s
    stale = default if rule.stale_after is None else rule.stale_after
    return tuple(
        Rule(
            id=rule.id,
            version=version,
            op=rule.op or Op.GT,
            limit=_limit(level),
            low=-inf if level.low is None else level.low,
            severity=SEVERITIES[level.severity],
            stale_after=from_seconds(stale),
            late_horizon=from_seconds(rule.late_horizon),
            deadband=level.deadband,
            on_delay=from_seconds(rule.on_delay),
            off_delay=from_seconds(rule.off_delay),
            min_samples=rule.min_samples,
            level=number,
            latch=rule.latch,
            auto_acknowledge=rule.auto_acknowledge,
            silence=_silence(rule),
        )
        for number, level in enumerate(rule.levels, 1)
    )


def _limit(level: Level) -> float:
    if level.high is not None:
        return level.high
    return 0.0 if level.limit is None else level.limit


def _silence(rule: Core) -> Silence:
    if rule.input == "no_data":
        return Silence.BREACHES
    return Silence.CLEARS if rule.profile == "prometheus" else Silence.HOLDS
