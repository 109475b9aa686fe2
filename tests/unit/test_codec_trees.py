"""A document's leaves: order, names, bounds."""

from __future__ import annotations

from typing import Any

from ingest.codec import Ignored
from ingest.reading import json_values, tree
from ingest.reading.tree import Leaf, Shape
from ioc.domain.errors import PayloadError


def refusals(found: list[Any]) -> list[str]:
    return [one.reason for one in found if isinstance(one, PayloadError)]


def test_order_and_paths() -> None:
    """Leaves come in the document's own order; an array's elements are numbered from 0."""
    found = tree.leaves({"b": {"x": 1, "a": [2, {"y": 3}]}, "a": None}, Shape())
    assert found == [
        Leaf("b/x", "x", 1),
        Leaf("b/a/0", "a", 2),
        Leaf("b/a/1/y", "y", 3),
        Leaf("a", "a", None),
    ]


def test_descriptions_are_told_once() -> None:
    """However many keys describe the device, one outcome says so; what the codec uses is silent."""
    shape = Shape(used=frozenset({"t"}), metadata=frozenset({"id", "wifi/mode"}))
    root = {"t": 1, "id": "x", "wifi": {"mode": "n", "id": {"deep": 1}, "t": 2}}
    assert tree.leaves(root, shape) == [Ignored("metadata"), Leaf("wifi/t", "t", 2)]


def test_depth_is_bounded() -> None:
    """A branch deeper than any device's is refused alone; its neighbours are read."""
    deep: dict[str, Any] = {"v": 1}
    for _ in range(tree.MAX_DEPTH - 2):
        deep = {"d": deep}
    found = tree.leaves({"a": deep, "b": {"d": deep}, "c": 1}, Shape())
    assert refusals(found) == ["too_deep"]
    assert isinstance(found[0], Leaf)
    assert found[-1] == Leaf("c", "c", 1)


def test_names_that_cannot_be_stored() -> None:
    """A key that is empty, unprintable or too long is refused alone."""
    found = tree.leaves({"": 1, "a\x00": 1, "\ud800": 1, "k" * 201: 1, "ok": 1}, Shape())
    assert refusals(found) == ["unnamed_channel"] * 4
    assert found[-1] == Leaf("ok", "ok", 1)


def test_words_of_printf() -> None:
    """The words nan and inf, which C writes and JSON has not, cost their own channel only."""
    found = json_values.document(b'{"a":nan,"b":[ -inf , NAN],"s":"x,nan,y","c":1}')
    assert str(found) == "{'a': nan, 'b': [-inf, nan], 's': 'x,nan,y', 'c': 1}"
