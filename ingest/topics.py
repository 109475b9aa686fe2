"""Which feed a topic belongs to: the most literal pattern wins, a tie is a configuration error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ioc.domain.errors import ConfigError

# Seen topics are one dict lookup. 100,000 names of ~60 bytes are about 15 MB; beyond it somebody
# puts a counter in the topic, and the cache starts over.
CACHE_LIMIT: Final = 100_000
_NAMED: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A topic pattern; `{named}` parts are one whole level. `levels` holds None for those."""

    text: str
    levels: tuple[str | None, ...]
    names: tuple[str, ...]

    @property
    def subscription(self) -> str:
        """Return the MQTT topic filter."""
        return "/".join("+" if level is None else level for level in self.levels)

    def parts(self, levels: list[str]) -> dict[str, str] | None:
        """Return the named parts of a topic given as levels; None when it does not match."""
        if len(levels) != len(self.levels):
            return None
        values = []
        for want, have in zip(self.levels, levels, strict=True):
            if want is None:
                values.append(have)
            elif want != have:
                return None
        return dict(zip(self.names, values, strict=True))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a topic leads: the feed and the named parts."""

    feed: str
    parts: Mapping[str, str]


def parse(text: str) -> Pattern:
    """Read a pattern; ConfigError for wildcards, empty levels, names twice or inside a level."""
    levels: list[str | None] = []
    names: list[str] = []
    for level in text.split("/"):
        named = _NAMED.fullmatch(level)
        if named:
            names.append(named[1])
            levels.append(None)
        elif not level or any(c in level for c in "{}+#\0"):
            raise ConfigError(f"topic {text!r}: level {level!r} is neither a word nor {{name}}")
        else:
            levels.append(level)
    if len(set(names)) != len(names):
        raise ConfigError(f"topic {text!r}: a name stands twice")
    return Pattern(text, tuple(levels), tuple(names))


def subscriptions(patterns: Iterable[Pattern]) -> list[str]:
    """Return the filters to subscribe: those that another one covers are left out.

    A broker may deliver a message once for each overlapping filter; messages without a time of
    their own would then be stored twice.
    """
    found = sorted({p.subscription for p in patterns})
    return [f for f in found if not any(g != f and _covers(g, f) for g in found)]


def _covers(general: str, special: str) -> bool:
    wide, narrow = general.split("/"), special.split("/")
    return len(wide) == len(narrow) and all(
        w in ("+", n) for w, n in zip(wide, narrow, strict=True)
    )


class Router:
    """Topic -> route. Not for several threads: the writer owns it."""

    def __init__(self, feeds: Mapping[str, Pattern]) -> None:
        _refuse_ties(feeds)
        self._ordered = sorted(feeds.items(), key=lambda f: _literalness(f[1]), reverse=True)
        self._seen: dict[str, Route | None] = {}

    def match(self, topic: str) -> Route | None:
        """Return the route of a topic, None when no feed has it."""
        try:
            return self._seen[topic]
        except KeyError:
            pass
        if len(self._seen) >= CACHE_LIMIT:
            self._seen.clear()
        route = self._seen[topic] = self._find(topic)
        return route

    def _find(self, topic: str) -> Route | None:
        levels = topic.split("/")
        for feed, pattern in self._ordered:
            parts = pattern.parts(levels)
            if parts is not None:
                return Route(feed, parts)
        return None


def _literalness(pattern: Pattern) -> tuple[int, tuple[bool, ...]]:
    """More literal levels first; of equals the one that is literal further left."""
    literal = tuple(level is not None for level in pattern.levels)
    return sum(literal), literal


def _refuse_ties(feeds: Mapping[str, Pattern]) -> None:
    known = sorted(feeds.items())
    for i, (name, pattern) in enumerate(known):
        for other_name, other in known[i + 1 :]:
            if _count(pattern) == _count(other) and _overlap(pattern, other):
                raise ConfigError(
                    f"feeds {name} and {other_name}: topics {pattern.text!r} and {other.text!r} "
                    "match the same messages and neither is more literal; make one more literal"
                )


def _count(pattern: Pattern) -> int:
    return sum(level is not None for level in pattern.levels)


def _overlap(a: Pattern, b: Pattern) -> bool:
    return len(a.levels) == len(b.levels) and all(
        x is None or y is None or x == y for x, y in zip(a.levels, b.levels, strict=True)
    )
