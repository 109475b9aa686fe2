"""`python -m ioc.doctor`: the findings of `ioc check` as one JSON array, for the page /system."""

from __future__ import annotations

import sys

import msgspec

from ioc import doctor, settings
from ioc.domain.errors import ConfigError


def main() -> int:
    """Print the findings; 1 and one line when the settings cannot be read."""
    try:
        found = list(doctor.check(settings.load()))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
