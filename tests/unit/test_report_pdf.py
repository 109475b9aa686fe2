"""Documents as PDF: whole letters, our own fonts, and nothing fetched from anywhere."""

from __future__ import annotations

import builtins
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from ioc.reports import page, pdf

ASSETS = Path(__file__).parents[2] / "assets"


def opened(made: bytes) -> bytes:
    """Return a PDF with its compressed streams laid open."""
    found = [made]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", made, re.DOTALL):
        try:
            found.append(zlib.decompressobj().decompress(stream))
        except zlib.error:
            continue  # a stream that is not compressed
    return b"\n".join(found)


def test_a_document_carries_its_own_fonts(caplog: pytest.LogCaptureFixture) -> None:
    """A PDF of Vietnamese text has the product's fonts in it; no other file is read for it."""
    body = f'<p>Nước thải Ễ Ỗ Ậ ữ 2,27 m</p><img src="{Path(__file__).as_uri()}">'
    made = pdf.render(page.html(page.Document("Bản tin", body)), ASSETS)
    assert made.startswith(b"%PDF-")
    assert b"+IOC-Vietnamese" in opened(made)
    assert "not a font of ours" in caplog.text


def test_letters_are_not_mixed_up() -> None:
    """Each script's letters are embedded as a font of its own: one family for two mixes glyphs."""
    made = pdf.render(page.html(page.Document("a", "<p>aễđ1</p>")), ASSETS)
    fonts = set(re.findall(rb"/BaseFont /(\S+)", opened(made)))
    assert len(fonts) >= 3, "letters, letters with marks, figures"


def test_without_pango_one_line_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the libraries hears what to install, not a traceback of ctypes."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'\n\nmore\nlines")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(pdf.RendererMissingError, match="apt install libpango") as refused:
        pdf.render("", ASSETS)
    assert "\n" not in str(refused.value)


def test_a_table_escapes_and_aligns() -> None:
    """Cells are text; columns of numbers are marked."""
    made = page.table(("Nơi", "Số"), [("<b>", "1")], frozenset({1}))
    assert "&lt;b&gt;" in made
    assert made.count('class="n"') == 2


def test_a_foot_cannot_leave_its_string() -> None:
    """A province's name with quotes ends no CSS string."""
    made = page.html(page.Document("x", "", foot='a"}b\n'))
    assert '"}b' not in made
    assert "a\\22 \\7d b\\a " in made
