"""Paths into parsed JSON, ids of things, names of channels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ingest.reading import paths
from ingest.reading.paths import ABSENT
from ioc.domain.errors import ConfigError, PayloadError
from tests.unit.codec_feeds import json_like, many

DOCUMENT: dict[str, Any] = {"a": {"b.c": 1, "list": [{"x": 5}]}, "0": "zero"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.list.0.x", 5),
        (["a", "b.c"], 1),
        ("0", "zero"),
        ("a.b", ABSENT),
        ("a.list.1.x", ABSENT),
        ("a.list.-1", ABSENT),
        ("0.x", ABSENT),
    ],
)
def test_walk(path: str | list[str], value: Any) -> None:
    """Keys, keys with dots, indexes; what is not there is absent, not an error."""
    assert paths.getter(path)(DOCUMENT) == value


@pytest.mark.parametrize("path", ["", "a..b", ".a", [], ["a", ""]])
def test_empty_parts_are_refused(path: Any) -> None:
    """A path with a hole is a configuration error."""
    with pytest.raises(ConfigError):
        paths.getter(path)


def test_the_raw_name_is_the_path() -> None:
    """Both ways to write a path are joined by a slash."""
    assert (paths.joined("a.b"), paths.joined(["a", "b.c"])) == ("a/b", "a/b.c")


def test_a_thing_is_named_by_topic_or_payload() -> None:
    """Topic parts in braces, one or several; a path looks in the record, then in the payload."""
    parts = {"a": "x", "b": "y"}
    assert paths.name("{a}", ["a"])(parts, None, None) == "x"
    assert paths.name("{a}/{b}", ["a", "b"])(parts, None, None) == "x/y"
    by_path = paths.name("id", [])
    assert by_path({}, {"id": 7}, {"id": 8}) == "7"
    assert by_path({}, {}, {"id": " S 1 "}) == "S 1"
    with pytest.raises(ConfigError, match=r"\{c\}"):
        paths.name("{c}", ["a"])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ABSENT, "no_thing"), (None, "no_thing"), (" ", "no_thing"), (True, "no_thing"),
        (1.5, "no_thing"), ([], "no_thing"), ("x" * 201, "bad_thing"), ("a\nb", "bad_thing"),
        ("\ud800", "bad_thing"),
    ],
)  # fmt: skip
def test_what_names_no_thing(raw: Any, reason: str) -> None:
    """Nothing, something that cannot be an id, and ids that no screen can show."""
    with pytest.raises(PayloadError) as refusal:
        paths.named(raw)
    assert refusal.value.reason == reason


@many
@given(json_like("a"))
def test_names_fit_the_store(raw: Any) -> None:
    """Whatever is taken as a thing, a channel or a unit can be stored, shown and compared."""
    for read in (paths.named, paths.channel, paths.unit):
        try:
            text = read(raw)
        except PayloadError as error:
            error.detail.encode()
            continue
        assert text is None or (text == text.strip() and text.isprintable())
        assert text is None or 0 < len(text) <= paths.MAX_NAME
    assert len(paths.shown(raw)) <= 80
    paths.shown(raw).encode()


@pytest.mark.parametrize("digits", [309, 4300, 4301, 9000])
def test_integers_that_python_does_not_print(digits: int) -> None:
    """An endless integer is refused as an id and can be quoted, whatever it is."""
    endless = 10**digits
    assert paths.shown(endless) == "a number beyond any"
    with pytest.raises(PayloadError) as refusal:
        paths.named(endless)
    assert refusal.value.reason == "bad_thing"
