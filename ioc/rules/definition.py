"""Rule files (config/rules/*.yaml): what a duty officer agreed is an alarm, why, and what to do.

A rule without an action for the operator is no alarm (ISA-18.2 rationalisation), so
`operator_action` is required. Unknown keys are refused. Durations in files are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from ioc.domain.alert import Op, Rule, Severity
from ioc.domain.errors import ConfigError
from ioc.domain.instant import from_seconds
from ioc.settings import read_yaml

SEVERITIES: Final[Mapping[str, Severity]] = {s.name.lower(): s for s in Severity}

Seconds = Annotated[float, msgspec.Meta(ge=0, le=7 * 86400)]
Some = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    vi: Some
    en: Some


class Selector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which admitted things a rule binds; everything given must match, nothing given is all."""

    feed: str | None = None
    kind: str | None = None
    thing: str | None = None  # external id


class RuleFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """One rule as written; what is stored, unchanged, as `rule_version.definition`."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Words
    observed_property: Some = msgspec.field(name="property")
    op: Op
    limit: float
    severity: Literal["critical", "high", "medium", "low"]
    operator_action: Words
    selector: Selector = Selector()
    deadband: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    on_delay_s: Seconds = 0.0
    off_delay_s: Seconds = 0.0
    min_samples: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    stale_after_s: Annotated[float, msgspec.Meta(gt=0, le=30 * 86400)] | None = None
    late_horizon_s: Seconds = 900.0
    cause: Words | None = None
    consequence: Words | None = None
    legal_ref: Some | None = None
    auto_acknowledge: bool = False

    @property
    def title(self) -> str:
        return self.name.vi

    def definition(self) -> dict[str, Any]:
        """Return what is stored: only JSON types."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


def load(folder: Path) -> list[RuleFile]:
    """Read every rule of a folder, in the order of file names; ConfigError names file and key."""
    found: dict[str, Path] = {}
    rules: list[RuleFile] = []
    for path in sorted(folder.glob("*.yaml")):
        for rule in _read(path):
            if rule.id in found:
                raise ConfigError(f"{path}: rule {rule.id!r} is also in {found[rule.id]}")
            found[rule.id] = path
            rules.append(rule)
    return rules


def _read(path: Path) -> list[RuleFile]:
    try:
        return msgspec.convert(read_yaml(path) or [], list[RuleFile])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(definition: Mapping[str, Any]) -> RuleFile:
    """Return the rule of a stored definition; ConfigError when it was written by something else."""
    try:
        return msgspec.convert(definition, RuleFile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"rule {definition.get('id')!r} in the database: {error}") from error


def bind(rule: RuleFile, version: int, stale_after_s: float) -> Rule:
    """Return the rule as it binds a datastream whose own silence limit is `stale_after_s`."""
    stale = stale_after_s if rule.stale_after_s is None else rule.stale_after_s
    return Rule(
        id=rule.id,
        version=version,
        op=rule.op,
        limit=rule.limit,
        severity=SEVERITIES[rule.severity],
        stale_after=from_seconds(stale),
        late_horizon=from_seconds(rule.late_horizon_s),
        deadband=rule.deadband,
        on_delay=from_seconds(rule.on_delay_s),
        off_delay=from_seconds(rule.off_delay_s),
        min_samples=rule.min_samples,
        auto_acknowledge=rule.auto_acknowledge,
    )
