"""The SensorThings codec: whose an Observation is, its quality, limits, any payload."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Message
from ingest.codecs import sensorthings
from ingest.reading.json_values import MAX_RECORDS
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import Sighting
from ioc.domain.observation import Decoded, Quality
from tests.unit.codec_promises import NOW, View, keep, mangled, payloads

TOPIC: Final = "v1.1/Datastreams(42)/Observations"
TOPICS: Final = (
    TOPIC,
    "v1.1/Observations",
    "v1.1/MultiDatastreams(1)/Observations",
    "v1.1/Things(1)",
)
TEMPLATE: Final[dict[str, Any]] = {
    "phenomenonTime": "2026-11-22T01:10:00Z/2026-11-22T01:15:00Z",
    "resultTime": "2026-11-22T01:15:01Z",
    "result": 41.5,
    "resultQuality": "00",
    "Datastream@iot.navigationLink": "http://frost/v1.1/Observations(901)/Datastream",
    "Datastream": {
        "@iot.id": 7,
        "@iot.selfLink": "http://frost/v1.1/Datastreams(7)",
        "name": "PM2.5",
        "unitOfMeasurement": {"symbol": "µg/m³"},
        "Thing": {"@iot.id": "a'b", "name": "Trạm Nhà Bè"},
    },
    "MultiDatastream": {"@iot.id": 8, "unitOfMeasurements": [{"symbol": "mm"}, {}]},
}


def codec(**options: Any) -> Codec:
    return sensorthings.build(options, View())


def message(payload: Any, topic: str = TOPIC) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, {"path": topic.partition("/")[2]}, raw, NOW)


@pytest.mark.parametrize("options", [{"quality": {"1": "ok"}}, {"x": 1}])
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    """What the options hold that is not understood stops the start, with the place."""
    with pytest.raises(ConfigError, match="options"):
        codec(**options)


def test_quality_is_read_only_where_its_codes_are_known() -> None:
    """Without codes in the feed a resultQuality says nothing; with them an odd one is suspect."""
    observation = message({"result": 1, "resultQuality": 2})
    (plain,) = codec().decode(observation).outcomes
    (read,) = codec(quality={"2": "fault"}).decode(observation).outcomes
    (odd,) = codec(quality={"3": "fault"}).decode(observation).outcomes
    qualities = [o.quality for o in (plain, read, odd) if isinstance(o, Decoded)]
    assert qualities == [Quality.GOOD, Quality.FAULT, Quality.SUSPECT]


def test_an_expanded_thing_is_named() -> None:
    """The thing of an expanded Datastream, as the API addresses it, with its name for people."""
    one = {key: value for key, value in TEMPLATE.items() if key != "MultiDatastream"}
    found = codec().decode(message(one))
    assert found.sightings == [Sighting("Things('a''b')", "Trạm Nhà Bè")]
    (value,) = found.outcomes
    assert isinstance(value, Decoded)
    assert (value.thing, value.datastream) == ("Things('a''b')", "Datastreams(7)")


def test_units_of_a_multi_datastream_go_with_their_values() -> None:
    """Each value of a MultiDatastream's result has the unit of its place."""
    found = codec().decode(message(TEMPLATE | {"result": [1, 2, 3]})).outcomes
    assert [o.unit for o in found if isinstance(o, Decoded)] == ["mm", None, None]


def test_too_many_observations_are_refused() -> None:
    """A list of Observations is limited as records of other formats are."""
    with pytest.raises(PayloadError, match="too_many_records"):
        codec().decode(message([1] * (MAX_RECORDS + 1)))


@given(payloads | mangled(TEMPLATE), st.sampled_from(TOPICS))
def test_any_payload_is_understood_or_refused(payload: bytes, topic: str) -> None:
    """Whatever the bytes are: outcomes that can be stored, or a refusal that can be read."""
    keep(codec(quality={"00": "good"}), message(payload, topic))


POINT: Final = {"type": "Point", "coordinates": [106.8, 10.9, 5]}
AREA: Final = {"type": "Polygon", "coordinates": [[[1, 2], [1, 3], [2, 3]]]}


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"FeatureOfInterest": {"feature": POINT}}, (106.8, 10.9)),
        ({"FeatureOfInterest": {"feature": AREA}}, (None, None)),
        (
            {"FeatureOfInterest": {"feature": {"type": "Point", "coordinates": [0, 0]}}},
            (None, None),
        ),
        ({"Datastream": {"Thing": {"Locations": [{"location": POINT}]}}}, (106.8, 10.9)),
        ({"Datastream": {"Thing": {"Locations": [{"location": [1]}]}}}, (None, None)),
    ],
)
def test_a_point_is_the_things_place(
    record: dict[str, Any], place: tuple[float | None, float | None]
) -> None:
    """The feature of interest, else the Thing's own location, tells where it is."""
    found = codec().decode(message({"result": 1, **record}))
    seen = found.sightings or [Sighting("none")]
    assert [(one.lon, one.lat) for one in seen] == [place]


def test_what_is_inserted_together_is_limited() -> None:
    """Observations below Datastreams count like those that come alone."""
    few = {"Observations": [{"result": 1}] * (MAX_RECORDS // 2), "name": "s"}
    most = codec().decode(message({"name": "T", "Datastreams": [few, few]}, "v1.1/Things"))
    assert len(most.outcomes) == MAX_RECORDS
    one_more = {"name": "T", "Datastreams": [few, few, {"Observations": [{"result": 1}]}]}
    with pytest.raises(PayloadError, match="too_many_records"):
        codec().decode(message(one_more, "v1.1/Things"))
