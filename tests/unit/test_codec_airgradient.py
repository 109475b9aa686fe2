"""AirGradient: restarts are told, and what no monitor sends."""

from __future__ import annotations

import pytest
from hypothesis import given

from ingest.codec import Codec, Status
from ingest.codecs import airgradient
from ioc.domain.errors import ConfigError
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "airgradient/readings/{serial}"
KEYS = ("wifi", "pm02", "boot", "bootCount", "serialno", "model", "channels", "1")
WORDS = (0, 6, 7.5, "3.1.3", "ecda3b1eaaaf", "nan")


def made() -> Codec:
    return airgradient.build({}, Feed(names=("serial",)))


def restarts(codec: Codec, serial: str, boot: int) -> bool:
    found = codec.decode(message(PATTERN, f"airgradient/readings/{serial}", {"boot": boot}))
    return any(isinstance(one, Status) for one in found.outcomes)


def test_memory_of_restarts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit the monitor that is silent longest is forgotten, no other."""
    monkeypatch.setattr(airgradient, "MAX_DEVICES", 2)
    codec = made()
    for serial in ("a", "b", "c", "d", "e"):
        assert not restarts(codec, serial, 9)
    assert restarts(codec, "e", 1)
    assert not restarts(codec, "a", 1)


def test_a_retained_copy_is_no_restart() -> None:
    """The broker's copy is old: a lower counter in it says nothing, and is not remembered."""
    codec, topic = made(), "airgradient/readings/a"
    assert not restarts(codec, "a", 9)
    copy = codec.decode(message(PATTERN, topic, {"boot": 1}, retain=True)).outcomes
    assert not any(isinstance(one, Status) for one in copy)
    assert restarts(codec, "a", 5)


def test_options() -> None:
    """Options that the topics or the codec do not know are refused before anything starts."""
    with pytest.raises(ConfigError):
        airgradient.build({}, Feed(names=("device",)))
    with pytest.raises(ConfigError):
        airgradient.build({"serial": "x"}, Feed(names=("serial",)))


@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    survives(made(), message(PATTERN, "airgradient/readings/a", monsters()[name]))


@ANY
@given(payloads(KEYS, WORDS))
def test_any_payload(payload: bytes) -> None:
    """Any bytes and any JSON become sound outcomes or a refusal."""
    survives(made(), message(PATTERN, "airgradient/readings/a", payload))
