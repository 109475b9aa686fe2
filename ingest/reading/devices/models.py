"""Which device a profile, model or decoder name means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ingest.reading.devices import Device, dragino, milesight, model
from ioc.domain.errors import ConfigError

DEVICES: Final[Mapping[str, Device]] = {
    "em500-udl": milesight.EM500_UDL,
    "lht65": dragino.LHT65,
    "lht65n": dragino.LHT65N,
    "lsn50": dragino.LSN50,
    "lsn50v2": dragino.LSN50,
    "ldds75": dragino.LDDS75,
}
# Names of profiles are few, but they come from outside: the memory of them is bounded.
MAX_PROFILES: Final = 1000
_PATTERNS: Final = [(model(name), device) for name, device in DEVICES.items()]


class Models:
    """Finds devices by the names of a network server's profiles; a feed can say more of them."""

    def __init__(self, named: Mapping[str, str]) -> None:
        """`named`: profile -> decoder. Raises ConfigError for a decoder that is not there."""
        for profile, decoder in named.items():
            if decoder not in DEVICES:
                known = ", ".join(DEVICES)
                raise ConfigError(
                    f"options: decoders: {profile}: {decoder!r} is not one of {known}"
                )
        self._named = {profile: DEVICES[decoder] for profile, decoder in named.items()}
        self._seen: dict[str, Device | None] = {}

    def find(self, profile: str) -> Device | None:
        """Return the device of a profile: as the feed names it, else by the model in its name."""
        try:
            return self._seen[profile]
        except KeyError:
            pass
        if len(self._seen) >= MAX_PROFILES:
            self._seen.clear()
        found = self._seen[profile] = self._named.get(profile) or _by_name(profile)
        return found


def _by_name(profile: str) -> Device | None:
    lower = profile[:200].lower()
    return next((device for pattern, device in _PATTERNS if pattern.search(lower)), None)
