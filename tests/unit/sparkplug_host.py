"""The Sparkplug host under test, and short words for what it says."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ingest.codec import Codec, Command, Message
from ingest.codecs import sparkplug
from ioc.domain.errors import PayloadError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Decoded
from tests.unit.sparkplug_edge import EdgeNode, Sent, payload

NOW: Final = Micros(1_795_311_000_000_000)
MS: Final = NOW // 1000
LATER: Final = Micros(NOW + 31 * SECOND)


class View(NamedTuple):
    name: str = "sparkplug"
    zone: str = "Asia/Ho_Chi_Minh"
    names: tuple[str, ...] = ("path",)


def host(**options: Any) -> Codec:
    return sparkplug.build(options, View())


def hear(codec: Codec, sent: Sent, received: int = NOW, **rest: Any) -> list[Any]:
    return list(
        codec.decode(Message(sent.topic, {}, sent.payload, Micros(received), **rest)).outcomes
    )


def gateway() -> EdgeNode:
    return EdgeNode("Tinh", "GW01", {"": {"cpu": 1.0}, "TRAM3": {"pm25": 2.0, "no2": 3.0}})


def alive(codec: Codec) -> EdgeNode:
    """Return a node whose births the host has heard."""
    node = gateway()
    for sent in node.connect(MS):
        hear(codec, sent)
    return node


def born(*metrics: bytes) -> list[Any]:
    """Return what a host says of one birth with these metrics, without its status."""
    sent = Sent("spBv1.0/Tinh/NBIRTH/GW01", payload(*metrics, time=MS, seq=0))
    return hear(host(), sent)[1:]


def values(outcomes: list[Any]) -> dict[str, float]:
    return {one.datastream: one.result for one in outcomes if isinstance(one, Decoded)}


def commands(outcomes: list[Any]) -> list[Command]:
    return [one for one in outcomes if isinstance(one, Command)]


def reasons(outcomes: list[Any]) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, PayloadError)]
