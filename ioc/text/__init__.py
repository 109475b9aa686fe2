"""Every word a user reads, in Vietnamese (default) and English.

Keys are dotted (`wall.silent`); placeholders are `{name}`. A key that is missing in English falls
back to Vietnamese; one missing in Vietnamese is a bug and raises KeyError.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

Language = Literal["vi", "en"]
DEFAULT: Final[Language] = "vi"


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


@cache
def words(language: Language) -> Mapping[str, str]:
    """Return all words of a language by dotted key, Vietnamese filling the holes."""
    own = tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    found = dict(_flatten(own))
    return found if language == DEFAULT else {**words(DEFAULT), **found}


def say(key: str, language: Language = DEFAULT, **values: object) -> str:
    """Return the words of `key` with its placeholders filled."""
    return words(language)[key].format(**values)
