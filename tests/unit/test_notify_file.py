"""config/notify.yaml: what it can say, and how it refuses what it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ioc import policies
from ioc.domain.alert import Severity
from ioc.domain.errors import ConfigError
from ioc.domain.policy import Facts
from ioc.settings import Reference, read_secret
from tests.unit.moments import at_hcm

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
channels:
  email: {host: mail.example.vn, sender: ioc@example.vn, password: {env: IOC_SMTP}}
targets:
  - {name: lan, channel: email, address: lan@example.vn}
  - {name: minh, channel: apprise, secret: {file: /run/secrets/minh}}
policies:
  - {name: night, severity: [critical], hours: "22:00-06:00", tell: ["rota:duty"]}
rota:
  duty:
    - {hours: "19:00-07:00", since: 2026-01-05, turn_days: 7, tell: [lan, minh]}
"""


def load(folder: Path, text: str) -> policies.Arranged:
    (folder / "notify.yaml").write_text(text, encoding="utf-8")
    return policies.load(folder, "Asia/Ho_Chi_Minh")


def test_a_file_says_who_is_told(tmp_path: Path) -> None:
    """Hours, turns and severities of the file reach the plan; by day nobody is told."""
    found = load(tmp_path, GOOD)
    facts = Facts(Severity.CRITICAL, "camera")
    night, day = at_hcm(2026, 1, 13, 2), at_hcm(2026, 1, 13, 12)
    assert [one.target for one in found.plan.resolve(facts, night)] == ["minh"]
    assert found.plan.resolve(facts, day) == ()


def test_what_is_stored_reads_back_and_holds_no_secret(tmp_path: Path) -> None:
    """The definition is JSON that says the same, with references where secrets are."""
    found = load(tmp_path, GOOD)
    stored = json.dumps(found.file.definition())
    assert policies.parse(stored, "Asia/Ho_Chi_Minh").file == found.file
    assert found.file.channels["email"]["password"] == Reference(env="IOC_SMTP")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("address: lan@", "adress: lan@", 5, "adress"),
        ("name: minh", "name: lan", 6, "stands twice"),
        ("severity: [critical]", "severity: [urgent]", 8, "urgent"),
        ('"22:00-06:00"', '"22-6"', 8, 'write "22:00-06:00"'),
        ('"22:00-06:00"', '"24:00-06:00"', 8, "24:00"),
        ("rota:duty", "rota:dutty", 8, "no rota named 'dutty'"),
        ("tell: [lan, minh]", "tell: [lan, mai]", 11, "no target named 'mai'"),
        (", turn_days: 7", "", 11, "turn_days"),
        ("turn_days: 7", "turn_days: 0", 11, "turn_days"),
        ("policies:", "polices:", None, "polices"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int | None, says: str
) -> None:
    """Unknown keys, names that are not declared, impossible hours: file, line, what is wrong."""
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, GOOD.replace(old, new))
    words = str(refusal.value)
    assert says in words
    assert words.startswith(f"{tmp_path / 'notify.yaml'}:" + (f"{line}: " if line else ""))


def test_the_shipped_file_and_its_examples_are_right(tmp_path: Path) -> None:
    """What ships tells nobody; what its comments show can be switched on as it stands."""
    text = (ROOT / "config" / "notify.yaml").read_text("utf-8")
    assert load(tmp_path, text).targets == {}
    lines = text.splitlines()
    start = lines.index("# channels:")
    shown = [line.removeprefix("# ") for line in lines[start:] if line.startswith("# ")]
    found = load(tmp_path, "\n".join(shown))
    assert set(found.targets) == {"truc-ban", "lan", "minh", "so-nnmt", "mai", "cap", "am"}
    assert len(found.file.policies) == 3


def test_without_a_file_nobody_is_told(tmp_path: Path) -> None:
    """An installation from before has no such file and runs on."""
    assert policies.load(tmp_path, "Asia/Ho_Chi_Minh").targets == {}


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """NAME, NAME_FILE and a path; a refusal names the variable and never a value."""
    held = tmp_path / "secret"
    held.write_text("s3\n", encoding="utf-8")
    assert read_secret(Reference(env="A"), {"A": "s1"}) == "s1"
    assert read_secret(Reference(env="A"), {"A_FILE": str(held)}) == "s3"
    assert read_secret(Reference(file=str(held)), {}) == "s3"
    for wrong in (Reference(env="A"), Reference(), Reference(env="A", file="x")):
        with pytest.raises(ConfigError):
            read_secret(wrong, {"B": "s1"})
