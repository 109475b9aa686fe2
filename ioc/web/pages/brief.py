"""`/brief`: the leaders' tablet, plain HTML that assets/modules/brief fills; Dash is not loaded.

The page carries the words it needs, so a tablet that kept it says everything without a line. What
belongs to the page has one version: the hash of its files, in their addresses and in the name of
the service worker's cache.
"""

from __future__ import annotations

from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson

from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say, words
from ioc.web import identity

_FOLDER: Final = "modules/brief"
# What the page's own modules take from the others; a module that is not named here is missing
# without a line, and tests/e2e/test_brief_page.py finds it.
_SHARED: Final = (
    "tokens.css",
    "base.css",
    "modules/dom.mjs",
    "modules/header.mjs",
    "modules/live.mjs",
    "modules/marks.mjs",
    "modules/store.mjs",
    "modules/words.mjs",
)
_SPOKEN: Final = ("brief.", "severity.", "common.", "wall.", "alert.mask.")


class Shell:
    """The page as it is before anybody's state is in it."""

    def __init__(self, settings: Settings) -> None:
        self._province = settings.province
        self._assets = settings.assets_dir
        self._own = sorted(
            path.relative_to(settings.assets_dir).as_posix()
            for path in (settings.assets_dir / _FOLDER).iterdir()
            if path.suffix in {".css", ".mjs"} and path.name != "worker.mjs"
        )
        self._fonts = sorted(
            path.relative_to(settings.assets_dir).as_posix()
            for path in (settings.assets_dir / "vendor/fonts").glob("*.woff2")
        )
        self._words = orjson.dumps(_spoken()).decode().replace("</", "<\\/")
        self._page = files("ioc.web.pages").joinpath("brief.html").read_text(encoding="utf-8")
        self._version = self._hash()

    def _hash(self) -> str:
        digest = sha256((self._page + self._words).encode())
        for name in (*_SHARED, *self._own, f"{_FOLDER}/worker.mjs"):
            digest.update((self._assets / name).read_bytes())
        return digest.hexdigest()[:12]

    def html(self) -> str:
        """Return the page for whoever asks."""
        who = identity.current()
        name = (who.display_name or who.actor) if who else ""
        may = {
            "direct": who is not None and who.may(Action.DIRECT_ALERT),
            "report": who is not None and who.may(Action.SEE_API),
        }
        sheets = ("tokens.css", "base.css", f"{_FOLDER}/brief.css")
        links = "".join(
            f'<link rel="stylesheet" href="/assets/{sheet}?v={self._version}">' for sheet in sheets
        )
        said = {key.replace(".", "_"): escape(say(f"brief.{key}")) for key in _SAID}
        return self._page.format(
            **said,
            links=links,
            version=self._version,
            title=escape(f"{say('brief.nav')} – {self._province.name}"),
            province=escape(f"{self._province.title_vi} {self._province.name}"),
            zone=escape(self._province.zone, quote=True),
            name=escape(name),
            initials=escape(_initials(name)),
            user=escape(who.actor if who else "", quote=True),
            may_direct="yes" if may["direct"] else "no",
            may_report="yes" if may["report"] else "no",
            sim=escape(say("wall.simulated")),
            words=self._words,
        )

    def worker(self) -> str:
        """Return the service worker with its version and the files it keeps."""
        files = [f"/assets/{name}" for name in (*_SHARED, *self._own, *self._fonts)]
        facts = orjson.dumps({"version": self._version, "files": files}).decode()
        script = (self._assets / _FOLDER / "worker.mjs").read_text(encoding="utf-8")
        return f"const KEPT = {facts};\n{script}"

    def manifest(self) -> dict[str, Any]:
        """Return what a browser needs to install the page."""
        name = f"{say('brief.nav')} {self._province.name}"
        return {
            "id": "/brief",
            "name": name,
            "short_name": say("brief.nav"),
            "lang": "vi",
            "start_url": "/brief",
            "scope": "/brief",
            "display": "standalone",
            "background_color": "#E4E6E8",
            "theme_color": "#E4E6E8",
            "icons": [
                _icon("icon-192.png", "192x192", "any"),
                _icon("icon-512.png", "512x512", "any"),
                _icon("icon-512.png", "512x512", "maskable"),
            ],
        }


def _icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    return {
        "src": f"/assets/{_FOLDER}/{name}",
        "sizes": sizes,
        "type": "image/png",
        "purpose": purpose,
    }


def _spoken() -> dict[str, str]:
    return {key: text for key, text in words("vi").items() if key.startswith(_SPOKEN)}


def _initials(name: str) -> str:
    """Return the first letters of the last two words: a Vietnamese name's own name stands last."""
    parts = name.replace("-", " ").split()
    return "".join(part[0] for part in parts[-2:]).upper()


def missing(assets: Path) -> list[str]:
    """Return the shared files that do not exist."""
    return [name for name in _SHARED if not (assets / name).is_file()]


_SAID: Final = (
    "as_of", "reports", "account", "counts", "critical_word", "map", "map_open", "map_close",
    "worst", "order", "direct", "comment", "kind", "write", "send", "close", "chart",
    "report_day", "report_week", "report_title", "pdf", "xlsx", "push_on", "push_off", "pages",
    "logout", "attribution", "range_label", "station", "range.day", "range.week", "range.month",
)  # fmt: skip
