"""The web's way to the broker: one connection, made when it is first needed, for QoS 1 messages.

A connection that ends takes its unanswered messages with it: their senders hear that nobody
confirmed them and send them again. Nothing is sent later behind the back of a sender who was told
to repeat; so paho never reconnects here, each connection is a client of its own.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ioc.domain.errors import Refusal

# A healthy broker confirms within milliseconds; a sender that waits longer is better off repeating.
ANSWER_S: Final = 5.0
CONNECT_S: Final = 3.0
# Messages without an answer: 32 of 1 MiB are 64 MiB with paho's copy. Who came too late to hear the
# answer still holds a place until it arrives or the connection ends.
MOST_WAITING: Final = 32
KEEPALIVE_S: Final = 10  # a line that went silent is noticed within twice this
PAUSE_S: Final = 1.0  # after a connection that failed nobody tries another for so long
_ENVELOPE: Final = 512  # bytes of a packet beside its payload, at most: topic and properties
_NOBODY: Final = 0x10  # no matching subscribers: a success to the protocol, a loss to the sender
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

log = structlog.get_logger()


class BrokerAwayError(Refusal):
    """The broker did not take a message; `code` has words under `web.problem.<code>`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class PacketTooLargeError(Refusal):
    """The broker announced that it takes no packet of this size."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message: whose body it is and what it is said to be, beside the body itself."""

    topic: str
    payload: bytes
    content_type: str
    message_id: str

    def properties(self) -> Properties:
        found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        found.ContentType = self.content_type
        found.UserProperty = ("message_id", self.message_id)
        return found


@dataclass(slots=True)
class _Line:
    """One connection, from its making to its end; touched by the event loop alone."""

    client: mqtt.Client
    greeted: asyncio.Future[None]
    waiting: dict[int, asyncio.Future[ReasonCode]] = field(default_factory=dict)
    room: int = MOST_WAITING
    largest: int = 1 << 28  # the protocol's own limit
    ended: bool = False

    def hello(self, reason: ReasonCode, properties: Properties | None) -> None:
        """Take the broker's greeting and its limits."""
        self.room = min(MOST_WAITING, getattr(properties, "ReceiveMaximum", MOST_WAITING))
        self.largest = getattr(properties, "MaximumPacketSize", self.largest)
        if self.greeted.done():
            return
        if reason.is_failure:
            self.greeted.set_exception(BrokerAwayError("broker_refused", str(reason)))
        else:
            self.greeted.set_result(None)

    def answer(self, number: int, reason: ReasonCode) -> None:
        """Take the broker's word on one message."""
        future = self.waiting.pop(number, None)
        if future is not None and not future.done():
            future.set_result(reason)

    def end(self, why: str) -> None:
        """Let go of everybody who waits."""
        self.ended = True
        waiting: list[asyncio.Future[Any]] = [self.greeted, *self.waiting.values()]
        self.waiting = {}
        for future in waiting:
            if not future.done():
                future.set_exception(BrokerAwayError("broker_away", why))


class Broker:
    """Publishes and returns when the broker has confirmed; paho's thread carries the bytes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._line: _Line | None = None
        self._making: asyncio.Task[_Line] | None = None
        self._away_until = 0.0
        self.taken = 0
        self.not_taken = 0

    async def publish(self, message: Outgoing) -> None:
        """Return once the broker has taken the message for somebody, within ANSWER_S.

        Raises BrokerAwayError when it did not or nobody knows, PacketTooLargeError.
        """
        try:
            await self._publish(message)
        except Refusal:
            self.not_taken += 1
            raise
        self.taken += 1

    async def _publish(self, message: Outgoing) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._send(await self._connected(), message)
        except TimeoutError as error:
            raise BrokerAwayError("broker_away", f"no answer within {ANSWER_S} s") from error
        if answer.value == _NOBODY:
            raise BrokerAwayError("no_receiver", str(answer))
        if answer.is_failure:
            raise BrokerAwayError("broker_refused", str(answer))

    async def close(self) -> None:
        """Say goodbye; who still waits is told that nobody confirmed."""
        if self._making is not None:
            await asyncio.wait([self._making])
        if self._line is not None:
            self._line.end("the server stops")
            await asyncio.to_thread(_leave, self._line.client)

    async def _send(self, line: _Line, message: Outgoing) -> ReasonCode:
        if len(line.waiting) >= line.room:
            raise BrokerAwayError("broker_busy", f"{len(line.waiting)} wait")
        if len(message.payload) + _ENVELOPE > line.largest:
            raise PacketTooLargeError(f"the broker takes {line.largest} bytes")
        sent = line.client.publish(
            message.topic, message.payload, qos=1, properties=message.properties()
        )
        if sent.rc is not mqtt.MQTT_ERR_SUCCESS:
            raise BrokerAwayError("broker_away", mqtt.error_string(sent.rc))
        future: asyncio.Future[ReasonCode] = asyncio.get_running_loop().create_future()
        line.waiting[sent.mid] = future
        return await future

    async def _connected(self) -> _Line:
        """Return the live connection, or wait for the one that is being made."""
        if self._line is not None and not self._line.ended:
            return self._line
        if self._making is None:
            if not self._url:
                raise BrokerAwayError("broker_away", "IOC_MQTT_URL is not set")
            if time.monotonic() < self._away_until:
                raise BrokerAwayError("broker_away", "it was away a moment ago")
            self._making = asyncio.create_task(self._connect())
            self._making.add_done_callback(self._made)
        return await asyncio.shield(self._making)

    def _made(self, making: asyncio.Task[_Line]) -> None:
        self._making = None
        if making.cancelled() or making.exception() is not None:
            self._away_until = time.monotonic() + PAUSE_S
        else:
            self._line = making.result()

    async def _connect(self) -> _Line:
        """Make a connection; its callbacks come from paho's thread. Raises BrokerAwayError."""
        parts = urlsplit(self._url)
        loop = asyncio.get_running_loop()
        line = _Line(_client(self._url), loop.create_future())
        _listen(line, loop)
        port = parts.port or _PORTS[parts.scheme]
        try:
            await asyncio.to_thread(
                line.client.connect, parts.hostname or "127.0.0.1", port, KEEPALIVE_S
            )
            line.client.loop_start()
            await asyncio.wait_for(line.greeted, CONNECT_S)
        except (OSError, TimeoutError, BrokerAwayError) as error:
            await asyncio.to_thread(_leave, line.client)
            log.warning("broker_away", error=str(error) or type(error).__name__)
            raise BrokerAwayError(getattr(error, "code", "broker_away"), str(error)) from error
        log.info("broker_connected", room=line.room)
        return line


def _leave(client: mqtt.Client) -> None:
    client.disconnect()
    client.loop_stop()


def _client(url: str) -> mqtt.Client:
    """Return a client that is not connected yet."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"ioc-web-{secrets.token_hex(6)}",  # each worker, each connection its own
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    parts = urlsplit(url)
    client.connect_timeout = CONNECT_S
    client.max_inflight_messages_set(MOST_WAITING)
    if parts.username is not None:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set()
    return client


def _listen(line: _Line, loop: asyncio.AbstractEventLoop) -> None:
    """Bring what paho's thread hears to the event loop."""
    tell = loop.call_soon_threadsafe

    def on_connect(
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        tell(line.hello, reason, properties)

    def on_publish(
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        tell(line.answer, number, reason)

    def on_disconnect(
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        tell(line.end, str(reason))

    line.client.on_connect = on_connect
    line.client.on_publish = on_publish
    line.client.on_disconnect = on_disconnect
