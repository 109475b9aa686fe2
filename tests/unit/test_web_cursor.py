"""Cursors: what we gave comes back; everything else is refused, never a crash."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.web.api.cursor import LONGEST, CursorError, decode, decode_id, encode

VALUES = st.lists(st.integers(0, 2**63 - 1) | st.text(max_size=20), min_size=1, max_size=3)


@given(VALUES)
def test_a_place_comes_back(place: list[int | str]) -> None:
    """Any place survives the way through an address, unescaped."""
    cursor = encode(*place)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert decode(cursor, len(place)) == place


@given(st.text(max_size=LONGEST))
def test_junk_is_refused(cursor: str) -> None:
    """Any text is a place of ours or a CursorError."""
    try:
        place = decode(cursor, 1)
    except CursorError:
        return
    assert len(place) == 1


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False)
        | st.integers(-(2**63), 2**64 - 1)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
    )
)
def test_an_id_is_an_id(value: object) -> None:
    """A list by id goes on from a number that the database can hold, and from nothing else."""
    cursor = urlsafe_b64encode(orjson.dumps([value])).rstrip(b"=").decode()
    good = type(value) is int and 0 <= value < 2**63
    if good:
        assert decode_id(cursor) == value
    else:
        with pytest.raises(CursorError):
            decode_id(cursor)


def test_no_cursor_is_the_begin() -> None:
    """The first page needs none."""
    assert decode_id(None) == 0


def test_the_longest_cursor_of_ours_fits() -> None:
    """An alert's place is an instant and an id; both fit into what a request may send."""
    longest = encode("2026-12-31T23:59:59.999999+00:00", "f" * 36)
    assert len(longest) < LONGEST
