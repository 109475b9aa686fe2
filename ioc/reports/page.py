"""A printed document: its head, its foot on every sheet, and what stands between, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple

from ioc.text import DEFAULT, Language

# One family for each script: the renderer takes glyphs of one family and weight for those of one
# file. Figures come first, since every file of letters has some, of unequal width.
FONT: Final = '"IOC Digits","IOC Latin","IOC Latin Extended","IOC Vietnamese",sans-serif'


@dataclass(frozen=True, slots=True)
class Document:
    """`body` is HTML whose texts are escaped; `lines` stand below the title, `foot` on each sheet.

    `sheets` is the word between page number and count, with {page} and {pages}.
    """

    title: str
    body: str
    lines: tuple[str, ...] = ()
    issuer: str = ""
    foot: str = ""
    language: Language = DEFAULT
    landscape: bool = False


class Link(NamedTuple):
    """A cell that leads to where its figure comes from."""

    words: str
    href: str


Cell = str | Link


def html(document: Document) -> str:
    """Return the whole document for `ioc.reports.pdf.render`."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in document.lines)
    orientation = "landscape" if document.landscape else "portrait"
    style = _STYLE.replace("PAGE", f"A4 {orientation}").replace("FOOT", _css_text(document.foot))
    style = style.replace("FONT", FONT)
    return (
        f'<!doctype html><html lang="{document.language}"><head><meta charset="utf-8">'
        f"<title>{escape(document.title)}</title>"
        f'<meta name="author" content="{escape(document.issuer, quote=True)}">'
        f"<style>{style}</style></head><body><header>"
        f'<p class="issuer">{escape(document.issuer)}</p><h1>{escape(document.title)}</h1>{lines}'
        f"</header>{document.body}</body></html>"
    )


def table(head: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], numbers: frozenset[int]) -> str:
    """Return a table; columns in `numbers` (from 0) stand to the right, in figures of one width."""

    def cells(row: tuple[Cell, ...], tag: str) -> str:
        marked = (' class="n"' if index in numbers else "" for index in range(len(row)))
        return "".join(
            f"<{tag}{mark}>{_cell(cell)}</{tag}>" for cell, mark in zip(row, marked, strict=True)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.href, quote=True)}">{escape(cell.words)}</a>'
    return escape(cell)


def _css_text(words: str) -> str:
    """Return words as the inside of a CSS string, which ends at no quote and no line of theirs."""
    return "".join(c if c.isalnum() or c in " .,:–-/" else f"\\{ord(c):x} " for c in words)


_STYLE: Final = """
@page{size:PAGE;margin:16mm 15mm 18mm;
 @bottom-left{content:"FOOT";font:400 8pt FONT;color:#515B65}
 @bottom-right{content:counter(page) " / " counter(pages);font:400 8pt FONT;
  color:#515B65}}
html{font:400 10pt/1.45 FONT;color:#15181B}
header{border-bottom:1.5pt solid #15181B;margin-bottom:5mm;padding-bottom:2mm}
h1{font-size:19pt;line-height:1.25;margin:0}
h2{font-size:12.5pt;line-height:1.3;margin:6mm 0 2mm;break-after:avoid}
h3{font-size:10.5pt;margin:3mm 0 1mm;break-after:avoid}
p{margin:0 0 1.5mm}
.issuer,header p{color:#515B65;font-size:9pt;margin:0}
.said{font-size:13pt;line-height:1.4;margin:0 0 4mm}
table{width:100%;border-collapse:collapse;font-size:9pt}
thead{display:table-header-group}
tr{break-inside:avoid}
th{font-weight:600;text-align:left;border-bottom:1pt solid #15181B;padding:1mm 2mm 1mm 0}
td{border-bottom:.5pt solid #BFC5CA;padding:1.2mm 2mm 1.2mm 0;vertical-align:top;
 overflow-wrap:anywhere}
.n{text-align:right;white-space:nowrap}
.counts{display:flex;gap:4mm;margin-bottom:4mm}
.count{flex:1;border:.75pt solid #BFC5CA;border-radius:2mm;padding:3mm}
.count b{display:block;font-size:24pt;line-height:1.1}
.count small{display:block;color:#515B65;font-size:8.5pt}
.pair{display:flex;gap:6mm}
.pair>*{flex:1;min-width:0}
.keep{break-inside:avoid}
a{color:inherit;text-decoration-color:#8B96A1}
.note{color:#515B65;font-size:8.5pt}
svg.drawn{width:100%;height:auto;display:block}
"""
