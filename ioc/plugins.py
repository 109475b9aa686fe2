"""Built-in features and a stranger's go through the same door: entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from ioc.domain.errors import ConfigError


@cache  # what is installed is read from every package's files: 50 ms each time
def load(group: str, name: str) -> Any:  # noqa: ANN401  the group's protocol is the caller's
    """Return the object that entry point `name` of `group` names; ConfigError if there is none."""
    found = entry_points(group=group, name=name)
    if not found:
        known = ", ".join(sorted(e.name for e in entry_points(group=group))) or "none"
        raise ConfigError(f"no {group} plug-in named {name!r} (known: {known})")
    return next(iter(found)).load()
