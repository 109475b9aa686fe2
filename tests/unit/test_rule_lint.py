"""`ioc rules lint`: each thing that makes a rule a bad alarm, with its place and a remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ioc import settings as configuration
from ioc.rules import definition, lint
from ioc.rules.lint import Finding
from ioc.text import words
from ioc.web.rule_book import RuleBook

SHIPPED = Path(__file__).parents[2] / "config"
DAY = date(2026, 3, 1)
GOOD = """\
- id: a
  name: {vi: Một, en: One}
  observed_property: pm25
  op: ">"
  levels:
    - {severity: high, limit: 100, deadband: 5}
    - {severity: critical, limit: 200, deadband: 5}
  on_delay: 5m
  cause: {vi: a, en: a}
  consequence: {vi: a, en: a}
  operator_action: {vi: Gọi, en: Call}
"""


def book() -> RuleBook:
    return RuleBook.load(configuration.load({"IOC_CONFIG_DIR": str(SHIPPED)}))


def found(folder: Path, *texts: str) -> list[Finding]:
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
    return lint.lint(lint.files(folder), book(), DAY)


def test_shipped_rules_have_nothing_to_mend() -> None:
    """What we ship is what we ask of others."""
    assert lint.lint(lint.files(SHIPPED / "rules"), book(), DAY) == []


def test_a_good_rule_is_left_alone(tmp_path: Path) -> None:
    """No finding, whether a file or its folder is given."""
    assert found(tmp_path, GOOD) == []
    assert lint.lint(lint.files(tmp_path / "0.yaml"), book(), DAY) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("property: pm25", "property: pm52", "property", 3),
        ("limit: 100, deadband: 5", "limit: 100", "deadband", 6),
        ("  on_delay: 5m\n", "", "delays", 1),
        ("  cause: {vi: a, en: a}\n", "", "missing", 1),
        ("  consequence: {vi: a, en: a}\n", "", "missing", 1),
        ("severity: critical", "severity: high", "twice", 7),
        ("limit: 200", "limit: 50", "order", 7),
        ("limit: 200", "limit: 100", "order", 7),
        ('op: ">"', 'op: "<"', "order", 7),
        ("  on_delay", "  legal_ref: QCVN 05:2023/BTNMT\n  on_delay", "refused", 8),
    ],
)
def test_each_finding_has_its_line(
    tmp_path: Path, old: str, new: str, code: str, line: int
) -> None:
    """One mistake is one finding."""
    assert old in GOOD
    (one,) = found(tmp_path, GOOD.replace(old, new))
    assert (one.code, one.line, one.path.name) == (code, line, "0.yaml")


def test_a_regulation_is_compared_with_its_own_window(tmp_path: Path) -> None:
    """A daily mean of 45 is QCVN 05:2023; the same number for each value is not."""
    limit = GOOD.replace("limit: 100", "limit: 45")
    claim = limit.replace("  on_delay", "  legal_ref: QCVN 05:2023/BTNMT\n  on_delay")
    day = claim.replace("  on_delay", "  window: {function: mean, length: 24h}\n  on_delay")
    assert [one.code for one in found(tmp_path, claim)] == ["refused"]
    assert found(tmp_path, day) == []


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ("", "", True),
        ("selector: {kind: rain}", "", True),
        ("selector: {kind: rain}", "selector: {kind: water}", False),
        ("selector: {kind: rain, feed: f}", "selector: {kind: rain, thing: t}", True),
        ("selector: {things: [f/1, f/2]}", "selector: {things: [f/3]}", False),
        ("selector: {things: [f/1, f/2]}", "selector: {things: [f/2]}", True),
        ("schedule: {hours: [{from: '22:00', to: '06:00'}]}", "", False),
    ],
)
def test_two_alerts_for_one_event_are_an_overlap(
    tmp_path: Path,
    one: str,
    other: str,
    met: bool,  # noqa: FBT001
) -> None:
    """The same limit on things that both rules may bind; other hours are another rule."""
    second = GOOD.replace("id: a", "id: b")
    texts = [text + f"  {more}\n" for text, more in ((GOOD, one), (second, other))]
    assert [f.code for f in found(tmp_path, *texts)] == ["overlap"] * met


def test_an_id_in_two_files_is_found(tmp_path: Path) -> None:
    """The second place is named, with the first one in its words."""
    (one,) = found(tmp_path, GOOD, GOOD)
    assert (one.code, one.path.name) == ("id", "1.yaml")


def test_findings_have_words_in_both_languages() -> None:
    """Each code that can be found can be said."""
    codes = {"property", "refused", "deadband", "delays", "missing", "twice", "order"}
    keys = {f"rules.lint.{code}" for code in codes | {"overlap", "id"}}
    assert keys <= words("vi").keys()
    assert keys <= words("en").keys()


def test_what_is_exported_reads_back_the_same(tmp_path: Path) -> None:
    """Durations are written as people write them, and nothing is lost."""
    rules = definition.load(SHIPPED / "rules")
    text = definition.written(rules)
    assert "on_delay: 2m" in text
    (tmp_path / "all.yaml").write_text(text, encoding="utf-8")
    assert definition.load(tmp_path) == rules
