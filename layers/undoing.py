"""Back to what a layer was before its last import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ioc.domain.layer import Feature, Published
from layers import publish


class Past(Protocol):
    """Where what layers were is kept."""

    def before(self, layer: str) -> tuple[int, list[Feature]]: ...

    def things(self) -> Mapping[str, int]: ...

    def restore(self, layer: str, to: int, published: Published | None, by: str) -> int: ...


def undo(past: Past, layer: str, hidden: Iterable[str], by: str) -> Published | None:
    """Publish a layer's content before its last import again; None: it had none.

    LayerFileError when there is nothing before, or an import came in between.
    """
    to, rows = past.before(layer)
    published = publish.features(rows, past.things(), hidden, layer) if rows else None
    past.restore(layer, to, published, by)
    return published
