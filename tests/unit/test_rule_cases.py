"""`ioc rules test`: the notation of series, what is compared, and what a wrong file is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ioc.cli.rules import app
from ioc.domain.errors import ConfigError
from ioc.rules import cases, series
from ioc.rules.series import Mark

ISSUE = """\
rules:
  - {id: pm25-high, op: ">", levels: [{severity: high, limit: 150, deadband: 10}], on_delay: 5m,
     observed_property: pm25, off_delay: 10m, min_samples: 1, stale_after: 30m, profile: ioc}
tests:
  - name: holds five minutes
    start: 2026-01-01T00:00:00+07:00
    interval: 1m
    input_series:
      - {datastream: s1, values: "120+10x5 _x3 stale"}
    expect:
      - {at: 7m, rule: pm25-high, datastream: s1, state: PENDING, severity: high, stale: false}
"""
OURS = "op: '>', levels: [{severity: high, limit: 50, deadband: 10}], stale_after: 30m"
THEIRS = "op: '>', levels: [{severity: high, limit: 50}], profile: prometheus"


def differences(folder: Path, rule: str, values: str, *expected: str) -> list[str]:
    """Return what differs, as `at key: found`."""
    lines = "".join(f"      - {{rule: r, datastream: s, {one}}}\n" for one in expected)
    path = folder / "case.yaml"
    path.write_text(
        f"rules:\n  - {{id: r, {rule}}}\ntests:\n  - name: one\n"
        f"    input_series: [{{datastream: s, values: '{values}'}}]\n    expect:\n{lines}"
    )
    (result,) = cases.run(cases.read(path))
    return [f"{one.at} {one.key}: {one.found}" for one in result.differences]


@pytest.mark.parametrize(
    ("written", "places"),
    [
        ("1 2.5 -3", [1, 2.5, -3]),
        ("0+10x3", [0, 10, 20, 30]),
        ("10-2.5x2", [10, 7.5, 5]),
        ("-1+1x2", [-1, 0, 1]),
        ("7x2", [7, 7, 7]),
        ("1e3+1x1", [1000, 1001]),
        ("5x0", [5]),
        ("1 _ _x2 2", [1, Mark.MISSING, Mark.MISSING, Mark.MISSING, 2]),
        ("1 stale 2", [1, Mark.END, 2]),
        ("", []),
    ],
)
def test_each_form_of_a_series(written: str, places: list[float | Mark]) -> None:
    """A run of n steps has n + 1 samples; a gap of N has N places."""
    assert series.parse(written) == places


@pytest.mark.parametrize(
    "written", ["1+2", "x5", "_x", "1 + 2x3", "1,2", "stale2", "0x999999", "1x-2"]
)
def test_a_wrong_series_is_told_what_to_write(written: str) -> None:
    """The refusal quotes the part and says the forms there are."""
    with pytest.raises(ValueError, match="write "):
        series.parse(written)


# ---------------------------------------------------------------- profile ioc


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        pytest.param(
            OURS + ", on_delay: 5m",
            "60x9",
            ["at: 4m59s, state: PENDING, severity: high, since: 0, raises: 0",
             "at: 5m, state: ACTIVE, severity: high, since: 5m, raises: 1"],
            id="on-delay fires at since + delay, that instant included",
        ),
        pytest.param(
            OURS + ", on_delay: 90s",
            "60 60 60",
            ["at: 89s, state: PENDING", "at: 90s, state: ACTIVE, since: 1m30s",
             "at: 10m, since: 90s"],
            id="between two samples, at its own time",
        ),
        pytest.param(
            OURS + ", on_delay: 2m",
            "60 60 10 60",
            ["at: 2m, state: NORMAL, severity: null, since: 2m, raises: 0",
             "at: 3m, state: PENDING, since: 3m"],
            id="the sample precedes the timer of its instant",
        ),
        pytest.param(
            OURS, "60 45 40 39",
            ["at: 1m, state: ACTIVE, since: 0", "at: 2m, state: NORMAL, since: 2m"],
            id="the deadband holds, its edge clears for >",
        ),
        pytest.param(
            OURS.replace("'>'", "'>='"), "50 40 39.9",
            ["at: 0, state: ACTIVE", "at: 1m, state: ACTIVE", "at: 2m, state: NORMAL"],
            id=">= does not clear at limit - deadband",
        ),
        pytest.param(
            OURS.replace("'>'", "'<='"), "50 60 60.1",
            ["at: 0, state: ACTIVE", "at: 1m, state: ACTIVE", "at: 2m, state: NORMAL"],
            id="<= does not clear at limit + deadband",
        ),
        pytest.param(
            OURS + ", off_delay: 3m", "60 30 45 30 30 30 30",
            ["at: 1m, state: CLEARING, severity: high, since: 1m",
             "at: 2m, state: ACTIVE, since: 2m", "at: 5m59s, state: CLEARING, since: 3m",
             "at: 6m, state: NORMAL, since: 6m, raises: 1"],
            id="the off-delay begins anew",
        ),
        pytest.param(
            OURS + ", off_delay: 40m", "60 30",
            ["at: 30m59s, state: CLEARING, stale: false",
             "at: 31m, state: ACTIVE, severity: high, stale: true, since: 31m",
             "at: 9h, state: ACTIVE, stale: true, raises: 1"],
            id="silence while CLEARING is ACTIVE again",
        ),
        pytest.param(
            OURS, "60 _ stale _x2 10",
            ["at: 1m59s, stale: false", "at: 2m, state: ACTIVE, stale: true, since: 0",
             "at: 5m, state: NORMAL, stale: false"],
            id="a series that ends is silent at once and may restart",
        ),
        pytest.param(
            OURS, "_x2 stale 60",
            ["at: 2m, state: NORMAL, stale: false, since: 0, raises: 0", "at: 3m, state: ACTIVE"],
            id="nothing is stale before the first sample",
        ),
        pytest.param(
            OURS + ", min_samples: 3", "60 60 60",
            ["at: 1m59s, state: PENDING", "at: 2m, state: ACTIVE, since: 2m"],
            id="enough samples",
        ),
        pytest.param(
            OURS + ", min_samples: 2, on_delay: 5m", "60 _x7 60",
            ["at: 7m59s, state: PENDING, since: 0", "at: 8m, state: ACTIVE, since: 8m"],
            id="the delay is over, the second sample late",
        ),
        pytest.param(
            OURS + ", on_delay: 1m", "60 NaN 10",
            ["at: 1m, state: ACTIVE", "at: 1m59s, state: ACTIVE, stale: false"],
            id="a bad sample is contact: it neither clears nor stops the timer",
        ),
        pytest.param(
            OURS, "60 NaN _x29 NaN",
            ["at: 30m59s, stale: false, state: ACTIVE", "at: 61m, stale: true"],
            id="a bad sample keeps the series from being silent",
        ),
        pytest.param(
            "op: outside, levels: [{severity: high, low: 6, high: 9, deadband: 0.5}]",
            "6 9 5.9 6.4 6.5 9.1 8.6 8.5",
            ["at: 1m, state: NORMAL", "at: 3m, state: ACTIVE", "at: 4m, state: NORMAL",
             "at: 6m, state: ACTIVE", "at: 7m, state: NORMAL, raises: 2"],
            id="outside, both sides",
        ),
        pytest.param(
            "op: inside, levels: [{severity: low, low: 6, high: 9, deadband: 1}]",
            "5.9 6 5 4.9 9 10 10.1",
            ["at: 0, state: NORMAL", "at: 1m, state: ACTIVE", "at: 2m, state: ACTIVE",
             "at: 3m, state: NORMAL", "at: 5m, state: ACTIVE", "at: 6m, state: NORMAL"],
            id="inside, both sides",
        ),
        pytest.param(
            "op: '>', levels: [{severity: high, limit: 50}]", "60",
            ["at: 30d, state: ACTIVE, stale: false"],
            id="without stale_after there is no silence in a test",
        ),
        pytest.param(
            "input: no_data, levels: [{severity: medium}], stale_after: 10m", "1 _x19 NaN",
            ["at: 9m59s, state: NORMAL, stale: false",
             "at: 10m, state: ACTIVE, severity: medium, since: 10m, raises: 1",
             "at: 20m, state: NORMAL, stale: false", "at: 30m, state: ACTIVE, raises: 2"],
            id="no data: raised when silence begins, returned by the next contact",
        ),
    ],
)  # fmt: skip
def test_profile_ioc(tmp_path: Path, rule: str, values: str, expected: list[str]) -> None:
    """Each line of the state table, at its instant."""
    assert differences(tmp_path, rule, values, *expected) == []


LEVELS = (
    "op: '>', stale_after: 30m, levels: [{severity: medium, limit: 50, deadband: 5},"
    " {severity: high, limit: 100, deadband: 5}, {severity: critical, limit: 150, deadband: 80}]"
)


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        pytest.param(
            LEVELS, "60 110 160 110 60 10",
            ["at: 0, severity: medium", "at: 1m, severity: high, state: ACTIVE, since: 1m",
             "at: 2m, severity: critical, raises: 1", "at: 3m, severity: critical",
             "at: 4m, severity: medium, since: 0", "at: 5m, severity: null, raises: 1"],
            id="up and down, one alert",
        ),
        pytest.param(
            LEVELS, "160 90 160 10",
            ["at: 1m, severity: critical", "at: 1m, level: 2, state: NORMAL, severity: null",
             "at: 1m, level: 1, state: ACTIVE, severity: medium, raises: 1",
             "at: 2m, level: 2, state: ACTIVE, raises: 2", "at: 3m, state: NORMAL, raises: 1"],
            id="each level is a machine of its own",
        ),
        pytest.param(
            LEVELS + ", on_delay: 2m", "60 160 160 160",
            ["at: 1m, state: PENDING, severity: critical, since: 1m",
             "at: 2m, state: ACTIVE, severity: medium, since: 2m",
             "at: 2m, level: 3, state: PENDING, severity: critical",
             "at: 3m, state: ACTIVE, severity: critical, since: 3m"],
            id="pending: the highest pending; in alarm: the highest in alarm",
        ),
        pytest.param(
            LEVELS + ", off_delay: 2m", "160 60 60 60",
            ["at: 1m, state: CLEARING, severity: critical",
             "at: 3m, severity: medium, state: ACTIVE"],
            id="CLEARING is in alarm",
        ),
    ],
)  # fmt: skip
def test_levels(tmp_path: Path, rule: str, values: str, expected: list[str]) -> None:
    """The highest level in alarm is the severity, up and down, in one alert."""
    assert differences(tmp_path, rule, values, *expected) == []


# ---------------------------------------------------------------- profile prometheus

# Facts of prometheus rules/alerting_test.go, promtool's testdata and its documentation (v3).


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        pytest.param(
            THEIRS + ", for: 5m", "60x10 10x10",
            ["at: 4m59s, state: PENDING", "at: 5m, state: ACTIVE, since: 5m",
             "at: 11m, state: NORMAL, raises: 1"],
            id="for",
        ),
        pytest.param(
            THEIRS + ", for: 5m", "60x3 10 60x10",
            ["at: 4m, state: NORMAL", "at: 5m, state: PENDING, since: 5m",
             "at: 9m59s, state: PENDING", "at: 10m, state: ACTIVE"],
            id="pending is reset by one sample",
        ),
        pytest.param(
            THEIRS + ", keep_firing_for: 5m", "60x1 10x9",
            ["at: 2m, state: CLEARING, severity: high, since: 2m", "at: 6m59s, state: CLEARING",
             "at: 7m, state: NORMAL, severity: null, since: 7m"],
            id="keep_firing_for",
        ),
        pytest.param(
            THEIRS + ", keep_firing_for: 5m", "60 10x3 60 10x9",
            ["at: 4m, state: CLEARING, since: 1m", "at: 5m, state: ACTIVE, since: 5m",
             "at: 10m59s, state: CLEARING, since: 6m", "at: 11m, state: NORMAL, raises: 1"],
            id="a breach while kept is the same alert and begins the keeping anew",
        ),
        pytest.param(
            THEIRS + ", for: 1m, keep_firing_for: 5m", "60 10 60 60 10",
            ["at: 1m, state: NORMAL, raises: 0", "at: 3m, state: ACTIVE", "at: 4m, state: CLEARING",
             "at: 9m, state: NORMAL"],
            id="what was only pending is not kept",
        ),
        pytest.param(
            THEIRS + ", for: 4m", "60 _x6",
            ["at: 3m59s, state: PENDING", "at: 4m, state: ACTIVE", "at: 4m59s, state: ACTIVE",
             "at: 5m, state: NORMAL, stale: true, since: 5m"],
            id="a sample is seen for the lookback, 5 min, and then absent",
        ),
        pytest.param(
            THEIRS + ", for: 5m", "60 _x9",
            ["at: 4m59s, state: PENDING", "at: 5m, state: NORMAL, raises: 0"],
            id="for as long as the lookback never fires on one sample",
        ),
        pytest.param(
            THEIRS + ", for: 5m", "60 _x3 60 _x3 60",
            ["at: 5m, state: ACTIVE, since: 5m, raises: 1"],
            id="for with missing samples",
        ),
        pytest.param(
            THEIRS, "60 stale _ 60",
            ["at: 0, state: ACTIVE", "at: 1m, state: NORMAL, stale: true, raises: 1",
             "at: 3m, state: ACTIVE, stale: false, raises: 2"],
            id="a stale marker resolves at once",
        ),
        pytest.param(
            THEIRS + ", keep_firing_for: 3m", "60 stale _x5 10",
            ["at: 1m, state: CLEARING, stale: true, since: 1m", "at: 3m59s, state: CLEARING",
             "at: 4m, state: NORMAL"],
            id="absent is kept firing, too",
        ),
        pytest.param(
            THEIRS + ", keep_firing_for: 4m", "60 stale 10 10 10 10",
            ["at: 4m59s, state: CLEARING, since: 1m, stale: false", "at: 5m, state: NORMAL"],
            id="calm samples that come back do not begin the keeping anew",
        ),
        pytest.param(
            THEIRS + ", keep_firing_for: 9m", "60 10",
            ["at: 6m, state: CLEARING, stale: true", "at: 10m, state: NORMAL, since: 10m"],
            id="the keeping goes on when the series has gone",
        ),
        pytest.param(
            THEIRS + ", for: 2m", "60 NaN 60 60 60 NaN",
            ["at: 1m, state: NORMAL", "at: 4m, state: ACTIVE",
             "at: 5m, state: NORMAL, stale: false"],
            id="NaN is not breaching",
        ),
        pytest.param(THEIRS, "Inf 10", ["at: 0, state: ACTIVE", "at: 1m, state: NORMAL"], id="Inf"),
        pytest.param(
            THEIRS + ", for: 10m, stale_after: 20m", "60 _x30",
            ["at: 10m, state: ACTIVE", "at: 19m, state: ACTIVE", "at: 20m, state: NORMAL"],
            id="another lookback",
        ),
        pytest.param(
            # promtool's documentation: up == 0 for 5m, values '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
            "op: '<=', levels: [{severity: high, limit: 0}], for: 5m, profile: prometheus", "0x14",
            ["at: 4m, state: PENDING", "at: 10m, state: ACTIVE, since: 5m"],
            id="InstanceDown of the documentation",
        ),
        pytest.param(
            # unittest.yml: up{job="test"} == 0 with values "1+0x100 _x60"... and lost series
            "op: '<', levels: [{severity: high, limit: 1}], for: 1m, profile: prometheus",
            "1x3 0x3 _x9 0x2",
            ["at: 4m, state: PENDING", "at: 5m, state: ACTIVE", "at: 11m59s, state: ACTIVE",
             "at: 12m, state: NORMAL", "at: 17m, state: PENDING", "at: 18m, state: ACTIVE"],
            id="a series that is lost and found",
        ),
    ],
)  # fmt: skip
def test_profile_prometheus(tmp_path: Path, rule: str, values: str, expected: list[str]) -> None:
    """The facts of Prometheus' own tests hold in its profile."""
    assert differences(tmp_path, rule, values, *expected) == []


