"""Whether the parts of the front end that are installed, not committed, are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ioc.doctor.finding import Finding, ok, wrong
from ioc.settings import Settings

_NEEDED: Final = ("maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css")


def check(settings: Settings) -> Iterator[Finding]:
    """Look for what the map cannot do without."""
    vendor = settings.assets_dir / "vendor"
    missing = [name for name in _NEEDED if not any(vendor.rglob(name))]
    if missing:
        yield wrong("assets", ", ".join(missing), "assets_remedy")
    else:
        yield ok("assets", str(settings.assets_dir))
