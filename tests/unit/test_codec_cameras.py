"""Frigate, ONVIF and the plain camera JSON: hostile payloads, what they remember, its bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.codec import Codec, FeedView, Message, Status
from ingest.codecs import camera, frigate, onvif
from ingest.reading.recent import Recent
from ioc.domain.errors import ConfigError
from ioc.domain.observation import DeviceState
from tests.unit.codec_feeds import Feed, hostile, many, message, nested, outcomes, survives

Build = Callable[[Mapping[str, Any], FeedView], Codec]

PATHS = Feed(names=("path",))
EVENTS = Feed(names=("device", "event"))
STATS = ("cameras", "service", "last_updated", "camera_fps", "storage", "free", "uptime", "c")
EJ = ("UtcTime", "timestamp", "Source", "Data", "State", "SimpleItem", "Name", "Value", "message",
      "data", "source", "PropertyOperation")  # fmt: skip
PLAIN = ("camera_id", "ts", "state", "signal", "recording", "fps", "bitrate_kbps", "nvr_id")


def tree(path: str, payload: bytes | str, *, retain: bool = False) -> Message:
    return message(payload, f"frigate/{path}", retain=retain, path=path)


def states(codec: Codec, *messages: Message) -> list[tuple[str, DeviceState]]:
    found = outcomes(codec, *messages)
    return [(one.thing, one.state) for one in found if isinstance(one, Status)]


topics = st.sampled_from(
    ["available", "stats", "c/status/detect", "c/status/x", "c/p/snapshot", "events", "c/status"]
) | st.text(min_size=1, max_size=12)


@many
@given(st.lists(st.tuples(topics, hostile(*STATS), st.booleans()), max_size=5))
@example([("stats", nested(*STATS)(990), False)])
@example([("stats", b'{"cameras": {"\\ud800": {}, "": {}, "c": []}}', False)])
def test_frigate_takes_anything(messages: list[tuple[str, bytes, bool]]) -> None:
    """Whatever the bytes and topics are: outcomes fit to be stored, or a PayloadError."""
    codec = frigate.build({}, PATHS)
    for path, payload, retain in messages:
        survives(codec, tree(path, payload, retain=retain))


events = st.sampled_from(
    ["VideoSource/SignalLoss/&1", "tns1:Device/HardwareFailure/StorageFailure", "Recording/Start",
     "Monitoring/ProcessorUsage", "RecordingConfig/JobState", "&", "//", "x"]
) | st.text(min_size=1, max_size=12)  # fmt: skip


@many
@given(st.lists(st.tuples(events, hostile(*EJ)), max_size=5))
@example([("VideoSource/SignalLoss", nested(*EJ)(990))])
def test_onvif_takes_anything(messages: list[tuple[str, bytes]]) -> None:
    """Whatever the bytes and topics are: outcomes fit to be stored, or a PayloadError."""
    codec = onvif.build({}, EVENTS)
    for event, payload in messages:
        survives(codec, message(payload, device="cam", event=event))


@many
@given(st.lists(st.tuples(hostile(*PLAIN), st.none() | st.just("nvr"), st.booleans()), max_size=5))
@example([(nested(*PLAIN)(990), None, False)])
@example(
    [
        (
            b'{"camera_id": "c", "signal": ["x"], "recording": {}, "state": [1], "nvr_id": []}',
            None,
            True,
        )
    ]
)
def test_camera_takes_anything(messages: list[tuple[bytes, str | None, bool]]) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    codec = camera.build({}, Feed())
    for payload, nvr, retain in messages:
        parts = {} if nvr is None else {"nvr": nvr}
        survives(codec, message(payload, retain=retain, **parts))


@pytest.mark.parametrize(
    ("build", "options", "feed", "says"),
    [
        (frigate.build, {}, Feed(), "{path*}"),
        (frigate.build, {"prefix": "x"}, PATHS, "prefix"),
        (onvif.build, {}, Feed(names=("device",)), "{event*}"),
        (onvif.build, {"thing": "{serial}"}, EVENTS, "{serial}"),
        (onvif.build, {"x": 1}, EVENTS, "x"),
        (camera.build, {"time_format": "stardate"}, Feed(), "stardate"),
        (camera.build, {"x": 1}, Feed(), "x"),
    ],
)
def test_wrong_options_are_named(build: Build, options: Any, feed: Feed, says: str) -> None:
    """Options and topics that cannot work are refused before anything starts."""
    with pytest.raises(ConfigError) as refusal:
        build(options, feed)
    assert says in str(refusal.value)


def test_these_formats_remember() -> None:
    """All messages of such a feed must reach one process."""
    codecs = [frigate.build({}, PATHS), onvif.build({}, EVENTS), camera.build({}, Feed())]
    assert all(codec.stateful for codec in codecs)


def test_frigate_forgets_the_camera_heard_longest_ago() -> None:
    """A broker full of made-up cameras costs a bounded memory and a bounded last will."""
    codec = frigate.build({}, PATHS)
    for number in range(frigate.MAX_CAMERAS + 5):
        outcomes(codec, tree(f"c{number}/status/detect", "online"))
    gone = states(codec, tree("available", "offline"))
    assert len(gone) == frigate.MAX_CAMERAS + 1
    assert ("c4", DeviceState.UNKNOWN) not in gone
    assert ("c5", DeviceState.UNKNOWN) in gone


@many
@given(st.binary(max_size=50))
def test_a_snapshot_is_never_looked_into(payload: bytes) -> None:
    """The topic alone decides, whatever the picture's bytes are."""
    found = outcomes(frigate.build({}, PATHS), tree("cam/person/snapshot", payload))
    assert [type(one).__name__ for one in found] == ["Ignored"]


