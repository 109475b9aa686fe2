"""The guides: every page of the desk is in them, and nothing in them is markup of our own page."""

from __future__ import annotations

import pytest

from ioc import help as handbook
from ioc.web.pages import guide
from ioc.web.pages.desk import PAGES


def test_every_page_has_its_part() -> None:
    """A page's "?" leads to a part that is there; no two parts have one name."""
    pages = {path.split("/")[1] for _, group in PAGES for path, _, _ in group}
    assert pages - handbook.names() == set()
    every = [part.name for one in handbook.guides() for part in one.parts]
    assert len(every) == len(set(every))


def test_a_tag_in_a_guide_is_text() -> None:
    """No HTML of a guide reaches the page, and no link runs a script."""
    text = "# T\n\n## P {#p}\n\n<script>x</script> **b** [l](javascript:x)\n"
    (part,) = handbook.read(text).parts
    made = str([guide.drawn(block) for block in part.body])
    assert "<script>x</script>" in made
    assert "Strong(['b'])" in made
    assert "href=" not in made


def test_a_part_needs_a_name() -> None:
    """Without one nothing could lead there."""
    with pytest.raises(ValueError, match="without a name"):
        handbook.read("# T\n\n## P\n")
