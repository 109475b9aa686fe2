"""What a thing speaks through, learned from messages; a person's word stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pytest
from psycopg import Connection

from ingest import feeds
from ingest.feeds import Feed
from ingest.grading import Grader
from ingest.preparing import Preparer
from ioc.catalogue import Property
from ioc.domain.instant import Micros, from_datetime
from ioc.domain.intake import Arrival
from ioc.domain.location import Province
from ioc.domain.thing import Declaration
from ioc.storage import declared, things
from ioc.storage.batches import Recorder
from ioc.storage.registry import Registry
from tests.integration.ingest_rig import one
from tests.unit.sparkplug_edge import EdgeNode

Db = Connection[tuple[Any, ...]]
Take = Callable[..., dict[str, str | None]]
CATALOGUE: Final = {"unclassified": Property("Chưa phân loại", "Not classified", "")}
TOPICS: Final[Mapping[str, str | list[str]]] = {
    "sparkplug": "spBv1.0/{path*}",
    "camera": ["c/{camera}", "n/{nvr}"],
    "frigate": "frigate/{path*}",
    "zigbee2mqtt": "z/{name*}",
}
PARENTS: Final = """
select t.external_id, p.external_id from thing t left join thing p on p.id = t.parent_id
"""


@pytest.fixture
def take(conn: Db, database_url: str) -> Iterator[Take]:
    """Return a function: messages, one batch -> each thing and what it hangs on."""
    things.upsert_properties(conn, CATALOGUE)
    sources = {
        name: feeds.source(
            msgspec.convert(
                {"name": name, "title": {"vi": "F", "en": "F"}, "codec": name, "kind": "gateway",
                 "topic": topic, "expected_period_s": 60},
                Feed,
            )
        )
        for name, topic in TOPICS.items()
    }  # fmt: skip
    specs = {name: one.spec for name, one in sources.items()}
    things.upsert_feeds(conn, specs.values())
    registry = Registry(specs, Province().place, CATALOGUE, pending_per_feed=99)
    recorder = Recorder(database_url, "w", registry, Grader)
    preparer = Preparer(sources)
    count = 0

    def run(*messages: tuple[str, bytes | str | Mapping[str, Any]]) -> dict[str, str | None]:
        nonlocal count
        arrivals = []
        for topic, said in messages:
            count += 1
            raw = json.dumps(said).encode() if isinstance(said, Mapping) else said
            payload = raw.encode() if isinstance(raw, str) else raw
            arrivals.append(Arrival(topic, payload, Micros(now(conn) + count), count))
        recorder.commit(preparer.prepare(arrivals))
        return dict(conn.execute(PARENTS).fetchall())

    yield run
    recorder.close()


def now(conn: Db) -> int:
    return from_datetime(one(conn, "select now()"))


def births(conn: Db) -> Sequence[tuple[str, bytes]]:
    return EdgeNode("Tinh", "GW", {"": {"cpu": 1.0}, "D1": {"a": 1.0}, "D2": {}}).connect(
        now(conn) // 1000
    )


def camera(name: str, recorder: str | None) -> tuple[str, dict[str, Any]]:
    return f"c/{name}", {"camera_id": name, "state": "online", "nvr_id": recorder}


def test_a_sparkplug_device_hangs_on_its_edge_node(conn: Db, take: Take) -> None:
    """Its births are enough, in one batch or in several."""
    node, *devices = births(conn)
    assert take(node, devices[0]) == {"Tinh/GW": None, "Tinh/GW/D1": "Tinh/GW"}
    assert take(devices[1])["Tinh/GW/D2"] == "Tinh/GW"


def test_a_camera_follows_its_recorder(take: Take) -> None:
    """A recorder that is not known yet is waited for; a camera that moves is moved."""
    assert take(camera("cam", "nvr1")) == {"cam": None}
    assert take(("n/nvr1", "online"), camera("cam", "nvr1"))["cam"] == "nvr1"
    assert take(("n/nvr2", "online"), camera("cam", "nvr2"))["cam"] == "nvr2"
    assert take(camera("cam", None))["cam"] == "nvr2"


def test_frigate_and_zigbee_hang_on_recorder_and_bridge(take: Take) -> None:
    """What speaks through one program is silent when that is away."""
    found = take(
        ("frigate/available", "online"),
        ("frigate/cua/status/detect", "online"),
        ("frigate/stats", {"cameras": {"san": {"camera_fps": 5}}, "service": {"uptime": 3}}),
        ("z/bridge/state", "online"),
        ("z/phong", {"temperature": 20}),
    )
    assert found == {
        "frigate": None, "cua": "frigate", "san": "frigate", "bridge": None, "phong": "bridge",
    }  # fmt: skip


def test_a_declared_parent_stays(conn: Db, take: Take) -> None:
    """What a person said of a thing is not changed by what its messages say."""
    take(("n/nvr1", "online"), ("n/nvr2", "online"), camera("cam", "nvr1"))
    with conn.transaction():
        wish = Declaration("camera", "cam", "Cam", "Cam", parent="nvr2")
        thing = declared.Placed(1, wish, "camera", None, exact_commune=False)
        declared.put(conn, [thing], CATALOGUE, by="test")
    assert take(camera("cam", "nvr1"))["cam"] == "nvr2"


def test_no_thing_hangs_on_itself(take: Take) -> None:
    """A loop that messages tell is not followed."""
    take(camera("a", None), camera("b", None), camera("c", None))
    found = take(camera("a", "b"), camera("b", "c"), camera("c", "a"), camera("b", "b"))
    assert found == {"a": "b", "b": None, "c": "a"}
    assert take(camera("b", "c"))["b"] is None
