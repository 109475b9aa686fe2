"""`python -m ioc.demo simulate | replay`: the only module here that holds a connection."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from math import isfinite
from pathlib import Path
from typing import Final

import structlog

from ioc import log as logs
from ioc import settings as config
from ioc.clock import Clock, SystemClock
from ioc.demo import geography, model, province, replay
from ioc.demo.publisher import Publisher
from ioc.demo.seed import SEED
from ioc.domain.errors import ConfigError, Refusal
from ioc.domain.instant import SECOND, Micros
from ioc.settings import Settings

log = structlog.get_logger()

MAX_LAG: Final = 5 * SECOND  # a simulator that was stopped longer goes on with now
PROGRESS_EVERY: Final = 1000  # messages between two lines of a replay


def simulate(settings: Settings, clock: Clock, stop: threading.Event) -> None:
    """Publish the simulated province until `stop`."""
    publisher = Publisher(settings.mqtt_url, "ioc-simulate")
    publisher.open()
    units = province.build(SEED, geography.shipped())
    instant = clock.now() // model.TICK * model.TICK
    run = model.scenario(SEED, units, Micros(instant))
    log.info("simulating", things=len(units))
    while not stop.is_set():
        for topic, payload in model.messages(run, Micros(instant)):
            publisher.send(topic, payload, stop)
        instant += model.TICK
        ahead = instant - clock.now()
        if ahead < -MAX_LAG:
            instant = clock.now() // model.TICK * model.TICK
        stop.wait(max(0, ahead) / SECOND)
    publisher.close()


def run_replay(
    settings: Settings, clock: Clock, stop: threading.Event, arguments: argparse.Namespace
) -> int:
    """Publish a recording at its pace; return the number of acknowledged messages."""
    speed: float = arguments.speed
    if not (isfinite(speed) and speed > 0):
        raise ConfigError(f"--speed {speed}: a number above 0 is needed")
    feed = replay.read_feed(settings.config_dir / "feeds", arguments.feed)
    recording = replay.read(arguments.file, feed)
    publisher = Publisher(settings.mqtt_url, f"ioc-replay-{os.getpid()}")
    publisher.open()
    start, first = clock.now(), recording[0].time
    messages = (
        replay.shifted(recording, feed, start, speed) if arguments.shift_to_now else iter(recording)
    )
    for number, (original, message) in enumerate(zip(recording, messages, strict=True), 1):
        since = (clock.now() - start) / SECOND
        if stop.wait(max(0.0, replay.wait_s(original, first, speed, since))):
            break
        publisher.send(message.topic, replay.payload(message), stop)
        if number % PROGRESS_EVERY == 0:
            sys.stdout.write(f"{number}/{len(recording)}\n")
            sys.stdout.flush()
    publisher.drain(stop)
    publisher.close()
    return publisher.acknowledged


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ioc.demo")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("simulate")
    recording = commands.add_parser("replay")
    recording.add_argument("file", type=Path)
    recording.add_argument("--feed", required=True)
    recording.add_argument("--speed", type=float, default=1.0)
    recording.add_argument("--shift-to-now", action="store_true")
    return parser.parse_args()


def main() -> int:
    """Run one of the two; a refusal is one line and exit code 2."""
    arguments = _arguments()
    logs.configure(arguments.command)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = config.load()
        settings.require("mqtt_url")
        if arguments.command == "simulate":
            simulate(settings, SystemClock(), stop)
        else:
            count = run_replay(settings, SystemClock(), stop, arguments)
            sys.stdout.write(f"{count}\n")
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
