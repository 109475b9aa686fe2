"""A program that pushes over HTTP, and a subscriber that sees what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt

from tests.awaiting import wait_for
from tests.integration.ingest_rig import Device
from tests.integration.web_site import Answer, Client

PATH: Final = "/api/v1/observations"
JSON: Final = "application/json"
SENML: Final = "application/senml+json"
CBOR: Final = "application/senml+cbor"


@dataclass(frozen=True)
class Taken:
    """One message as a subscriber gets it."""

    topic: str
    payload: bytes
    content_type: str
    message_id: str


class Listener(Device):
    """A subscriber to one source's topic."""

    def __init__(self, url: str, topic: str) -> None:
        super().__init__(url)
        self.taken: list[Taken] = []
        ready: list[bool] = []
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: ready.append(True)
        self.client.subscribe(topic, qos=1)
        wait_for(lambda: ready)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        said = message.properties
        assert said is not None
        (pair,) = getattr(said, "UserProperty", [("", "")])
        kind = getattr(said, "ContentType", "")
        self.taken.append(Taken(message.topic, bytes(message.payload), kind, pair[1]))


@contextmanager
def listening(url: str, source: str) -> Iterator[Listener]:
    """Subscribe to a source until the block ends."""
    listener = Listener(url, f"ioc/http/{source}")
    try:
        yield listener
    finally:
        listener.close()


def push(client: Client, body: bytes, kind: str = JSON, **headers: str) -> Answer:
    """Hand in a body as a program does: no Origin unless given."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.ask("POST", PATH, body, {"Content-Type": kind} | given)


def let_in(answer: Answer) -> bool:
    """Say whether the door let a request through; 503: nobody on the broker wants its topic."""
    return answer.status in (202, 503)


def refused(answer: Answer, status: int, code: str) -> bool:
    """Say whether an answer is this problem, in the shape of all problems."""
    assert answer.headers["content-type"] == "application/problem+json", answer.body
    body = answer.json()
    assert body["detail"], body
    found = (answer.status, body["status"], body["type"])
    return found == (status, status, f"urn:ioc:problem:{code}")
