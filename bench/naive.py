"""The ingest that a first afternoon gives: paho's callback, json, one INSERT and one commit each.

What `bench.ingest` compares with. Prints "ready", then one JSON object like `bench.relay`.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from bench.relay import PATIENCE_S, Received

_INSERT = (
    "insert into observation (datastream_id, phenomenon_time, result, quality, flags, received,"
    " writer, batch_no) values (%s, %s, %s, 0, 0, now(), 0, 0) on conflict do nothing"
)


class Subscriber:
    """Stores each message before it looks at the next."""

    def __init__(self, database: str, count: int) -> None:
        self._conn = psycopg.connect(database)
        self._wanted = count
        self.received = Received()
        self.subscribed = threading.Event()
        self.done = threading.Event()

    def on_connect(self, client: mqtt.Client, *_: Any) -> None:  # noqa: ANN401
        client.subscribe("naive/#", qos=1)

    def on_subscribe(self, *_: Any) -> None:  # noqa: ANN401
        self.subscribed.set()

    def on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        found = json.loads(message.payload)
        station = int(message.topic.split("/")[1].removeprefix("d"))
        moment = datetime.fromtimestamp(found["t"] / 1e6, UTC)
        self._conn.execute(_INSERT, (station, moment, found["v0"]))
        self._conn.commit()
        self.received.count += 1
        self.received.last = time.time_ns() // 1000
        if self.received.count == 1:
            self.received.first = self.received.last
        if self.received.count >= self._wanted:
            self.done.set()


def main() -> int:
    """Subscribe, store, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--url", required=True)
    words.add_argument("--database", required=True)
    words.add_argument("--count", type=int, required=True)
    given = words.parse_args()
    subscriber = Subscriber(given.database, given.count)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = subscriber.on_connect
    client.on_subscribe = subscriber.on_subscribe
    client.on_message = subscriber.on_message
    parts = urlsplit(given.url)
    client.connect(parts.hostname or "127.0.0.1", parts.port or 1883)
    client.loop_start()
    subscriber.subscribed.wait(PATIENCE_S)
    print("ready", flush=True)
    begun = time.process_time()
    subscriber.done.wait(PATIENCE_S)
    subscriber.received.cpu_s = time.process_time() - begun
    client.disconnect()
    client.loop_stop()
    print(json.dumps(asdict(subscriber.received)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
