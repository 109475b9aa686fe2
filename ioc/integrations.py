"""config/integrations.yaml: the exchanges of a province, who answers for each, how we ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from ioc.domain.errors import ConfigError
from ioc.settings import read_yaml

MOST: int = 200

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What we ask: https://… or http://… (a status below 400 is an answer), or tcp://host:port."""

    url: Annotated[str, msgspec.Meta(max_length=400)]
    every_s: Annotated[float, msgspec.Meta(ge=10, le=86_400)] = 60
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be asked; msgspec names the place."""
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https", "tcp"} or not parts.hostname:
            raise ValueError("a probe's url is http://…, https://… or tcp://host:port")
        if parts.scheme == "tcp" and not parts.port:
            raise ValueError("tcp://host:port needs its port")
        if parts.username or parts.password:
            raise ValueError("no password in a probe's url: it is shown in logs")


class Integration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exchange; `id` is the last level of its heartbeat's topic."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    vi: Words
    en: Words
    owner: Words
    probe: Probe | None = None


def load(path: Path) -> tuple[Integration, ...]:
    """Read the exchanges in order; ConfigError names the file and the entry."""
    try:
        found = msgspec.convert(read_yaml(path) or [], tuple[Integration, ...])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    if len(found) > MOST or len({one.id for one in found}) < len(found):
        raise ConfigError(f"{path}: at most {MOST} exchanges, each id once")
    return found
