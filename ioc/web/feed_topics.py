"""The topics of each feed, as its file in config/feeds writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ioc.settings import read_yaml

_BLANK: Final = re.compile(r"\{(\w+)\*?\}")


def load(folder: Path) -> dict[str, list[str]]:
    """Return the topics of every feed by its name; what is no feed file is left out."""
    return {
        feed["name"]: _topics(feed.get("topic", ()))
        for path in sorted(folder.glob("*.yaml"))
        for feed in _feeds(read_yaml(path))
    }


def topic_of(topics: Mapping[str, list[str]], feed: str, device: str) -> str:
    """Return where a device of a feed speaks, its id put in where the topic has one blank."""
    known = topics.get(feed, [])
    if len(known) == 1 and len(_BLANK.findall(known[0])) == 1:
        return _BLANK.sub(lambda _: device, known[0])
    return ", ".join(known)


def _feeds(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  YAML
    for one in document if isinstance(document, list) else [document]:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            yield one


def _topics(given: Any) -> list[str]:  # noqa: ANN401  YAML
    return [given] if isinstance(given, str) else [str(one) for one in given]