@many
@given(
    st.lists(
        st.tuples(st.sampled_from(["detect", "record"]), st.sampled_from(["online", "offline"])),
        min_size=1,
        max_size=12,
    )
)
def test_frigate_is_offline_while_a_role_is(steps: list[tuple[str, str]]) -> None:
    """The camera's state is the worst of what its roles said last."""
    codec, last = frigate.build({}, PATHS), dict[str, str]()
    for role, word in steps:
        last[role] = word
        wanted = DeviceState.OFFLINE if "offline" in last.values() else DeviceState.ONLINE
        assert states(codec, tree(f"c/status/{role}", word)) == [("c", wanted)]


@many
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["VideoSource/SignalLoss", "VideoSource/ImageTooDark/ImagingService"]),
            st.sampled_from("ab"),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_onvif_is_degraded_while_something_is_raised(steps: list[tuple[str, str, bool]]) -> None:
    """After any sequence: degraded exactly while a problem of a source is raised."""
    codec, raised = onvif.build({}, EVENTS), set[tuple[str, str]]()
    for second, (event, source, state) in enumerate(steps):
        (raised.add if state else raised.discard)((event, source))
        at = f"2026-11-22T01:00:{second:02}Z"
        body = {"UtcTime": at, "Source": {"Source": source}, "Data": {"State": str(state).lower()}}
        wanted = DeviceState.DEGRADED if raised else DeviceState.ONLINE
        one = message(json.dumps(body), device="cam", event=event)
        assert states(codec, one) == [("cam", wanted)]


def test_onvif_sources_of_one_camera_are_bounded() -> None:
    """A camera that names a new source each time costs a bounded memory."""
    codec = onvif.build({}, EVENTS)
    for number in range(onvif.MAX_PROPERTIES + 3):
        event = f"VideoSource/SignalLoss/&{number}"
        found = outcomes(codec, message('{"Data": {"State": true}}', device="cam", event=event))
        assert isinstance(found[0], Status)
        assert found[0].detail == "signal_loss"


def test_recent_forgets_what_was_touched_longest_ago() -> None:
    """To put again is to touch; the limit holds."""
    memory: Recent[str, int] = Recent(2)
    memory.put("a", 1)
    memory.put("b", 2)
    memory.put("a", 3)
    memory.put("c", 4)
    assert memory.items() == [("a", 3), ("c", 4)]
    assert (memory.get("b"), memory.get("a"), len(memory), list(memory)) == (None, 3, 2, ["a", "c"])
    memory.drop("a")
    memory.drop("a")
    assert list(memory) == ["c"]


def test_a_recorders_last_will_is_its_own_cameras_alone() -> None:
    """One status for the recorder, one for each of its cameras, none for another's."""
    codec = camera.build({}, Feed())
    for name, recorder in (("a", "one"), ("b", "two"), ("c", "one")):
        body = {"camera_id": name, "state": "online", "nvr_id": recorder}
        assert states(codec, message(json.dumps(body))) == [(name, DeviceState.ONLINE)]
    assert states(codec, message("offline", nvr="one")) == [
        ("one", DeviceState.OFFLINE),
        ("a", DeviceState.UNKNOWN),
        ("c", DeviceState.UNKNOWN),
    ]


def test_what_a_camera_says_now_counts_though_its_recorder_is_gone() -> None:
    """A kept message of a dead recorder's camera is unknown, a live one is believed."""
    codec = camera.build({}, Feed())
    body = json.dumps({"camera_id": "a", "state": "online", "nvr_id": "one"})
    outcomes(codec, message(body), message("offline", nvr="one"))
    assert states(codec, message(body, retain=True)) == [("a", DeviceState.UNKNOWN)]
    assert states(codec, message(body)) == [("a", DeviceState.ONLINE)]
