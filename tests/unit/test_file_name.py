"""Names of uploaded files: safe everywhere, and still telling the layer and the kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.file_name import LONGEST, neutral


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Trạm BTS 2026.geojson", "Tram_BTS_2026.geojson"),
        ("C:\\\\Tải về\\\\cột.zip", "cot.zip"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        (".htaccess", "htaccess"),
        ("a.tar.gz", "a.tar.gz"),
        ("…", "tep"),
        ("….csv", "csv"),
    ],
)
def test_what_tells_something_stays(given_name: str, kept: str) -> None:
    """The stem names the layer and the ending its format; folders and marks are gone."""
    assert neutral(given_name) == kept


@given(st.text(max_size=300))
def test_any_name_is_safe(text: str) -> None:
    """Whatever a browser sends becomes one short name of plain letters that is no hidden file."""
    name = neutral(text)
    assert 0 < len(name) <= LONGEST
    assert name.isascii()
    assert not set(name) & set("/\\ ")
    assert name[0] not in ".-"
