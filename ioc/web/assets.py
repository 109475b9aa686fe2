"""Files below /assets: compressed once at install, cached for ever where a version is named.

Nothing here is secret (styles, scripts, fonts, icons), so the path is public; what lies outside the
folder, dot files and links that lead out of it do not exist.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ioc.web.problem import problem

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    encoding: str | None
    etag: str
    media_type: str


class Assets:
    """One folder of files."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()

    async def answer(self, request: Request, name: str) -> Response:
        """Return the file `name`, precompressed when the browser takes it; 404 problem else."""
        accepted = request.headers.get("accept-encoding", "")
        found = await asyncio.to_thread(self._find, name, accepted)
        if found is None:
            return problem(404, "not_found")
        versioned = "v" in request.query_params or "m" in request.query_params
        headers = {
            "ETag": found.etag,
            "Vary": "Accept-Encoding",
            "Cache-Control": _FOREVER if versioned else "no-cache",
        }
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if found.encoding is not None:
            headers["Content-Encoding"] = found.encoding
        return FileResponse(found.path, headers=headers, media_type=found.media_type)

    def _find(self, name: str, accepted: str) -> _Found | None:
        media_type = _TYPES.get(Path(name).suffix)
        plain = self._inside(name)
        if plain is None or media_type is None:
            return None
        for encoding, suffix in _ENCODINGS:
            packed = self._inside(name + suffix)
            if encoding in accepted and packed is not None and not _older(packed, plain):
                return _Found(packed, encoding, _etag(packed, encoding), media_type)
        return _Found(plain, None, _etag(plain, ""), media_type)

    def _inside(self, name: str) -> Path | None:
        if "\0" in name or any(part.startswith(".") for part in name.split("/")):
            return None
        try:
            path = (self._root / name.lstrip("/")).resolve()
            return path if path.is_relative_to(self._root) and path.is_file() else None
        except OSError:  # a name longer than any file system allows
            return None


def _older(packed: Path, plain: Path) -> bool:
    """Tell whether the twin is of an earlier edit of the file."""
    return packed.stat().st_mtime_ns < plain.stat().st_mtime_ns


def _etag(path: Path, encoding: str) -> str:
    stat = path.stat()
    return f'"{stat.st_mtime_ns:x}-{stat.st_size:x}{encoding}"'
