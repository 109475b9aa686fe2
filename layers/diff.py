"""What an import changes: rows by code, content by digest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diff:
    """Codes in the order of the file; those removed in the order of the layer."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def compare(
    current: Mapping[str, bytes], new: Mapping[str, bytes], kept: Iterable[str] = ()
) -> Diff:
    """Return what makes `new` of `current`.

    `kept`: codes whose row in the file is refused; what the layer has of them stays, since a bad
    cell must not take a station off the map.
    """
    stays = set(kept) - new.keys()
    added = tuple(code for code in new if code not in current)
    changed = tuple(code for code in new if code in current and current[code] != new[code])
    removed = tuple(code for code in current if code not in new and code not in stays)
    unchanged = len(current) - len(changed) - len(removed)
    return Diff(added, changed, removed, unchanged)


def applied(diff: Diff, current: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the layer after the import."""
    gone = set(diff.removed)
    after = {code: digest for code, digest in current.items() if code not in gone}
    return after | {code: new[code] for code in (*diff.added, *diff.changed)}
