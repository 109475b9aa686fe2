"""Small shapes: problems, the memory of layers, files below /assets."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ioc.text import words
from ioc.web.assets import Assets
from ioc.web.geo import LayerCache
from ioc.web.problem import database_away, problem


def test_a_problem_is_rfc_9457() -> None:
    """Type, title, status and words in one body, of the right media type, never cached."""
    answer = problem(422, "invalid", places=["query.limit"])
    body = json.loads(bytes(answer.body))
    assert body == {
        "type": "urn:ioc:problem:invalid",
        "title": "Unprocessable Content" if "Content" in body["title"] else "Unprocessable Entity",
        "status": 422,
        "detail": words("vi")["web.problem.invalid"],
        "places": ["query.limit"],
    }
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert database_away().headers["retry-after"] == "5"


def test_every_problem_has_words() -> None:
    """A code that is used in the web process and has no words would be a server error."""
    folder = Path(__file__).parents[2] / "ioc" / "web"
    used = {
        code
        for file in folder.rglob("*.py")
        for code in re.findall(r'problem\(\s*\d+, "(\w+)"', file.read_text("utf-8"))
    }
    assert len(used) > 8
    for code in used:
        assert f"web.problem.{code}" in words("vi"), code


def test_layers_stay_within_their_bytes() -> None:
    """The longest unused falls out; one that is asked for stays; the same twice counts once."""
    cache = LayerCache(most=100)
    cache.put(("a", "1"), b"x" * 40)
    cache.put(("b", "1"), b"x" * 40)
    assert cache.get(("a", "1")) is not None
    cache.put(("b", "1"), b"x" * 40)
    cache.put(("c", "1"), b"x" * 40)
    assert cache.get(("b", "1")) is None
    assert cache.get(("a", "1")) is not None
    assert cache.get(("c", "1")) is not None
    cache.put(("huge", "1"), b"x" * 101)
    assert cache.get(("huge", "1")) is None


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """Return a folder with a file, its packed twins, a secret beside it and links."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in ("a.css", "a.css.br", "a.css.gz", "old.js", ".hidden.css", "a.exe"):
        (folder / name).write_text(name)
    (tmp_path / "secret.css").write_text("secret")
    (folder / "out.css").symlink_to(tmp_path / "secret.css")
    (folder / "in.css").symlink_to(folder / "a.css")
    (folder / "old.js.gz").write_text("older")
    os.utime(folder / "old.js.gz", (1, 1))
    return Assets(folder)


def found(assets: Assets, name: str, accepted: str = "") -> tuple[str, str | None] | None:
    file = assets._find(name, accepted)
    return None if file is None else (file.path.name, file.encoding)


def test_the_packed_twin_is_taken_where_it_is_understood(assets: Assets) -> None:
    """Brotli before gzip before plain; a twin older than its file is not believed."""
    assert found(assets, "a.css", "gzip, deflate, br") == ("a.css.br", "br")
    assert found(assets, "a.css", "gzip") == ("a.css.gz", "gzip")
    assert found(assets, "a.css") == ("a.css", None)
    assert found(assets, "old.js", "gzip") == ("old.js", None)
    assert found(assets, "in.css") == ("a.css", None)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.css", "./a.css", "x/../../secret.css", "out.css", ".hidden.css", "a.exe",
        "a.css.br", "none.css", "", "/", "\0.css", "a" * 300 + ".css", "a.css/b.css",
    ],
)  # fmt: skip
def test_nothing_outside_exists(assets: Assets, name: str) -> None:
    """Paths that lead out, dot files, links out, other types: not there, and no error."""
    assert found(assets, name) is None
