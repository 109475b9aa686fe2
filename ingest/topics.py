"""Which feed a topic belongs to: the most literal pattern wins, a tie is a configuration error.

A tie: two patterns that are literal at the same levels and can match one topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from ioc.domain.errors import ConfigError

# Seen topics are one dict lookup. 200,000 names of ~60 bytes are about 30 MB; beyond it somebody
# puts a counter in the topic, and the cache starts over.
CACHE_LIMIT: Final = 200_000
_NAMED: Final = re.compile(r"\{([a-z][a-z0-9_]*)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A topic pattern: `{name}` is one whole level, `{name*}` (last only) one level or more.

    `levels` holds None for named single levels; `tail` says that more may follow the last.
    """

    text: str
    levels: tuple[str | None, ...]
    names: tuple[str, ...]
    tail: bool = False

    @property
    def subscription(self) -> str:
        """Return the MQTT topic filter."""
        words = ["+" if level is None else level for level in self.levels]
        if self.tail:
            words[-1] = "#"
        return "/".join(words)

    def parts(self, levels: list[str]) -> dict[str, str] | None:
        """Return the named parts of a topic given as levels; None when it does not match."""
        if self.tail and len(levels) > len(self.levels):
            last = len(self.levels) - 1
            levels = [*levels[:last], "/".join(levels[last:])]
        if len(levels) != len(self.levels):
            return None
        values = []
        for want, have in zip(self.levels, levels, strict=True):
            if want is None:
                values.append(have)
            elif want != have:
                return None
        return dict(zip(self.names, values, strict=True))

    @property
    def rank(self) -> tuple[int, bool, tuple[bool, ...]]:
        """More literal levels first; of equals the one without an open end, then the left one.

        Left: literal where the other is not. `telegraf/{host}/{name}` is somebody's own tree,
        `{key}/{device}/attrs` reaches into everybody's.
        """
        literal = tuple(level is not None for level in self.levels)
        return sum(literal), not self.tail, literal

    def overlaps(self, other: Pattern) -> bool:
        """Say whether some topic matches both."""
        if not self.tail and not other.tail and len(self.levels) != len(other.levels):
            return False
        short, long = sorted((self, other), key=lambda p: len(p.levels))
        if len(short.levels) < len(long.levels) and not short.tail:
            return False
        pairs = zip(short.levels, long.levels, strict=False)
        return all(a is None or b is None or a == b for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a topic leads: the feed and the named parts."""

    feed: str
    parts: Mapping[str, str]


def parse(text: str) -> Pattern:
    """Read a pattern; ConfigError for wildcards, empty levels, names twice or inside a level.

    A slash in front is allowed: some gateways' default topics have one.
    """
    levels: list[str | None] = []
    names: list[str] = []
    words = text.split("/")
    tail = False
    for position, level in enumerate(words, 1):
        named = _NAMED.fullmatch(level)
        if named:
            if named[2] and position < len(words):
                raise ConfigError(f"topic {text!r}: {level} can only be the last level")
            tail = bool(named[2])
            names.append(named[1])
            levels.append(None)
        elif _is_wrong(level, position, len(words)):
            raise ConfigError(f"topic {text!r}: level {level!r} is neither a word nor {{name}}")
        else:
            levels.append(level)
    if len(set(names)) != len(names):
        raise ConfigError(f"topic {text!r}: a name stands twice")
    return Pattern(text, tuple(levels), tuple(names), tail)


def _is_wrong(level: str, position: int, of: int) -> bool:
    if not level:
        return position > 1 or of == 1
    return any(c in level for c in "{}+#\0")


def subscriptions(patterns: Iterable[Pattern]) -> list[str]:
    """Return the filters to subscribe: those that another one covers are left out.

    A broker may deliver a message once for each overlapping filter; messages without a time of
    their own would then be stored twice.
    """
    found = sorted({p.subscription for p in patterns})
    return [f for f in found if not any(g != f and _covers(g, f) for g in found)]


def _covers(general: str, special: str) -> bool:
    wide, narrow = general.split("/"), special.split("/")
    if narrow[0].startswith("$") and wide[0] in ("+", "#"):
        return False  # no wildcard reaches the broker's own topics
    if wide[-1] == "#":
        wide = wide[:-1]  # "a/#" matches "a" too
        if len(narrow) < len(wide):
            return False
        narrow = narrow[: len(wide)]
    return len(wide) == len(narrow) and all(
        w in ("+", n) and n != "#" for w, n in zip(wide, narrow, strict=True)
    )


class Router:
    """Topic -> route. Not for several threads: the writer owns it."""

    def __init__(self, feeds: Mapping[str, Sequence[Pattern]]) -> None:
        known = [(name, pattern) for name, patterns in feeds.items() for pattern in patterns]
        _refuse_ties(known)
        self._ordered = sorted(known, key=lambda f: f[1].rank, reverse=True)
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


def _refuse_ties(known: Sequence[tuple[str, Pattern]]) -> None:
    for (name, pattern), (other_name, other) in combinations(known, 2):
        if pattern.rank == other.rank and pattern.overlaps(other):
            raise ConfigError(
                f"feeds {name} and {other_name}: topics {pattern.text!r} and {other.text!r} "
                "match the same messages and neither is more literal; make one more literal"
            )
