"""Rule files: what ships is complete, and what is wrong is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ioc import catalogue
from ioc.domain.alert import Kind, Op, Severity
from ioc.domain.episode import Reason
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND
from ioc.rules import definition as rules
from ioc.text import Language, words

SHIPPED = Path(__file__).parents[2] / "config"

RULE = """
- id: a
  name: {vi: Một, en: One}
  observed_property: pm25
  op: ">"
  levels: [{severity: high, limit: 150}]
  operator_action: {vi: Gọi, en: Call}
"""


def read(folder: Path, *texts: str) -> list[rules.RuleFile]:
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
    return rules.load(folder)


def test_shipped_rules_are_whole() -> None:
    """Every shipped rule has a cause, a consequence, an action, and a property of the catalogue."""
    found = rules.load(SHIPPED / "rules")
    properties = catalogue.load(SHIPPED / "catalog")
    assert len(found) >= 8
    for rule in found:
        assert rule.cause, rule.id
        assert rule.consequence, rule.id
        assert rule.observed_property in properties, rule.id
        for level in rule.levels:
            assert level.deadband > 0, f"{rule.id}: a rule without a deadband flaps"


def test_a_stored_definition_is_the_same_rule() -> None:
    """What is stored as JSON reads back as the rule that was written."""
    for rule in rules.load(SHIPPED / "rules"):
        stored = rule.definition()
        assert rules.parse(stored) == rule
        assert stored == json.loads(json.dumps(stored)), "an equal rule would be a new version"


def test_durations_become_micros_and_silence_has_a_default(tmp_path: Path) -> None:
    """A rule without a limit of silence takes its datastream's."""
    (rule,) = read(tmp_path, RULE + "  on_delay: 1m30s\n")
    (bound,) = rules.bind(rule, 3, 600)
    assert (bound.on_delay, bound.stale_after) == (90 * SECOND, 600 * SECOND)
    assert (bound.version, bound.op, bound.severity) == (3, Op.GT, Severity.HIGH)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("limit: 150", "limit: high"), "6: limit: this is text; write a number"),
        (("limit: 150", "treshold: 150"), "6: unknown key 'treshold'; write one of"),
        (
            ("limit: 150", "limit: 150, dead_band: 1"),
            "6: unknown key 'dead_band'; did you mean 'deadband'?",
        ),
        (("  op:", "  on_dealy: 5m\n  op:"), "5: unknown key 'on_dealy'; did you mean 'on_delay'?"),
        (("  op:", "  for: 5m\n  op:"), "5: unknown key 'for'; write `on_delay:`"),
        (
            ("  op:", "  on_delay: 5 minutes\n  op:"),
            "5: on_delay: '5 minutes' is no duration; write 5m",
        ),
        (("  op:", "  op: '<'\n  op:"), "6: key 'op' stands twice"),
        (("limit: 150", "low: 6, high: 9"), "6: a level of op '>' takes `limit:`, not low, high"),
        (('op: ">"', "op: outside"), "6: a level of op 'outside' takes `low:` and `high:`"),
        (("limit: 150", "limit: .nan"), "finite"),
        (('op: ">"', 'op: ">"\n  input: rate'), "needs `window: {length: 1h}`"),
        (('op: ">"', 'op: ">"\n  stale_after: 0'), "always silent"),
        (('op: ">"', 'op: "="'), "5: op: invalid enum value '='; write one of >, >=, <"),
        (
            ("severity: high", "severity: urgent"),
            "6: severity: invalid enum value 'urgent'; write one of critical, high, low",
        ),
        (("id: a", "id: Ä b"), "id"),
        (("  operator_action: {vi: Gọi, en: Call}\n", ""), "operator_action"),
        (("name: {vi: Một, en: One}", "name: Một"), "name"),
        (("  op:", "  on_delay: -1\n  op:"), "on_delay: -1 is out of range"),
        (("limit: 150", "limit: ["), "0.yaml"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    """One line names the file and what is wrong in it."""
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, RULE.replace(*change))
    assert "\n" not in str(refused.value)
    assert "0.yaml" in str(refused.value)
    assert named in str(refused.value)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_event_and_reason_has_words(language: Language) -> None:
    """What the log of an alert holds can be shown to a person."""
    known = words(language)
    assert {f"alert.kind.{kind.value}" for kind in Kind} <= known.keys()
    assert {f"alert.reason.{reason.value}" for reason in Reason} <= known.keys()


def test_an_id_is_used_once(tmp_path: Path) -> None:
    """Two rules of one id would overwrite each other."""
    with pytest.raises(ConfigError, match="also in"):
        read(tmp_path, RULE, RULE)
