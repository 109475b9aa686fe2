"""What the rule pages know from configuration: observed properties, limits of regulations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ioc import catalogue, limits
from ioc.catalogue import Property
from ioc.domain.alert import Op
from ioc.domain.legal_limit import Averaging, Claim, LegalLimit, Objection, objections
from ioc.rules.definition import RuleFile
from ioc.settings import Settings
from ioc.text import DEFAULT, say

_ABOVE: Final = (Op.GT, Op.GE)
_BELOW: Final = (Op.LT, Op.LE)
_IMPOSSIBLE: Final = Averaging("max", 0)  # of an input that no regulation compares
# Which functions make sense of a kind of quantity: a mean of decibels or of directions is none.
FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "mean": frozenset({"mean", "max"}),
    "sum": frozenset({"sum", "max"}),
}
_ANY: Final = frozenset({"max"})


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Read once at the start of the process."""

    properties: Mapping[str, Property]
    limits: tuple[LegalLimit, ...]

    @classmethod
    def load(cls, settings: Settings) -> RuleBook:
        """Read config/catalog and config/limits; ConfigError names file and place."""
        folder = settings.config_dir
        return cls(catalogue.load(folder / "catalog"), limits.load(folder / "limits"))

    def refusals(self, rule: RuleFile, unit: str, day: date) -> list[str]:
        """Return in words why a rule in `unit` may not be saved on `day`; [] where it may."""
        return [explain(one) for one in self._objections(rule, unit, day)]

    def _objections(self, rule: RuleFile, unit: str, day: date) -> list[Objection]:
        known = self.properties.get(rule.observed_property)
        if known is None:
            return [Objection("unknown_property", {"property": rule.observed_property})]
        found = []
        if known.unit != unit:
            values = {"unit": unit or "–", "allowed": known.unit or "–"}
            found.append(Objection("unit", values))
        window = rule.window
        allowed = FUNCTIONS.get(known.average.how, _ANY)
        if rule.input == "value" and window and window.function not in allowed:
            names = tuple(sorted(allowed))
            found.append(Objection("function", {"property": known.name_vi, "functions": names}))
        return found + objections(claim_of(rule, unit), self.limits, day)


def claim_of(rule: RuleFile, unit: str) -> Claim:
    """Return what a rule compares."""
    averaging = None if rule.input == "value" and rule.window is None else _IMPOSSIBLE
    if rule.input == "value" and rule.window is not None:
        match rule.window.function:
            case "mean" | "max" | "sum" as function:
                averaging = Averaging(function, round(rule.window.length))
    levels = rule.levels
    outside = rule.op is Op.OUTSIDE
    lows = [
        level.limit if rule.op in _BELOW else level.low if outside else None for level in levels
    ]
    highs = [
        level.limit if rule.op in _ABOVE else level.high if outside else None for level in levels
    ]
    return Claim(
        observed_property=rule.observed_property,
        unit=unit,
        averaging=averaging,
        legal_ref=rule.legal_ref or "",
        lows=tuple(value for value in lows if value is not None),
        highs=tuple(value for value in highs if value is not None),
    )


def explain(objection: Objection) -> str:
    """Return an objection in words."""
    values = {name: _shown(value) for name, value in objection.values.items()}
    return say(f"rules.refused.{objection.code}", DEFAULT, **values)


def _shown(value: object) -> str:
    if isinstance(value, tuple) and not isinstance(value, Averaging):
        return ", ".join(_shown(one) for one in value)
    if isinstance(value, Averaging):
        hours = say("rules.hours", n=f"{value.length_s / 3600:g}")
        return say(f"rules.window_{value.function}", length=hours)
    if value is None:
        return say("rules.each_value")
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    functions = {"mean", "max", "sum"}
    return say(f"rules.function_{value}") if value in functions else str(value)
