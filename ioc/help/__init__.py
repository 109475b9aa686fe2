"""The guides that ship with the product, as headed parts that a page or a link can name.

Markdown, one file a kind of reader; a heading ends in `{#name}`: what a page's "?" leads to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_NAMED: Final = re.compile(r"\s*\{#([a-z][a-z0-9-]*)\}\s*$")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a guide; `body` are its blocks."""

    name: str
    title: str
    body: tuple[SyntaxTreeNode, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide for one kind of reader."""

    title: str
    parts: tuple[Part, ...]


@cache
def guides(language: str = "vi") -> tuple[Guide, ...]:
    """Return every guide in its order."""
    folder = files("ioc.help") / language
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".md")), key=_name)
    return tuple(read(one.read_text("utf-8")) for one in found)


def read(text: str) -> Guide:
    """Read a guide: one heading of the first level, parts by headings of the second."""
    # No HTML in it: a tag is text like any other.
    tree = SyntaxTreeNode(MarkdownIt("commonmark", {"html": False}).parse(text))
    title, parts = "", list[tuple[str, str, list[SyntaxTreeNode]]]()
    for block in tree.children:
        if block.type != "heading":
            if parts:
                parts[-1][2].append(block)
            continue
        words = block.children[0].content
        if block.tag == "h1":
            title = words
            continue
        named = _NAMED.search(words)
        if named is None:
            raise ValueError(f"a part without a name: {words}")
        parts.append((named[1], _NAMED.sub("", words), []))
    return Guide(title, tuple(Part(name, head, tuple(body)) for name, head, body in parts))


def names() -> frozenset[str]:
    """Return the names of all parts."""
    return frozenset(part.name for guide in guides() for part in guide.parts)


def _name(one: object) -> str:
    return str(getattr(one, "name", ""))
