"""`ioc simulate` over a real broker: every thing speaks soon, and a signal ends it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.awaiting import wait_for
from tests.fix_outage import Killable, Outage

ROOT: Final = Path(__file__).resolve().parents[2]
THINGS: Final = 4500
DIGEST: Final = """
from hashlib import sha256
from ioc.demo import geography, model, province
from ioc.domain.instant import SECOND
run = model.scenario(75, province.build(75, geography.shipped()), 1_795_507_200 * SECOND)
found = sha256()
for n in range(80):
    for topic, payload in model.messages(run, run.started + n * model.TICK):
        found.update(topic.encode() + payload)
print(found.hexdigest())
"""


class Ear:
    """A subscriber that remembers which topics spoke."""

    def __init__(self, port: int) -> None:
        self.topics: set[str] = set()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = lambda _c, _u, message: self.topics.add(message.topic)
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("demo/#", qos=1)
        assert subscribed.wait(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(outage: Outage) -> Killable:
    """Return a broker of this test's own: the simulator's topics are the same for all."""
    return outage.mosquitto()


@pytest.fixture
def ear(broker: Killable) -> Iterator[Ear]:
    made = Ear(int(broker.url.rsplit(":", 1)[1]))
    yield made
    made.close()


def test_everybody_is_heard_and_a_signal_ends_it(
    broker: Killable, ear: Ear, tmp_path: Path
) -> None:
    """Within half a minute nearly all 4,500 things have spoken; SIGTERM is an orderly end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ioc.demo", "simulate"],
        env=os.environ | {"IOC_MQTT_URL": broker.url, "IOC_DATA_DIR": str(tmp_path)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
    try:
        # A few per cent are silent or buffer: that is part of the picture.
        wait_for(lambda: len(ear.topics) > 0.97 * THINGS, 60)
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert {topic.split("/")[1] for topic in ear.topics} == {
        "env", "rain", "reservoir", "water", "camera", "network", "bts",
    }  # fmt: skip


def test_other_processes_say_the_same() -> None:
    """Nothing depends on the process: not on its hash seed, not on what it computed before."""
    found = {
        subprocess.check_output(
            [sys.executable, "-c", DIGEST], env=os.environ | {"PYTHONHASHSEED": seed}, cwd=ROOT
        )
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found != {sha256().hexdigest().encode() + b"\n"}
