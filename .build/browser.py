"""Make sure that a Chromium is at hand for the browser tests; nothing is downloaded past apt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    if any(shutil.which(name) for name in NAMES):
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("• Chromium: installing for the browser tests", flush=True)
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"]
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run([*apt, *words], stdout=subprocess.DEVNULL, check=False)
        return 0
    print("browser tests need a Chromium or Chrome: apt install chromium (they are left out now)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
