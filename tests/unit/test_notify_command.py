"""`ioc notify`: who is told, a test message with its receipt, a refusal with its line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http_sink import Answer, sink

ROOT = Path(__file__).resolve().parents[2]
FILE = """
targets:
  - {name: lan, person: Nguyễn Thị Lan, channel: webhook, address: "URL"}
  - {name: minh, person: Trần Văn Minh, channel: webhook, address: "URL"}
policies:
  - {name: critical, severity: [critical], kind: [environment], tell: ["rota:duty"]}
rota:
  duty:
    - {hours: "19:00-07:00", tell: [minh]}
    - {hours: "07:00-19:00", tell: [lan]}
"""


def notify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", "notify", *arguments],
        cwd=ROOT,
        env={"PATH": os.defpath, "IOC_CONFIG_DIR": str(folder), "IOC_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "config" / "ioc.toml", tmp_path / "ioc.toml")
    return tmp_path


def write(folder: Path, url: str = "http://127.0.0.1:1/") -> None:
    (folder / "notify.yaml").write_text(FILE.replace("URL", url), encoding="utf-8")


def test_who_is_told_now_and_at_night(folder: Path) -> None:
    """Names of people by the rota; an hour or kind that nobody covers says so loudly."""
    write(folder)
    night = notify(folder, "who", "--severity", "critical", "--kind", "environment").stdout
    assert night.rstrip().endswith("Trần Văn Minh – webhook, đích minh, theo chính sách critical")
    asked = ("who", "--severity", "critical", "--kind", "environment", "--at")
    noon = notify(folder, *asked, "2026-11-24T12:00").stdout
    assert noon.splitlines()[-2:] == [
        "Lúc 24/11/2026 12:00",
        "  Nguyễn Thị Lan – webhook, đích lan, theo chính sách critical",
    ]
    assert "KHÔNG AI" in notify(folder, "who", "--severity", "low", "--kind", "environment").stdout
    assert notify(folder, *asked, "soon").returncode == 2


def test_a_test_message_prints_its_receipt(folder: Path) -> None:
    """Exit 0 with the receipt; exit 1 with the reason and whether a retry helps."""
    with sink(lambda n: Answer(204 if n == 0 else 410)) as there:
        write(folder, there.url)
        good = notify(folder, "test", "lan")
        bad = notify(folder, "test", "lan")
    assert (good.returncode, bad.returncode) == (0, 1)
    assert "Biên nhận: HTTP 204" in good.stdout
    assert "HTTP 410" in bad.stdout
    assert "không có ích" in bad.stdout
    data = there.posted[0].json["data"]
    assert data["subject"].startswith("[DIỄN TẬP]")
    assert data["form"] == "test"


def test_a_wrong_name_or_file_is_one_line(folder: Path) -> None:
    """Exit 2, what is wrong and where; no traceback."""
    write(folder)
    unknown = notify(folder, "test", "mai")
    assert unknown.returncode == 2
    assert "lan, minh" in unknown.stderr
    (folder / "notify.yaml").write_text(FILE.replace("rota:duty", "mai"), encoding="utf-8")
    wrong = notify(folder, "who", "--severity", "low", "--kind", "x")
    assert wrong.returncode == 2
    assert "notify.yaml:6: no target named 'mai'" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1
