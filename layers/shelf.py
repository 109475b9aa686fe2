"""Where imported layers are kept, as an import sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ioc.domain.errors import LayerFileError
from ioc.domain.layer import Feature, LayerImport, Standing


class Shelf(Protocol):
    """Where layers are kept."""

    def standing(self, layer: str) -> Standing: ...

    def remembered(self, fingerprint: str) -> Mapping[str, str]: ...

    def places(self, layer: str, codes: list[str]) -> Mapping[str, tuple[float, float]]: ...

    def features(self, layer: str, codes: list[str]) -> list[Feature]: ...

    def things(self) -> Mapping[str, int]: ...

    def commit(self, made: LayerImport) -> None: ...


class EmptyShelf:
    """No database: a dry run in which every row is new."""

    def standing(self, layer: str) -> Standing:  # noqa: ARG002
        return Standing()

    def remembered(self, fingerprint: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def places(self, layer: str, codes: list[str]) -> Mapping[str, tuple[float, float]]:  # noqa: ARG002
        return {}

    def features(self, layer: str, codes: list[str]) -> list[Feature]:  # noqa: ARG002
        return []

    def things(self) -> Mapping[str, int]:
        return {}

    def commit(self, made: LayerImport) -> None:  # noqa: ARG002
        raise LayerFileError("no_database")
