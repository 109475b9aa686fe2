"""What the documents say exists, and what exists is documented: formats, feeds, reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest

from ingest import feeds
from ioc import catalogue
from ioc.text import words

ROOT: Final = Path(__file__).resolve().parents[2]
FEEDS: Final = ROOT / "config" / "feeds"
README: Final = (ROOT / "README.md").read_text("utf-8")
FORMATS: Final = (ROOT / ".docs" / "formats.md").read_text("utf-8")
FILE: Final = re.compile(r"`([a-z0-9_*-]+\.yaml)`")
# Reasons and ignored codes as the sources write them; a letter's reason is its third argument.
REASON: Final = re.compile(
    r'(?:PayloadError|refused|_refuse)\(\s*"(\w+)"|\bLetter\([^()"]*(?:\([^()]*\)[^()"]*)*"(\w+)"'
    r'|\breason = "(\w+)" if [^\n]* else "(\w+)"'
)
IGNORED: Final = re.compile(r'Ignored\(\s*"(\w+)"')


def sources() -> Iterator[str]:
    """Yield the text of every module that may refuse a message."""
    for folder in ("ingest", "ioc/storage", "ioc/domain"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.read_text("utf-8")


def rows() -> dict[str, list[str]]:
    """Return the feed files of each codec in the table of formats."""
    lines = [line for line in FORMATS.splitlines() if re.match(r"\| `\w+` \| `", line)]
    return {line.split("`")[1]: FILE.findall(line.split("|")[2]) for line in lines}


def files_of(pattern: str) -> list[Path]:
    """Return the feed files that a name in a table stands for."""
    return sorted(FEEDS.glob(pattern))


def test_every_format_is_in_the_table_and_no_other() -> None:
    """The table lists exactly the codecs that an installation offers."""
    assert set(rows()) == {found.name for found in entry_points(group="ioc.codecs")}


@pytest.mark.parametrize("codec", sorted(rows()))
def test_a_format_has_its_feed_and_golden_messages(codec: str) -> None:
    """Each named file exists, is of that codec, and one of its feeds has golden messages."""
    named = [file for pattern in rows()[codec] for file in files_of(pattern)]
    assert len(named) >= len(rows()[codec])
    for file in named:
        assert re.search(rf"^ *codec: {codec}$", file.read_text("utf-8"), re.MULTILINE), file.name
    assert any(list((ROOT / "tests" / "golden" / file.stem).glob("*.json")) for file in named)


def test_every_shipped_feed_is_in_the_table() -> None:
    """A feed file that no document names is found by nobody."""
    named = {file for of_codec in rows().values() for one in of_codec for file in files_of(one)}
    assert set(FEEDS.glob("*.yaml")) == named


def test_the_readme_names_files_that_exist() -> None:
    """A stranger can open each feed file and each document that the README names."""
    for name in FILE.findall(README):
        assert files_of(name) or list((ROOT / "config").rglob(name)), name
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_shipped_meanings_are_in_the_catalogue() -> None:
    """Every property that a shipped feed or its format names is one of config/catalog."""
    shipped = feeds.load(FEEDS, examples=True)
    assert len(shipped) >= len(list(FEEDS.glob("*.yaml")))
    feeds.refuse_unknown_properties(shipped.values(), catalogue.load(ROOT / "config" / "catalog"))


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(("section", "pattern"), [("reason", REASON), ("ignored", IGNORED)])
def test_every_code_has_words(language: str, section: str, pattern: re.Pattern[str]) -> None:
    """No refusal reaches an operator as a bare code, in either language."""
    used = {code for text in sources() for found in pattern.findall(text)
            for code in ([found] if isinstance(found, str) else found) if code}  # fmt: skip
    assert len(used) > (30 if section == "reason" else 5)
    known = words(language)
    assert [code for code in sorted(used) if f"{section}.{code}" not in known] == []