# ---------------------------------------------------------------- the command


def run(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """Return exit code and output; a refusal is raised."""
    path = folder / "t.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["test", str(path), *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def test_the_file_of_the_issue_holds(tmp_path: Path) -> None:
    """Exit 0, and a line for each test."""
    code, said = run(tmp_path, ISSUE)
    assert (code, said.splitlines()[0]) == (0, "ok\tholds five minutes")


def test_a_difference_is_shown_in_a_table(tmp_path: Path) -> None:
    """Exit 1; the table has line, instant, what was expected and what was found."""
    code, said = run(tmp_path, ISSUE.replace("severity: high, stale: false", "severity: null"))
    assert code == 1
    row = next(line for line in said.splitlines() if line.startswith("11 "))
    assert row.split() == ["11", "7m", "pm25-high", "s1", "severity", "null", "high"]


def test_json_says_the_same(tmp_path: Path) -> None:
    """One object: whether all holds, and each difference with its values."""
    code, said = run(tmp_path, ISSUE.replace("state: PENDING", "state: ACTIVE"), "--json")
    told = json.loads(said)
    (one,) = told["tests"][0]["differences"]
    assert (code, told["passed"]) == (1, False)
    assert (one["key"], one["expected"], one["found"]) == ("state", "ACTIVE", "PENDING")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("state: PENDING", "state: pending", ":11: state: invalid enum value 'pending'; write one"),
        ("severity: high, s", "severty: high, s", "'severty'; did you mean 'severity'?"),
        ("rule: pm25-high,", "rule: pm25-hihg,", ":11: unknown rule 'pm25-hihg'; did you mean"),
        ("high, datastream: s1", "high, datastream: s2", ":11: unknown datastream 's2'"),
        ("stale: false}", "level: 2}", ":11: level: rule 'pm25-high' has 1; write 1 to 1"),
        ("120+10x5 _x3 stale", "120+10 _x3", ":9: values: '120+10' is no part of a series; write"),
        ("at: 7m", "at: soon", ":11: at: 'soon' is no duration; write 5m"),
        ("on_delay: 5m", "for: 5m", "unknown key 'for'; write `on_delay:`"),
        ("profile: ioc", "profile: prometheus", ":2: deadband: profile prometheus has none"),
        ("interval: 1m", "interval: 0", ":7: interval: 0 is no step; write 1m"),
        ("interval: 1m", "intervall: 1m", ":7: unknown key 'intervall'; did you mean 'interval'?"),
        ("+07:00", "", ":6: start: "),
        ('op: ">"', 'op: "=>"', ":2: op: invalid enum value '=>'; write one of >, >=, <"),
        (", state: PENDING, severity: high, stale: false", "", ":11: nothing is compared"),
        ("tests:", "test:", "unknown key 'test'; did you mean 'tests'?"),
        ("    expect:", "   expect:", "no YAML"),
        ("name: holds five minutes", "interval: 2m", ":7: key 'interval' stands twice"),
        ("limit: 150", "limit: 150 µg/m³", ":2: limit: this is text; write a number"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_where_and_what(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Line and remedy in one line; never a traceback."""
    assert old in ISSUE
    with pytest.raises(ConfigError) as refused:
        run(tmp_path, ISSUE.replace(old, new))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "rules: []\ntests: []", "a: &x [*x]", "\x00", "- ["]
)
def test_any_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    """Empty, wrong at the root, endless or broken: one line with the file."""
    with pytest.raises(ConfigError, match=r"t\.yaml:\d+: "):
        run(tmp_path, text)
