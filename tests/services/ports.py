"""Ports below the range the kernel hands out: a server that was down gets its own back."""

from __future__ import annotations

import random
import socket
from typing import Final

# The kernel takes outgoing ports from 32768 up: one of those may take the port of a killed server,
# and a client that dials a dead port of that range can even connect to itself.
LOWEST: Final = 20_000
HIGHEST: Final = 32_000
_random: Final = random.SystemRandom()  # not pytest-randomly's seed: runs side by side differ


def is_free(port: int) -> bool:
    """Return whether nobody listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port nobody listens on."""
    while True:
        port = _random.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port
