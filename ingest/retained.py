"""What the broker keeps of the feeds whose codecs remember, read again as a session begins.

A kept session brings no retained message again, and an announcement that was published at QoS 0
while we were away is not kept for us either. So a second, clean session without acknowledgements
asks for the retained messages, hands them over and ends: nothing of it becomes an observation.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ioc import broker
from ioc.clock import Clock
from ioc.domain.intake import Arrival

# A province announces some 50,000 entities (`homeassistant.MAX_REMEMBERED`), which mosquitto hands
# over in a second. The writer waits for this, so a broker with a sea of retained values is left.
MAX_MESSAGES: Final = 100_000
MAX_S: Final = 10.0
KEEPALIVE_S: Final = 30
# Retained messages come with the answer to the subscription; some brokers send them a little later.
QUIET_S: Final = 0.2
_FENCE: Final = "ioc/fence"  # never subscribed: its answer comes after all that was sent before
_TURN_S: Final = 0.05

log = structlog.get_logger()


@dataclass(slots=True)
class _Reading:
    """How far one reading has come."""

    arrived: deque[Arrival]
    fenced: bool = False
    failed: str = ""


def read(  # noqa: PLR0913  two of them are limits for tests
    url: str,
    client_id: str,
    filters: Sequence[str],
    clock: Clock,
    *,
    most: int = MAX_MESSAGES,
    max_s: float = MAX_S,
    failed: Callable[[], None] = lambda: None,
) -> Iterator[Arrival]:
    """Yield the retained messages under some filters, at most so many in so many seconds.

    `failed` is called where not all was read. Never raises for a broker that is away or refuses:
    the devices announce themselves again.
    """
    if not filters:
        return
    reading = _Reading(deque())
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=mqtt.MQTTv5,
        transport=broker.transport(url),
    )
    address = broker.prepare(client, url)
    _listen(client, filters, clock, reading)
    begun, count = time.monotonic(), 0
    try:
        client.connect(*address, keepalive=KEEPALIVE_S, clean_start=True)
        for one in _until_quiet(client, reading, begun + max_s):
            count += 1
            yield one
            if count == most:
                reading.failed = f"more than {most} messages"
                break
    except (OSError, ValueError) as error:  # paho's WebsocketConnectionError is a ConnectionError
        reading.failed = str(error)
    finally:
        client.disconnect()
        client.loop(_TURN_S)  # sends it
    if reading.failed:
        failed()
        log.warning("retained_not_read", why=reading.failed)
    else:
        log.info("retained_read", messages=count, seconds=round(time.monotonic() - begun, 3))


def _until_quiet(client: mqtt.Client, reading: _Reading, ends: float) -> Iterator[Arrival]:
    """Yield what arrives until all was sent: the fence was answered and nothing new came."""
    newest = time.monotonic()
    while not reading.fenced or time.monotonic() - newest < QUIET_S:
        if client.loop(_TURN_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            reading.failed = reading.failed or "the broker ended the connection"
        if reading.failed:
            return
        if reading.arrived:
            newest = time.monotonic()
        while reading.arrived:
            yield reading.arrived.popleft()
        if time.monotonic() >= ends:
            reading.failed = "it takes too long"
            return


def _listen(client: mqtt.Client, filters: Sequence[str], clock: Clock, reading: _Reading) -> None:
    """Let a client subscribe once it is connected, ask for the fence then, and keep what comes."""
    options = SubscribeOptions(qos=0, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)

    def connected(_c: mqtt.Client, _d: Any, _f: Any, reason: Any, _p: Any) -> None:  # noqa: ANN401
        if reason.is_failure:
            reading.failed = str(reason)
            return
        client.subscribe([(one, options) for one in filters])

    def subscribed(*_: Any) -> None:  # noqa: ANN401  paho's
        client.unsubscribe(_FENCE)

    def fenced(*_: Any) -> None:  # noqa: ANN401  paho's
        reading.fenced = True

    def arrived(_c: mqtt.Client, _d: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        if message.retain:  # what is live comes to the session that keeps it
            payload = bytes(message.payload)
            reading.arrived.append(Arrival(message.topic, payload, clock.now(), retain=True))

    client.on_connect, client.on_subscribe = connected, subscribed
    client.on_unsubscribe, client.on_message = fenced, arrived
