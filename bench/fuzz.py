"""Coverage-guided fuzzing of every shipped feed's codec, seeded from the golden messages.

`python -m bench.fuzz --seconds 300` shares the time among the feeds, one process each, and prints
how many inputs were tried and what was found, in the shape of the benchmarks. A finding's input is
kept in `.rig/fuzz/<feed>/`. Needs the extra `fuzz` (atheris).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Final

from bench.machine import ROOT
from bench.report import Figure, Report

KEPT: Final = ROOT / ".rig" / "fuzz"
LONGEST: Final = 4096  # bytes of an input: bombs have tests of their own
SECONDS_AN_INPUT: Final = 5  # instrumented code on a busy machine
MEGABYTES: Final = 2048
GRACE_S: Final = 240.0  # a process that imports, and reads the corpus, before its time begins
_TRIED: Final = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")
_DONE: Final = re.compile(rb"#(\d+)\s+DONE|Done (\d+) runs")


def fuzz(feed: str, seconds: int) -> tuple[int, list[str]]:
    """Fuzz one feed in a process of its own; return inputs tried and what was found."""
    findings = KEPT / feed
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as corpus:
        command = [
            sys.executable, "-m", "bench.fuzz_target", feed, corpus,
            f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SECONDS_AN_INPUT}",
            f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={findings}/", "-print_final_stats=1",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, check=False, timeout=seconds + GRACE_S
        )
    (findings / "log").write_bytes(done.stderr + done.stdout)
    told = _TRIED.search(done.stderr) or _DONE.search(done.stderr)
    tried = int(next(group for group in told.groups() if group)) if told else 0
    found = [path.name for path in findings.iterdir() if path.name != "log"]
    if done.returncode and not found:
        found = [f"ended with {done.returncode}"]
    return tried, found


def main() -> int:
    """Fuzz the feeds that were asked for, else all; exit 1 when something was found."""
    from tests.unit.codec_fuzz import shipped  # noqa: PLC0415  the child must not import it uninstrumented

    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=int, default=300, help="altogether")
    words.add_argument("feeds", nargs="*")
    wanted = words.parse_args()
    feeds: list[str] = wanted.feeds or sorted(shipped())
    each = max(2, wanted.seconds // len(feeds))
    report = Report("fuzz", {"seconds_each": each})
    count = 0
    for feed in feeds:
        tried, found = fuzz(feed, each)
        count += len(found)
        report.figures[f"{feed} inputs"] = Figure([tried], "inputs")
        report.figures[f"{feed} findings"] = Figure([len(found)], "findings", 0, at_least=False)
        sys.stderr.write(f"{feed}: {tried} inputs, {len(found)} findings {' '.join(found)}\n")
    report.emit()
    return int(count > 0)


if __name__ == "__main__":
    raise SystemExit(main())
