"""The `options` of a feed file -> the struct of the codec that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ioc.domain.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)


def read_options(options: Mapping[str, Any], wanted: type[T]) -> T:
    """Return the options; ConfigError names what is wrong and what there is."""
    try:
        return msgspec.convert(options, wanted)
    except msgspec.ValidationError as error:
        there = ", ".join(wanted.__struct_fields__) or "none"
        raise ConfigError(f"options: {error}; there are: {there}") from error
