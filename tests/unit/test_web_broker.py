"""The web's line to the broker: bounded while a broker is connected and says nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ioc.web import broker as module
from ioc.web.broker import Broker, BrokerAwayError, Outgoing

CONNACK = bytes.fromhex("2003000000")
MESSAGE = Outgoing("ioc/http/a", b"{}", "application/json", "1")


class Silent:
    """Greets each connection and never confirms a message."""

    def __init__(self) -> None:
        self.lines: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        await reader.read(1)
        writer.write(CONNACK)
        while await reader.read(65536):
            pass
        writer.close()

    def hang_up(self) -> None:
        for line in self.lines:
            line.close()


async def outcome(broker: Broker) -> str:
    """Publish; return what came of it."""
    try:
        await broker.publish(MESSAGE)
    except BrokerAwayError as error:
        return error.code
    return "taken"


async def story() -> tuple[Counter[str], str, int, str, int]:
    silent = Silent()
    server = await asyncio.start_server(silent.serve, "127.0.0.1", 0)
    broker = Broker(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    first = await asyncio.gather(*(outcome(broker) for _ in range(module.MOST_WAITING + 8)))
    then, lines = await outcome(broker), len(silent.lines)
    silent.hang_up()
    async with asyncio.timeout(10):
        while len(silent.lines) == lines:
            after = await outcome(broker)
            await asyncio.sleep(0.01)  # a refusal at once never lets the loop hear of the end
    await broker.close()
    server.close()
    return Counter(first), then, lines, after, len(silent.lines)


def test_a_silent_broker_holds_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unanswered messages keep their places: no more are given to a broker that is silent.

    One connection serves all; when it ends the places are free and the next request makes another.
    """
    monkeypatch.setattr(module, "ANSWER_S", 0.5)
    first, then, lines, after, later = asyncio.run(story())
    assert first == {"broker_away": module.MOST_WAITING, "broker_busy": 8}
    assert (then, lines) == ("broker_busy", 1)
    assert (after, later) == ("broker_away", 2)
