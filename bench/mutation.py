"""Do the tests find what is wrong? Each planted fault must make one of its tests fail.

`python -m bench.mutation`, `--only NAME[,NAME]`. Works on a copy, which it removes. Prints JSON;
exit 1 when a fault survives, or when a fault no longer fits its file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.faults import FAULTS, Fault
from bench.machine import ROOT, BenchError, say

PATIENCE_S: Final = 900.0
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".*cache*", "__pycache__", ".venv", ".git", ".rig", "node_modules", "rootfs", "dist", ".ioc"
)


def planted(text: str, fault: Fault) -> str:
    """Return a file's text with the fault in it. Raises BenchError when it does not fit."""
    found = text.count(fault.old)
    if found != 1:
        raise BenchError(f"{fault.name}: its line stands {found} times in {fault.file}")
    return text.replace(fault.old, fault.new)


@contextmanager
def copy() -> Iterator[Path]:
    """Yield a copy of the tree in which anything may be written."""
    with tempfile.TemporaryDirectory(prefix="ioc-mutation-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_LEFT_OUT, symlinks=True)
        yield tree


def killed(tree: Path, fault: Fault) -> bool:
    """Plant a fault, run its tests until one fails, and mend the file again."""
    file = tree / fault.file
    text = file.read_text(encoding="utf-8")
    file.write_text(planted(text, fault), encoding="utf-8")
    try:
        return run(tree, fault.tests) != 0
    finally:
        file.write_text(text, encoding="utf-8")


def run(tree: Path, tests: Sequence[str]) -> int:
    """Run tests in a tree. Raises BenchError when pytest could not run them."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("IOC_RIG", None)  # the counts of every day must find them
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode not in {0, 1}:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise BenchError(f"pytest ended with {done.returncode}: {' '.join(last)[:200]}")
    return done.returncode


def measure(faults: Sequence[Fault]) -> dict[str, Any]:
    """Plant one fault after the other; return what became of each."""
    found: dict[str, str] = {}
    with copy() as tree:
        for fault in faults:
            begun = time.monotonic()
            found[fault.name] = "killed" if killed(tree, fault) else "survived"
            say(f"  {fault.name}: {found[fault.name]} ({time.monotonic() - begun:.0f} s)")
    survivors = [name for name, fate in found.items() if fate == "survived"]
    return {"bench": "mutation", "faults": len(found), "survivors": survivors, "fates": found}


def main() -> int:
    """Run the faults; 1 when one survives."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", default="", help="names, with commas between")
    asked = {name for name in words.parse_args().only.split(",") if name}
    unknown = asked - {fault.name for fault in FAULTS}
    if unknown:
        words.error(f"{', '.join(sorted(unknown))}: no such fault")
    try:
        report = measure([fault for fault in FAULTS if not asked or fault.name in asked])
    except BenchError as error:
        sys.stderr.write(f"bench.mutation: {error}\n")
        return 1
    print(json.dumps(report, indent=2))
    return 1 if report["survivors"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
